/**
 * Catchpoints: stops where something happens, wherever in the program that is. These are the exception filters of the
 * protocol; the families of them are in catchpoints/. Conditions in plain words are judged while the machine runs,
 * expressions in C when it stands.
 */
import { wordsOf } from '../dap/errors';
import type { Instant } from '../../emulator/history/instant';
import { SavedState } from '../../emulator/history/saved-state';
import {
  type Hart,
  type MachineApi,
  Mode,
  type Observer,
  type State,
  type Stop,
  type Subscription,
  type TrapEvent,
} from '../../emulator/types';
import type { Ledger, Violation } from '../ledger/ledger';
import type { Filter } from '../protocol';
import type { KernelEvent, KernelEventKind } from '../xv6/kernel-events';
import { DEVICE_ACCESSES } from './catchpoints/devices';
import type { CatchFilter, Matcher, MatchedGuest } from './catchpoints/filter';
import { KERNEL } from './catchpoints/kernel';
import { LEDGER } from './catchpoints/ledger';
import { TRANSLATION } from './catchpoints/translation';
import { TRAPS } from './catchpoints/traps';
import { TrapLoops, trapVector } from '../../emulator/dead-ends/trap-loops';
import type { SyntaxCheck, Condition } from './conditions';
import { RUN_ON, hartOf, type Decision, type StopCause, type StopReport } from './stops';
import { Unresolved, type FaultGuest, type Finding } from './unresolved/unresolved';

export const FILTERS: readonly CatchFilter[] = [...TRAPS, ...TRANSLATION, ...KERNEL, ...LEDGER, ...DEVICE_ACCESSES];

/** The kernel's own doings, seen where its functions are called. */
export interface KernelWatch extends MatchedGuest, FaultGuest {
  addresses(kinds: ReadonlySet<KernelEventKind>): bigint[];
  at(hart: Hart): KernelEvent | undefined;
  /** Who has each page. */
  readonly ledger?: Ledger;
  /** Physical addresses of the roots of all page tables that are known. */
  tableRoots(): Iterable<bigint>;
}

interface ActiveFilter {
  filter: CatchFilter;
  condition?: string;
  /** The condition, if it is words. */
  matcher?: Matcher;
  /** Its condition has failed, and the user knows. */
  reported: boolean;
}

export interface FilterSpec {
  filter: string;
  condition?: string;
}

const both = (one: Pick<Decision, 'record'>, other: Pick<Decision, 'record'>) => (): void => {
  one.record();
  other.record();
};

export class Catchpoints {
  private wanted: readonly FilterSpec[] = FILTERS.flatMap(({ filter, default: on }) => (on ? [{ filter }] : []));
  private active: readonly ActiveFilter[] = [];
  private guest: KernelWatch | undefined;
  private subscription: Subscription | undefined;
  private hasFirmware = false;
  private changes = 0;
  private readonly loops = new TrapLoops();
  private readonly unresolved = new Unresolved();

  constructor(
    private readonly holds: Condition,
    private readonly problem: SyntaxCheck = () => undefined,
  ) {
    this.activate();
  }

  /** Replaces the filters in force; each may have a condition. One whose condition cannot be understood is not in force. */
  set(filters: readonly FilterSpec[]): { verified: boolean; message?: string }[] {
    this.wanted = filters;
    return this.activate();
  }

  /** Takes another machine and kernel; what was seen on the one before is forgotten. */
  bind(guest: KernelWatch, machine: MachineApi): void {
    this.guest = guest;
    this.subscription?.end();
    this.unresolved.bind(guest, machine);
    this.hasFirmware = machine.options.boot?.firmware !== undefined;
    const { harts } = machine;
    this.subscription = machine.subscribe(
      this.observer(
        (hart, mode) => trapVector(harts[hart]!, mode),
        (hart) => harts[hart]!.retired,
      ),
    );
    this.loops.clear();
    this.activate();
  }

  isActive(filter: Filter): boolean {
    return this.active.some((one) => one.filter.filter === filter);
  }

  /** No filter is in force but, perhaps, these. */
  catchesOnly(...filters: readonly Filter[]): boolean {
    return this.active.every((one) => filters.includes(one.filter.filter));
  }

  /** The run has another future after an instant. */
  branched(instant: Instant): void {
    this.unresolved.forgetAfter(instant);
    this.guest?.ledger?.forgetAfter(instant);
  }

  /** Counts changes of `addresses`. */
  get version(): number {
    return this.changes;
  }

  /** Where the kernel does what is to be caught. */
  get addresses(): readonly bigint[] {
    return this.kinds.size > 0 ? (this.guest?.addresses(this.kinds) ?? []) : [];
  }

  /** What becomes of exceptions, if the user wants to know. */
  private get followed(): Unresolved | undefined {
    return this.isActive('unresolved') ? this.unresolved : undefined;
  }

