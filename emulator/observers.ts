/**
 * Who listens to the machine. Each party has a subscription of its own, with what it wants to see, and none replaces
 * another's: two that observe the same address or the same bytes each hear of them, and one that ends takes nothing from
 * the other.
 */
import type { HartState } from './cpu/hart';
import { FENCES_OBSERVED, HartOffset } from './layout';
import type { GuestMemory } from './mmu/guest-memory';
import type { Tlb } from './mmu/tlb';
import { Watching } from './mmu/watching';
import type {
  DataEvent,
  ExecuteEvent,
  Heard,
  MachineEvents,
  Listeners,
  Observer,
  Stop,
  Subscription,
  TableStoreEvent,
  Watch,
} from './types';

/** What a change of the subscriptions means for the code that runs. */
export interface ObserversHost {
  /** Other addresses are observed than before, or in other address spaces; or none any more. */
  addressesChanged(any: boolean): void;
  /** Whether somebody wants to hear of CSR writes. */
  csrWritesChanged(observed: boolean): void;
}

/** Of one party: what it listens to, at which addresses, and what it watches. */
interface Share {
  observer: Observer;
  /** By page. */
  addresses: Map<bigint, bigint[]>;
  readonly watching: Watching;
}

/** An address whose execution a party observes, and its upper 32 bits, signed. */
interface Observed {
  readonly share: Share;
  readonly address: bigint;
  readonly high: number;
}

const NOBODY: Observer = {};

const NOTHING_HEARD: Heard = {
  trap: false,
  trapReturn: false,
  satpWrite: false,
  csrWrite: false,
  fence: false,
  device: false,
  data: false,
  tableStore: false,
  lostStore: false,
  staleTranslation: false,
  difference: false,
  execute: false,
};
const EVENTS = Object.keys(NOTHING_HEARD) as (keyof MachineEvents)[];

export class Observers {
  /** Replaced at every change, so that listeners may subscribe and unsubscribe while one is called. */
  private shares: readonly Share[] = [];
  private byWatching: ReadonlyMap<object, Share> = new Map();
  /** Those who observe the execution of an address with these low 32 bits: most addresses that are observed are one party's. */
  private byLowHalf = new Map<number, Observed[]>();
  /** Replaced at every change, too. */
  heard: Heard = NOTHING_HEARD;

  constructor(
    private readonly memory: GuestMemory,
    private readonly tlb: Tlb,
    private readonly harts: readonly HartState[],
    private readonly host: ObserversHost,
  ) {}

  subscribe(observer: Observer): Subscription {
    const watching = new Watching(this.memory, this.tlb, this.harts);
    const share: Share = { observer, addresses: new Map(), watching };
    this.setShares([...this.shares, share]);
    const holds = (): boolean => this.shares.includes(share);
    return {
      setAddresses: (addresses) => {
        if (holds()) this.setAddresses(share, addresses);
      },
      setWatches: (watches: Iterable<Watch>) => {
        if (holds()) watching.setWords(watches);
      },
      followTables: (roots, page) => {
        if (holds()) watching.followTables(roots, page);
      },
      followedTables: () => watching.followedTables(),
      end: () => {
        if (!holds()) return;
        watching.end();
        this.setAddresses(share, []);
        share.observer = NOBODY;
        this.setShares(this.shares.filter((other) => other !== share));
      },
    };
  }

  /** Tells all who listen; true if one of them wants to stop. */
  tell<Name extends keyof MachineEvents>(name: Name, event: MachineEvents[Name]): boolean {
    let stops = false;
    for (const { observer } of this.shares) if (tellOne(observer, name, event)) stops = true;
    return stops;
  }

  /** Addresses in a page (by its number) whose execution is observed in the address space that a hart is in. */
  addressesIn(hart: HartState, page: bigint): bigint[] {
    return this.shares.flatMap(
      ({ addresses, observer }) => addresses.get(page)?.filter((address) => applies(observer, hart, address)) ?? [],
    );
  }

