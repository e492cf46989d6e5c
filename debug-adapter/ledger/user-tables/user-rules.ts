/**
 * The rules about what user tables map, judged where processes go back to user mode: entries by themselves, the kernel's counts of
 * references, and pages that programs share, which the kernel must not write.
 */
import type { SavedState } from '../../../emulator/history/saved-state';
import { Mode, type Hart, type MachineApi, type State } from '../../../emulator/types';
import type { Xv6 } from '../../xv6/kernel';
import { DueTables } from './due-tables';
import type { Frames } from '../frames';
import type { FreeLists } from '../free-lists';
import { KernelRest } from './kernel-rest';
import type { LiveTables } from '../live-tables';
import { LostPages } from './lost-pages';
import type { Thread } from '../pending';
import { ReferenceCounts } from './reference-counts';
import type { EntryRule, Limits } from '../rules/entries';
import { lostTold } from '../rules/lost';
import { referenceCountTold } from '../rules/reference-count';
import type { LedgerRule, Told } from '../rules/rule';
import { writtenSharedTold } from '../rules/written-shared';
import { SharedFrames } from './shared-frames';
import { UserEntries } from './user-entries';
import { UserMappings } from './user-mappings';
import type { LedgerWords } from '../words';

export interface BrokenByUserTable extends Told {
  readonly rule: LedgerRule;
  /** Its physical address. */
  readonly page: bigint;
}

export interface UserRulesContext {
  readonly machine: MachineApi;
  readonly harts: readonly Hart[];
  readonly xv6: Xv6;
  readonly frames: Frames;
  readonly free: FreeLists;
  readonly tables: LiveTables;
  readonly words: LedgerWords;
  readonly places: Omit<Limits, 'end'>;
  /** The array of counts, as the user has named it. */
  readonly counts: string | undefined;
  /** Whether a page is just being freed. */
  isBeingFreed(page: number): boolean;
  /** A hart's store has broken a rule; returns whether to stop. */
  stored(hart: number, broken: BrokenByUserTable): boolean;
}

/** Judged only where the kernel is at rest. */
const AT_REST: readonly LedgerRule[] = ['reference-count', 'lost'];
const isEntryRule = (rule: LedgerRule): rule is EntryRule => rule.startsWith('entry-');

export class UserRules {
  private readonly due = new DueTables();
  private readonly entries: UserEntries;
  private readonly mappings: UserMappings;
  private readonly counts: ReferenceCounts;
  private readonly shared: SharedFrames;
  private readonly lost: LostPages;
  private readonly rest: KernelRest;
  private wanted: ReadonlySet<LedgerRule> = new Set();
  /** What must wait for the kernel to be at rest is to be judged then. */
  private isAwaited = false;

  constructor(private readonly context: UserRulesContext) {
    const { machine, harts, xv6, tables, words, places, counts } = context;
    const { memory } = machine;
    this.entries = new UserEntries(memory, tables, words, places);
    this.mappings = new UserMappings(memory, tables, words, places.range);
    this.counts = new ReferenceCounts(xv6, memory, this.mappings, counts);
    this.lost = new LostPages(context.frames, context.free, this.mappings);
    this.rest = new KernelRest(xv6);
    this.shared = new SharedFrames(machine, this.mappings, (event, page, leaves) => {
      // Another entry may go in the same moment: the allocator fills what the last of two has just freed.
      if (harts[event.hart]!.mode === Mode.User || context.isBeingFreed(page)) return false;
      const by = words.executed(harts[event.hart]!, event.pc!);
      const told = writtenSharedTold(event.address, by, leaves);
      return context.stored(event.hart, { rule: 'written-shared', page: BigInt(page) << 12n, ...told });
    });
  }

  /** Why a rule cannot be judged. */
  missing(rule: LedgerRule): string | undefined {
    if (!AT_REST.includes(rule)) return undefined;
    return this.rest.missing ?? (rule === 'reference-count' ? this.counts.missing : undefined);
  }

  /** Whether any of these rules is judged. */
  get isOn(): boolean {
    return this.wanted.size > 0;
  }

  /** Those among all rules that are these. */
  watch(rules: ReadonlySet<LedgerRule>): void {
    this.entries.rules = [...rules].filter(isEntryRule);
    const others = [...rules].filter((rule) => rule === 'written-shared' || AT_REST.includes(rule));
    this.wanted = new Set([...this.entries.rules, ...others]);
    if (this.wanted.has('written-shared')) this.shared.begin();
    else this.shared.end();
  }