  private get kinds(): ReadonlySet<KernelEventKind> {
    const kinds = new Set(this.active.flatMap(({ filter }) => filter.kernelEvent ?? []));
    if (this.followed) kinds.add('exit').add('panic');
    return this.isActive('pte-store') ? kinds.add('map') : kinds;
  }

  /**
   * What is listened to on the machine. `vector` is where an exception goes that a hart takes to a mode, `retired` how many
   * instructions a hart has retired.
   */
  observer(vector: (hart: number, mode: Mode) => bigint, retired: (hart: number) => number = () => 0): Observer {
    return {
      trap: (event) => {
        const isUnresolved = this.followed?.trapped(event) === true;
        const isLoop = this.loops.follow(event, vector(event.hart, event.to), retired(event.hart));
        return isUnresolved || isLoop || this.maySuit({ kind: 'trap', event });
      },
      lostStore: (event) => this.maySuit({ kind: 'lost-store', event }),
      staleTranslation: (event) => this.maySuit({ kind: 'stale-translation', event }),
      satpWrite: (event) => this.maySuit({ kind: 'satp-write', event }),
      fence: (event) => this.maySuit({ kind: 'fence', event }),
      device: (event) => this.maySuit({ kind: 'device', event }),
      tableStore: (event) => this.maySuit({ kind: 'pte-store', event }),
    };
  }

  /** Whether the user wants this stop, with what is to be said of it. */
  decide(stop: Stop): Decision {
    switch (stop.kind) {
      case 'trap':
        return this.decideTrap(stop.event);
      case 'satpWrite':
        return this.decideOn({ kind: 'satp-write', event: stop.event });
      case 'fence':
        return this.decideOn({ kind: 'fence', event: stop.event });
      case 'device':
        return this.decideOn({ kind: 'device', event: stop.event });
      case 'tableStore':
        return this.decideOn({ kind: 'pte-store', event: stop.event });
      case 'lostStore':
        return this.decideOn({ kind: 'lost-store', event: stop.event });
      case 'staleTranslation':
        return this.decideOn({ kind: 'stale-translation', event: stop.event });
      case 'data':
        return this.decideLedger(this.guest?.ledger?.after(stop.events[0]?.hart ?? -1));
      case 'trapReturn':
        return this.decideLedger(this.guest?.ledger?.after(stop.event.hart));
      default:
        return RUN_ON;
    }
  }

  /** The same for the end of a kernel, which is seen between two runs of the machine. */
  decideEnd(cause: StopCause & { kind: 'dead-end' | 'silence' }): Decision {
    return this.decideOn(cause);
  }

  /** The same for a hart that has come to one of `addresses`. */
  decideAt(hart: Hart): Decision {
    const broken = this.decideLedger(this.guest?.ledger?.at(hart.id));
    const event = this.kinds.size > 0 ? this.guest?.at(hart) : undefined;
    if (broken.report || !event) return broken;
    const found = this.followed ? this.decideFound(this.followed.atKernel(event)) : RUN_ON;
    if (found.report) return found;
    const own = this.decideOn({ kind: 'kernel', event });
    const decision = { ...own, record: both(found, own) };
    if (event.kind !== 'map') return decision;
    const record = (): void => {
      this.subscription?.followTables([event.root]);
      decision.record();
    };
    return { ...decision, record };
  }

  save(): State {
    const ledger = this.guest?.ledger?.save();
    return {
      loops: this.loops.save(),
      unresolved: this.unresolved.save(),
      ...(ledger !== undefined && { ledger }),
      reported: this.active
        .filter(({ reported }) => reported)
        .map(({ filter, condition = null }) => ({ filter: filter.filter, condition })),
      tables: this.subscription?.followedTables() ?? [],
    };
  }

  /**
   * What was seen, for a machine that is restored already: it follows no tables but those in use. Throws an Error, and
   * changes nothing, if it is not what `save` made.
   */
  restore(state: State): void {
    const saved = new SavedState('catchpoints', state);
    const reported = saved
      .records('reported')
      .map((one) => ({ id: one.text('filter'), condition: one.text('condition') }));
    const tables = saved.bigints('tables');
    const ledger = this.guest?.ledger;
    if (ledger === undefined && saved.raw('ledger') !== null)
      throw new Error('saved state of catchpoints.ledger: there is none of this kernel');
    const before = { loops: this.loops.save(), ledger: ledger?.save() };
    this.loops.restore(saved.raw('loops'));
    try {
      ledger?.restore(saved.raw('ledger'));
      this.unresolved.restore(saved.raw('unresolved'));
    } catch (error) {
      this.loops.restore(before.loops);
      if (before.ledger !== undefined) ledger?.restore(before.ledger);
      throw error;
    }
    for (const active of this.active) {
      active.reported = reported.some(
        ({ id, condition }) => id === active.filter.filter && condition === active.condition,
      );
    }
    this.followTables(tables);
  }