  /** A hart is about to execute the instruction at its pc: tells those who observe it; true if one of them wants to stop. */
  execute(hart: HartState, time: number, shown = false): boolean {
    const { byLowHalf: all } = this;
    const observed = all.get(hart.half(HartOffset.pc));
    if (observed === undefined) return false;
    const high = hart.half(HartOffset.pc + 4);
    let stops = false;
    for (const one of observed) {
      const { observer } = one.share;
      if (one.high !== high || !applies(observer, hart, one.address)) continue;
      // Whoever was told before may have changed who is to be told.
      if (this.byLowHalf !== all && !isStillObserved(one)) continue;
      const event: ExecuteEvent = { hart: hart.id, pc: one.address, time };
      if (shown) event.shown = true;
      if (observer.execute?.(event)) stops = true;
    }
    return stops;
  }

  /** Tells what was touched of watched memory since the last time; the stop that somebody wants for it. */
  settleWatches(): Stop | undefined {
    const wanted: DataEvent[] = [];
    let entry: TableStoreEvent | undefined;
    for (const touch of this.memory.watches.take()) {
      const share = this.byWatching.get(touch.watch.owner);
      if (share === undefined) continue;
      const { observer, watching } = share;
      const told = watching.touched(touch);
      if (!isStores(told)) {
        if (observer.data?.(told)) wanted.push(told);
        continue;
      }
      for (const event of told) if (observer.tableStore?.(event)) entry ??= event;
    }
    for (const { watching } of this.shares) watching.keepOut();
    if (wanted.length > 0) return { kind: 'data', events: wanted };
    return entry && { kind: 'tableStore', event: entry };
  }

  satpChanged(hart: HartState): void {
    for (const { watching } of this.shares) watching.satpChanged(hart);
  }

  /** The machine is powered on anew. */
  reset(): void {
    for (const { watching } of this.shares) watching.reset();
  }

  private setAddresses(share: Share, addresses: Iterable<bigint>): void {
    const before = share.addresses.size;
    share.addresses = new Map();
    for (const address of new Set(addresses)) {
      const page = share.addresses.get(address >> 12n);
      if (page) page.push(address);
      else share.addresses.set(address >> 12n, [address]);
    }
    if (before + share.addresses.size === 0) return;
    this.byLowHalf = byLowHalf(this.shares);
    this.host.addressesChanged(this.shares.some(({ addresses: others }) => others.size > 0));
  }

  private setShares(shares: readonly Share[]): void {
    this.shares = shares;
    this.byWatching = new Map(shares.map((share) => [share.watching, share]));
    const before = this.heard.csrWrite;
    const wanted: Record<keyof MachineEvents, boolean> = { ...NOTHING_HEARD };
    for (const name of EVENTS) wanted[name] = shares.some(({ observer }) => observer[name] !== undefined);
    this.heard = wanted;
    this.memory.i32[FENCES_OBSERVED / 4] = Number(wanted.fence);
    if (this.heard.csrWrite !== before) this.host.csrWritesChanged(!before);
  }
}

function byLowHalf(shares: readonly Share[]): Map<number, Observed[]> {
  const found = new Map<number, Observed[]>();
  for (const share of shares) {
    for (const address of [...share.addresses.values()].flat()) {
      const low = Number(BigInt.asIntN(32, address));
      const observed = { share, address, high: Number(BigInt.asIntN(32, address >> 32n)) };
      found.set(low, [...(found.get(low) ?? []), observed]);
    }
  }
  return found;
}

const isStillObserved = ({ share: { addresses }, address }: Observed): boolean =>
  addresses.get(address >> 12n)?.includes(address) === true;

const isStores = (told: DataEvent | readonly TableStoreEvent[]): told is readonly TableStoreEvent[] =>
  Array.isArray(told);

const tellOne = <Name extends keyof MachineEvents>(
  listeners: Listeners,
  name: Name,
  event: MachineEvents[Name],
): boolean => listeners[name]?.(event) ?? false;

const applies = (observer: Observer, hart: HartState, address: bigint): boolean =>
  observer.appliesTo?.(hart, address) ?? true;
