/**
 * The life of a physical page: when it was allocated, mapped, unmapped, used as a table, and freed, and by whom. The kernel's
 * allocator is seen where its functions are called, entries where they are stored, in all tables that are known.
 */
import { hex } from '../../emulator/isa/hex';
import { flagText, isPointer, PAGE_SIZE, PTE, pteFlags, ptePhysical, spanOf } from '../../emulator/isa/sv39';
import type { Stop, TableStoreEvent } from '../../emulator/types';
import { callPlace } from '../code/place-names';
import { frameInteger } from '../evaluation/evaluation';
import { walkStack } from '../stack/stack';
import { parkedProcesses, type Thread } from '../stack/threads';
import { KernelEvents, type KernelEventKind } from '../xv6/kernel-events';
import { tableName, tableRoots } from '../xv6/tables';
import { beforeInstruction, calledBy, callerPlace, sceneOf, type AskedGuest, type Occurrence } from './occurrence';
import type { QueryCondition } from './condition';
import type { Candidate, Query } from './query';
import { X } from '../../emulator/isa/registers';

const KINDS: ReadonlySet<KernelEventKind> = new Set(['allocate', 'free', 'map']);

export class PageHistory implements Query {
  readonly subject: string;
  private readonly events: KernelEvents;
  private subscription: ReturnType<AskedGuest['machine']['subscribe']> | undefined;

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
    });
    this.subscription = subscription;
    subscription.setAddresses(this.events.addresses(KINDS));
    subscription.followTables([...tableRoots(xv6), ...this.tablesInHand()]);
    return () => subscription.end();
  }

  seen(stop: Stop): Candidate | undefined {
    const found =
      stop.kind === 'breakpoint'
        ? this.called(stop.hart)
        : stop.kind === 'tableStore'
          ? this.stored(stop.event)
          : undefined;
    return found && this.condition.holds(found.hart ?? this.guest.machine.current)
      ? { occurrence: () => found }
      : undefined;
  }

  /**
   * Roots of tables in which entries are being made where a stretch begins, and which may be no process's yet: the first
   * argument of the function that does it, on every stack.
   */
  private tablesInHand(): bigint[] {
    const { guest } = this;
    const image = guest.image.binary;
    const starts = new Set(this.events.addresses(new Set<KernelEventKind>(['map'])));
    const threads: Thread[] = [
      ...guest.harts.map((hart): Thread => ({ kind: 'hart', hart: hart.id })),
      ...parkedProcesses(guest).map((process): Thread => ({ kind: 'process', process })),
    ];
    return threads.flatMap((thread) =>
      walkStack(guest, thread, 1).flatMap((frame) => {
        const info = frame.isUser || frame.isLabel ? undefined : image.functionAt(frame.lookup);
        const [table] = info !== undefined && starts.has(info.low) ? info.parameters : [];
        return (table && frameInteger(guest, frame, table)) ?? [];
      }),
    );
  }

  /** Whether to stop for what a function of the kernel is about to do. A table that is being built is followed, too. */
  private concerns(id: number): boolean {
    const event = this.events.at(this.guest.harts[id]!);
    if (event?.kind === 'map') this.subscription?.followTables([event.root]);
    return (event?.kind === 'allocate' || event?.kind === 'free') && event.page === this.page;
  }

  private called(id: number): Occurrence | undefined {
    const hart = this.guest.harts[id]!;
    const event = this.events.at(hart);
    if ((event?.kind !== 'allocate' && event?.kind !== 'free') || event.page !== this.page) return undefined;
    const scene = sceneOf(this.guest, hart, hart.pc);
    const place = callPlace(this.guest.image, hart.x(X.ra)) ?? scene.place;
    return { ...scene, place, what: event.kind === 'allocate' ? 'allocated' : 'freed', parts: [] };
  }

  private stored(event: TableStoreEvent): Occurrence | undefined {
    const what = this.change(event);
    const { guest } = this;
    const hart = event.hart === undefined ? undefined : guest.harts[event.hart];
    if (what === undefined || hart === undefined || event.pc === undefined) return undefined;
    const scene = sceneOf(guest, hart, event.pc, beforeInstruction(guest.machine.instant));
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
    return { ...scene, place: calledBy(scene.place, callerPlace(guest, hart)), what: `${what} in ${table}`, parts };
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

/** The page that an address lies in. */
export const pageOf = (physical: bigint): bigint => physical - (physical % PAGE_SIZE);
