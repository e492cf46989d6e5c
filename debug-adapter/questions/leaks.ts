/**
 * Pages that the kernel has lost: neither free, nor mapped, nor led to by anything that it has. Of each, who allocated it last:
 * where the same few lines have allocated all of them, these pages were to be freed with what the lines have made.
 */
import { hex } from '../../emulator/isa/hex';
import type { Stop } from '../../emulator/types';
import { X } from '../../emulator/isa/registers';
import { walkStack } from '../stack/stack';
import { baseName } from '../code/sources';
import { KernelEvents, type KernelEventKind } from '../xv6/kernel-events';
import type { QueryCondition } from './condition';
import { callPlace } from '../code/place-names';
import { sceneOf, type AskedGuest, type Occurrence } from './occurrence';
import type { Candidate, Query } from './query';

const KINDS: ReadonlySet<KernelEventKind> = new Set(['allocate']);
/** Callers of the allocator's own caller that are told. */
const CALLERS = 4;

export class Leaks implements Query {
  readonly subject = 'allocations of pages that are lost now';
  private readonly events: KernelEvents;
  /** Those of which the last allocation is still looked for. */
  private readonly open: Set<bigint>;
  private stretch = new Map<bigint, Occurrence>();

  /** `lost`: their physical addresses. */
  constructor(
    private readonly guest: AskedGuest,
    private readonly lost: readonly bigint[],
    private readonly condition: QueryCondition,
  ) {
    this.open = new Set(lost);
    this.events = new KernelEvents(guest.xv6, (hart, address, length) => guest.read(hart)(address, length));
  }

  get failures(): QueryCondition['failures'] {
    return this.condition.failures;
  }

  remark(): string {
    const missing = this.events.missing('allocate');
    return `${this.lost.length} pages of RAM are neither free nor used${missing === undefined ? '' : `; ${missing}`}`;
  }

  begin(): () => void {
    this.stretch = new Map();
    const subscription = this.guest.machine.subscribe({ execute: ({ hart }) => this.pageAt(hart) !== undefined });
    if (this.open.size > 0) subscription.setAddresses(this.events.addresses(KINDS));
    return () => subscription.end();
  }

  seen(stop: Stop): undefined {
    const page = stop.kind === 'breakpoint' ? this.pageAt(stop.hart) : undefined;
    if (stop.kind !== 'breakpoint' || page === undefined || !this.condition.holds(stop.hart)) return;
    this.stretch.set(page, this.allocation(stop.hart, page));
  }

  ended(): readonly Candidate[] {
    for (const page of this.stretch.keys()) this.open.delete(page);
    const found = [...this.stretch.values()].sort((a, b) => a.tick - b.tick);
    return found.map((one) => ({ occurrence: () => one }));
  }

  /** The page that a hart is just allocating, if it is lost later. */
  private pageAt(id: number): bigint | undefined {
    const event = this.events.at(this.guest.harts[id]!);
    return event?.kind === 'allocate' && this.open.has(event.page) ? event.page : undefined;
  }

  private allocation(id: number, page: bigint): Occurrence {
    const { guest } = this;
    const hart = guest.harts[id]!;
    const scene = sceneOf(guest, hart, hart.pc);
    const calls = walkStack(guest, { kind: 'hart', hart: id }, 1)
      .slice(1)
      .filter(({ isLabel, isUser }) => !isLabel && !isUser)
      .slice(0, CALLERS)
      .map(({ name, file, line }) => (file === undefined ? name : `${name} at ${baseName(file)}:${line}`));
    const place = callPlace(guest.image, hart.x(X.ra)) ?? scene.place;
    const parts = [{ name: 'page', value: hex(page) }];
    return { ...scene, place, what: `${hex(page)} allocated: ${calls.join(' < ')}`, parts };
  }
}
