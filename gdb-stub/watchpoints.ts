/**
 * Watchpoints (packets Z2 to Z4). As on QEMU a watchpoint is on virtual addresses, in whatever address space an access uses them,
 * and stops after the instruction. The machine watches physical memory, so this follows where the addresses lead: through the page
 * tables that are now in use, as harts switch between them and as the tables change.
 */
import { Csr } from '../emulator/isa/csrs';
import { satpRoot } from '../emulator/isa/sv39';
import type { DataEvent, MachineApi, Subscription, Watch } from '../emulator/types';
import { piecesOf, type Space } from './memory';

export interface Watchpoint {
  readonly access: Watch['access'];
  readonly address: bigint;
  /** Bytes. */
  readonly length: number;
}

export class Watchpoints {
  private watchpoints: readonly Watchpoint[] = [];
  /** By physical address, length and access: the machine knows a watch by its object. */
  private watches = new Map<string, Watch>();
  private subscription: Subscription | undefined;

  constructor(private readonly machine: MachineApi) {}

  /** These, and no others, from now on. */
  set(watchpoints: readonly Watchpoint[]): void {
    this.watchpoints = watchpoints;
    if (watchpoints.length === 0) this.end();
    else this.follow();
  }

  /** The watchpoint for which the machine has stopped, if there is one. */
  hit(events: readonly DataEvent[]): Watchpoint | undefined {
    for (const event of events) {
      const found = this.watchpointOf(event);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** To be called where the machine has been put into another state. */
  follow(): void {
    if (this.watchpoints.length === 0) return;
    const { machine } = this;
    this.subscription ??= machine.subscribe({
      data: (event) => this.watchpointOf(event) !== undefined,
      satpWrite: () => this.moved(),
      tableStore: () => this.moved(),
    });
    const roots = this.spaces().filter((space) => space !== undefined);
    this.subscription.followTables(undefined);
    this.subscription.followTables(roots);
    this.place();
  }

  end(): void {
    this.subscription?.end();
    this.subscription = undefined;
    this.watches.clear();
  }

  private moved(): false {
    this.place();
    return false;
  }

  /** The page tables of all harts, and physical addresses, which M-mode uses. */
  private spaces(): Space[] {
    return [...new Set([undefined, ...this.machine.harts.map((hart) => satpRoot(hart.csr(Csr.satp) ?? 0n))])];
  }

  private place(): void {
    const before = this.watches;
    this.watches = new Map();
    const { memory } = this.machine;
    for (const { access, address, length } of this.watchpoints) {
      for (const space of this.spaces()) {
        for (const piece of piecesOf(memory, space, address, length)) {
          if (memory.read(piece.address, piece.length) === undefined) continue;
          const key = `${piece.address} ${piece.length} ${access}`;
          const watch = { address: piece.address, length: piece.length, access };
          this.watches.set(key, before.get(key) ?? watch);
        }
      }
    }
    const isSame = before.size === this.watches.size && [...before.keys()].every((key) => this.watches.has(key));
    if (!isSame) this.subscription!.setWatches(this.watches.values());
  }

  /** The bytes of a watchpoint may also be reached by other addresses, and by devices. */
  private watchpointOf({ by, va, watch, access }: DataEvent): Watchpoint | undefined {
    if (by !== 'instruction' || va === undefined) return undefined;
    return this.watchpoints.find(
      (one) =>
        one.access === watch.access &&
        (one.access === 'readWrite' || one.access === access) &&
        va >= one.address &&
        va < one.address + BigInt(one.length),
    );
  }
}