  private get isForRest(): boolean {
    return AT_REST.some((rule) => this.wanted.has(rule));
  }

  /** Where a process enters the kernel's own trap handler, in its code. */
  get addresses(): bigint[] {
    return this.isForRest && this.rest.vector !== undefined ? [this.rest.vector] : [];
  }

  /** A thread is at one of `addresses`. */
  interrupted(thread: Thread): void {
    this.rest.entered(thread);
  }

  /** A thread goes on in the kernel. */
  goesOn(thread: Thread): void {
    this.rest.left(thread);
  }

  /** A page (its number) has been given out, by itself or as part of a larger one. */
  allocated(page: number, isPart: boolean): void {
    this.lost.allocated(page, isPart);
  }

  /** A thread has called the allocator. */
  changed(thread: Thread): void {
    this.due.changed(thread);
  }

  /** A thread goes back to user mode. */
  leaves(hart: Hart, thread: Thread): BrokenByUserTable | undefined {
    const { harts, tables } = this.context;
    const root = !this.isOn || thread < 0n ? undefined : tables.userRoot(thread);
    if (root === undefined) return undefined;
    const isDue = this.due.returns(thread, root);
    const isShared = isDue && this.wanted.has('written-shared');
    this.isAwaited ||= isDue && this.isForRest;
    if (!isDue && !this.isAwaited) return undefined;
    // The same whenever the run comes by again.
    const moment = `${hart.id} ${hart.retired}`;
    const { broken, leaves } =
      isDue && this.entries.rules.length > 0
        ? this.entries.judge(thread, root, moment)
        : { broken: undefined, leaves: 0 };
    const isJudged = this.isAwaited && broken === undefined && this.rest.isAt(hart, harts);
    const mapped = isJudged || isShared ? this.mappings.count() : 0;
    if (isShared) this.shared.look();
    if (isDue) this.due.done(thread, root, leaves + mapped);
    return isJudged ? this.atRest(moment) : broken;
  }

  clear(): void {
    this.due.clear();
    this.entries.forget();
    this.counts.clear();
    this.lost.clear();
    this.rest.clear();
    this.isAwaited = false;
  }

  /** The run has another future: what was told in the one that is left may be told in it. */
  branched(): void {
    this.entries.forget();
    this.counts.branched();
  }

  save(): State {
    const { due, counts, shared, lost, rest, isAwaited } = this;
    return {
      ...{ due: due.save(), counts: counts.save(), shared: shared.save(), ...lost.save() },
      ...{ rest: rest.save(), isAwaited },
    };
  }

  /** Throws an Error if it is not what `save` made. */
  restore(saved: SavedState): void {
    this.counts.restore(saved.raw('counts'));
    this.due.restore(saved.records('due'));
    this.shared.restore(saved.numbers('shared'));
    this.lost.restore(saved);
    this.rest.restore(saved.bigints('rest'));
    this.isAwaited = saved.boolean('isAwaited');
  }

  /** The kernel is at rest, and the mappings are counted. */
  private atRest(moment: string): BrokenByUserTable | undefined {
    const broken = this.wanted.has('reference-count') ? this.compare(moment) : undefined;
    // There may be more: the next return tells.
    this.isAwaited = broken !== undefined;
    return broken ?? (this.wanted.has('lost') ? this.findLost() : undefined);
  }

  private findLost(): BrokenByUserTable | undefined {
    const { frames, words } = this.context;
    const [first, ...more] = this.lost.judge();
    if (first === undefined) return undefined;
    const page = BigInt(first.page) << 12n;
    const freed = frames.state(first.page) === 'freed' ? words.callerOf(frames.free(first.page)) : undefined;
    const allocated = words.callerOf(frames.allocation(first.page));
    const told = lostTold({
      ...{ page, isTable: first.isTable, allocated, freed, more: more.length },
      count: first.isTable ? undefined : this.counts.of(first.page),
    });
    return { rule: 'lost', page, ...told };
  }

  private compare(moment: string): BrokenByUserTable | undefined {
    const { frames, words } = this.context;
    const wrong = this.counts.judge(moment);
    if (wrong === undefined) return undefined;
    const page = Number(wrong.page >> 12n);
    const told = referenceCountTold({
      ...{ ...wrong, leaves: this.mappings.of(page) },
      allocated: words.callerOf(frames.allocation(page)),
      freed: words.callerOf(frames.free(page)),
    });
    return { rule: 'reference-count', page: wrong.page, ...told };
  }
}