  /** Why a rule of the ledger cannot be judged. */
  private ledgerMissing(filter: CatchFilter): string | undefined {
    const own = LEDGER.find((one) => one === filter);
    return own && this.guest?.ledger?.missing(own.rule);
  }

  private decideLedger(violation: Violation | undefined): Decision {
    if (violation === undefined) return RUN_ON;
    const decision = this.decideOn({ kind: 'ledger', event: violation });
    return { ...decision, record: both({ record: () => this.guest?.ledger?.record() }, decision) };
  }

  private decideTrap(event: TrapEvent): Decision {
    const { hart } = event;
    const first = this.loops.unreported(hart);
    if (!first) {
      const found = this.followed ? this.decideFound(this.followed.atTrap(event)) : RUN_ON;
      // The faults of a handler itself are one story, of which the first have been told.
      const own = found.report || this.loops.isNested(hart) ? RUN_ON : this.decideOn({ kind: 'trap', event });
      if (!own.report) return { ...found, record: both(found, own) };
      return { ...own, record: both({ record: () => this.unresolved.shown(event) }, own) };
    }
    const cause: StopCause = { kind: 'trap-loop', event, first };
    const report: StopReport = { hart, reason: 'exception', description: 'Trap loop', cause };
    return { report, logs: [], record: () => this.loops.report(hart) };
  }

  /** What has been found may be no reason to stop, by the condition of the filter, and is to be recorded all the same. */
  private decideFound({ cause, record }: Finding): Decision {
    const decision = cause ? this.decideOn(cause) : RUN_ON;
    return { ...decision, record: both({ record }, decision) };
  }

  private activate(): { verified: boolean; message?: string }[] {
    this.changes++;
    const active: ActiveFilter[] = [];
    const answers = this.wanted.map(({ filter: id, condition: given }) => {
      const filter = FILTERS.find((one) => one.filter === id);
      if (!filter) return { verified: false, message: `There is no filter "${id}".` };
      const needed = filter.alsoWithoutEvent ? undefined : filter.kernelEvent;
      const missing = needed ? this.guest?.missing(needed) : this.ledgerMissing(filter);
      if (missing !== undefined) return { verified: false, message: `${filter.label} cannot be caught: ${missing}.` };
      const condition = given?.trim() ? given.trim() : undefined;
      try {
        const fits = condition === undefined ? undefined : filter.words?.(condition, this.guest);
        const problem = condition === undefined || fits ? undefined : this.problem(condition);
        if (problem !== undefined) throw new Error(problem);
        active.push({
          filter,
          reported: false,
          ...(condition !== undefined && { condition }),
          ...(fits && { matcher: fits }),
        });
        return { verified: true };
      } catch (error) {
        return { verified: false, message: `The condition "${condition}" is not valid: ${wordsOf(error)}` };
      }
    });
    this.active = active;
    this.followTables();
    this.guest?.ledger?.watch(LEDGER.flatMap(({ filter, rule }) => (this.isActive(filter) ? [rule] : [])));
    return answers;
  }

  /** With all tables that the kernel has in use, those that it still builds. */
  private followTables(more: readonly bigint[] = []): void {
    const roots = this.isActive('pte-store') ? [...(this.guest?.tableRoots() ?? []), ...more] : undefined;
    this.subscription?.followTables(roots);
  }

  /** Whether a filter may want this: as far as can be told without an expression. */
  private maySuit(cause: StopCause): boolean {
    return this.active.some((active) => this.matches(active, cause));
  }

  private matches({ filter, matcher }: ActiveFilter, cause: StopCause): boolean {
    if (filter.notOfFirmware && this.hasFirmware && goesToMachineMode(cause)) return false;
    return filter.matches(cause) && (!matcher || (this.guest !== undefined && matcher(cause, this.guest)));
  }

  /** The first filter that wants it decides. */
  private decideOn(cause: StopCause): Decision {
    for (const active of this.active) {
      const decision = this.matches(active, cause) ? this.decideBy(active, cause) : RUN_ON;
      if (decision.report) return decision;
    }
    return RUN_ON;
  }

  private decideBy(active: ActiveFilter, cause: StopCause): Decision {
    const { filter, condition, matcher } = active;
    const hart = hartOf(cause);
    const report: StopReport = { hart, reason: 'exception', cause };
    const stop: Decision = { ...RUN_ON, report };
    if (condition === undefined || matcher) return stop;
    try {
      return this.holds(condition, hart, filter.overlay?.(cause) ?? {}) ? stop : RUN_ON;
    } catch (error) {
      if (active.reported) return RUN_ON;
      const description = `The condition "${condition}" failed: ${wordsOf(error)}. It does not stop for this again.`;
      return { report: { ...report, description }, logs: [], record: () => (active.reported = true) };
    }
  }
}

const goesToMachineMode = (cause: StopCause): boolean => cause.kind === 'trap' && cause.event.to === Mode.Machine;
