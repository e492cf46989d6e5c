/**
 * The life of a physical page: when it was allocated, mapped, unmapped, used as a table, and freed, and by whom. The kernel's
 * allocator is seen where its functions are called, entries where they are stored, in all tables that are known. A call that frees
 * may only count down, as with copy on write: one that frees writes into the page, to fill it or to chain it to the next.
 */
import { hex } from '../../emulator/isa/hex';
import { flagText, isPointer, PAGE_SIZE, PTE, pteFlags, ptePhysical, spanOf } from '../../emulator/isa/sv39';
import type { DataEvent, Stop, TableStoreEvent, Watch } from '../../emulator/types';
import { callPlace } from '../code/place-names';
import { frameInteger } from '../evaluation/evaluation';
import { framesIn } from '../stack/frames-in';
import { KernelEvents, type KernelEventKind } from '../xv6/kernel-events';
import { tableName, tableRoots } from '../xv6/tables';
import { executedScene, sceneOf, type AskedGuest, type Occurrence } from './occurrence';
import type { QueryCondition } from './condition';
import type { Candidate, Query } from './query';
import { X } from '../../emulator/isa/registers';

const KINDS: ReadonlySet<KernelEventKind> = new Set(['allocate', 'free', 'map']);
/** What a call has done that was to free the page. */
export const FREED = 'freed';
export const KEPT = 'given to the allocator, which left it as it was';

/** A call that is to free the page. */
interface Freeing {
  readonly occurrence: Occurrence;
  readonly returnsTo: bigint;
  /** Where it stores if it frees. */
  readonly beginning: Watch;
}

export class PageHistory implements Query {
  readonly subject: string;
  private readonly events: KernelEvents;
  private subscription: ReturnType<AskedGuest['machine']['subscribe']> | undefined;
  /** Those that have neither freed it nor returned, by their stack pointers, of which no two are alike. */
  private readonly freeing = new Map<bigint, Freeing>();
  /** This is the stretch at whose end the answer is asked for. */
  private isLast = true;

  /** `page`: its physical address. */
  constructor(
    private readonly guest: AskedGuest,
    private readonly page: bigint,
    private readonly condition: QueryCondition,
  ) {
    this.subject = `events of the page at ${hex(page)}`;
    this.events = new KernelEvents(guest.xv6, (hart, address, length) => guest.read(hart)(address, length));
  }

  get failures(): QueryCondition['failures'] {
    return this.condition.failures;
  }

  remark(): string | undefined {
    const { events } = this;
    const missing = (['allocate', 'free'] as const).flatMap(
      (kind) => events.missing(kind) ?? events.partly(kind) ?? [],
    );
    return missing.length > 0 ? missing.join(', ') : undefined;
  }

  begin(): () => void {
    const { machine, xv6 } = this.guest;
    const subscription = machine.subscribe({
      execute: ({ hart }) => this.concerns(hart),
      tableStore: (event) => this.change(event) !== undefined,
      data: (event) => this.freeingBy(event) !== undefined,
    });
    this.subscription = subscription;
    this.freeing.clear();
    this.follow();
    subscription.followTables([...tableRoots(xv6), ...this.tablesInHand()], this.page);
    return () => subscription.end();
  }

  seen(stop: Stop): Candidate | undefined {
    const found = this.occurrenceAt(stop);
    return found && { occurrence: () => found };
  }

  /** What has not returned where the answer is asked for may be the very call that fails there, and has freed nothing. */
  ended(): Candidate[] {
    const unfinished = this.isLast ? [] : [...this.freeing.values()];
    this.isLast = false;
    return unfinished.map(({ occurrence }) => ({ occurrence: () => occurrence }));
  }

  private occurrenceAt(stop: Stop): Occurrence | undefined {
    switch (stop.kind) {
      case 'breakpoint':
        return this.called(stop.hart);
      case 'tableStore':
        return this.stored(stop.event);
      case 'data': {
        const sp = stop.events.map((event) => this.freeingBy(event)).find((one) => one !== undefined);
        return sp === undefined ? undefined : this.freed(sp)?.occurrence;
      }
      default:
        return undefined;
    }
  }

  /** Watches what calls that are to free the page do. */
  private follow(): void {
    const calls = [...this.freeing.values()];
    const returns = calls.map(({ returnsTo }) => returnsTo);
    this.subscription!.setAddresses([...this.events.addresses(KINDS), ...returns]);
    this.subscription!.setWatches(calls.map(({ beginning }) => beginning));
  }

  /** The call that has stored into the page, by its stack pointer: below it lies what it has called. */
  private freeingBy({ watch, hart, by }: DataEvent): bigint | undefined {
    if (hart === undefined || by !== 'instruction') return undefined;
    const sp = this.guest.harts[hart]!.x(X.sp);
    const isIts = (one: bigint): boolean => one >= sp && one - sp < PAGE_SIZE;
    return [...this.freeing].find(([one, { beginning }]) => beginning === watch && isIts(one))?.[0];
  }

  private freed(sp: bigint): Freeing | undefined {
    const call = this.freeing.get(sp);
    this.freeing.delete(sp);
    this.follow();
    return call;
  }

  /**
   * Roots of tables in which entries are being made where a stretch begins, and which may be no process's yet: the first
   * argument of the function that does it, on every stack.
   */
  private tablesInHand(): bigint[] {
    const { guest } = this;
    const image = guest.image.binary;
    const starts = this.events.addresses(new Set<KernelEventKind>(['map']));
    const functions = starts.flatMap((start) => image.functionAt(start) ?? []);
    return framesIn(guest, functions).flatMap((frame) => {
      const [table] = image.functionAt(frame.lookup)?.parameters ?? [];
      return (table && frameInteger(guest, frame, table)) ?? [];
    });
  }

  /** Whether to stop for what a function of the kernel is about to do, or has done. A table that is being built is followed, too. */
  private concerns(id: number): boolean {
    const hart = this.guest.harts[id]!;
    const event = this.events.at(hart);
    if (event?.kind === 'allocate' || event?.kind === 'free') return this.isIn(event);
    if (event?.kind === 'map') this.subscription?.followTables([event.root], this.page);
    return this.freeing.size > 0 && this.freeing.get(hart.x(X.sp))?.returnsTo === hart.pc;
  }

  private called(id: number): Occurrence | undefined {
    const hart = this.guest.harts[id]!;
    const sp = hart.x(X.sp);
    if (this.freeing.get(sp)?.returnsTo === hart.pc) return { ...this.freed(sp)!.occurrence, what: KEPT };
    const event = this.events.at(hart);
    if ((event?.kind !== 'allocate' && event?.kind !== 'free') || !this.isIn(event)) return undefined;
    if (!this.condition.holds(id)) return undefined;
    const scene = sceneOf(this.guest, hart, hart.pc);
    const place = callPlace(this.guest.image, hart.x(X.ra)) ?? scene.place;
    if (event.kind === 'allocate') return { ...scene, place, what: 'allocated', parts: [] };
    const occurrence: Occurrence = { ...scene, place, what: FREED, parts: [] };
    const beginning: Watch = { address: event.page, length: 8, access: 'write' };
    this.freeing.set(sp, { occurrence, returnsTo: hart.x(X.ra), beginning });
    this.follow();
    return undefined;
  }

  private isIn({ page, size }: { page: bigint; size: bigint }): boolean {
    return this.page >= page && this.page < page + size;
  }

  private stored(event: TableStoreEvent): Occurrence | undefined {
    const what = this.change(event);
    const { guest } = this;
    const hart = event.hart === undefined ? undefined : guest.harts[event.hart];
    if (what === undefined || hart === undefined || event.pc === undefined) return undefined;
    if (!this.condition.holds(hart.id)) return undefined;
    const scene = executedScene(guest, hart, event.pc);
    const { address, before, after, root, maps } = event;
    const owner = tableName(guest.xv6, root);
    const table = owner === undefined ? `a table with its root at ${hex(root)}` : `the table of ${owner}`;
    const parts = [
      { name: 'table', value: table },
      { name: 'va', value: hex(maps) },
      { name: 'entry', value: `at ${hex(address)}` },
      { name: 'before', value: hex(before) },
      { name: 'after', value: hex(after) },
    ];
    return { ...scene, what: `${what} in ${table}`, parts };
  }

  /** What a store to an entry means to the page; undefined for nothing. The walk's own marks mean nothing. */
  private change({ before, after, level, maps, by }: TableStoreEvent): string | undefined {
    if (by === 'walk') return undefined;
    const [was, is] = [this.leads(before, level), this.leads(after, level)];
    if (was === undefined && is === undefined) return undefined;
    if (was === 'table' || is === 'table')
      return is === was ? undefined : is === 'table' ? 'made a page of the table' : 'taken out of the table';
    const at = hex(maps);
    if (was === undefined) return `mapped at ${at}, ${flagText(pteFlags(after))},`;
    if (is === undefined) return `unmapped at ${at}`;
    return before === after ? undefined : `flags ${flagText(pteFlags(before))} → ${flagText(pteFlags(after))} at ${at}`;
  }

  /** How an entry leads to the page. */
  private leads(pte: bigint, level: number): 'leaf' | 'table' | undefined {
    const flags = pteFlags(pte);
    if (!(flags & PTE.V)) return undefined;
    const physical = ptePhysical(pte);
    if (isPointer(flags)) return level > 0 && physical === this.page ? 'table' : undefined;
    const within = this.page - physical;
    return within >= 0n && within < spanOf(level) ? 'leaf' : undefined;
  }
}
