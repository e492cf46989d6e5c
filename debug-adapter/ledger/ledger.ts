/**
 * The frame ledger: who has each physical page, seen where the kernel's allocator is called, with rules that are judged as the run
 * goes (rules/). A rule that turns out later to have been broken is told where it was: the stop is at the call that freed the
 * page, in the past, and whoever comes by that instant again stops there. While no rule is wanted, nothing is watched.
 */
import { compareInstants, instantName, Phase, type Instant } from '../../emulator/history/instant';
import { SavedState } from '../../emulator/history/saved-state';
import { X } from '../../emulator/isa/registers';
import { PAGE_SIZE } from '../../emulator/isa/sv39';
import { Mode, type Hart, type State, type Subscription } from '../../emulator/types';
import type { Guest } from '../code/guest';
import { memoryMap } from '../memory/memory-map';
import { findAllocators, PAGE_ALLOCATOR, type AllocatorFunction, type AllocatorNames } from '../xv6/allocators';
import { processIdOn } from '../xv6/cpus';
import { endOfProcess } from '../xv6/processes';
import { kernelLayout } from '../xv6/regions';
import { kernelRoot } from '../xv6/tables';
import { Frames } from './frames';
import { FreeLists } from './free-lists';
import { LiveTables } from './live-tables';
import { PendingFrees, type PendingFree, type Thread } from './pending';
import { KeptReferences, referencesTo, type Reference } from './references';
import { isForeign, freedForeign, type AllocatorRange } from './rules/freed-foreign';
import type { EntryRule } from './rules/entries';
import { freedMapped, isFreedMapped, type Judged } from './rules/freed-mapped';
import { freedRoot, hartsOn } from './rules/freed-root';
import { freedTable, isFreedTable } from './rules/freed-table';
import { freedTwice, isFreedTwice } from './rules/freed-twice';
import type { LedgerRule, Told } from './rules/rule';
import { UserEntries } from './user-entries';
import { LedgerWords } from './words';

export type LedgerGuest = Pick<Guest, 'machine' | 'harts' | 'xv6' | 'image' | 'userRoot'>;

/** A rule that was broken; where that was in the past, `at`. */
export interface Violation extends Told {
  readonly rule: LedgerRule;
  /** Its physical address. */
  readonly page: bigint;
  readonly hart: number;
  readonly at?: Instant;
}

/** Rules that are judged only once the process leaves the kernel. */
const LATER: readonly LedgerRule[] = ['freed-mapped', 'freed-table'];
const isEntryRule = (rule: LedgerRule): rule is EntryRule => rule.startsWith('entry-');

export class Ledger {
  /** Why not all is seen. */
  readonly missing: readonly string[];
  private readonly functions: ReadonlyMap<bigint, AllocatorFunction>;
  private readonly frames: Frames;
  private readonly free: FreeLists;
  private readonly tables: LiveTables;
  private readonly words: LedgerWords;
  private readonly range: AllocatorRange;
  private readonly pending = new PendingFrees();
  private readonly entries: UserEntries;
  /** Roots that were in satp, or a process's, and are not freed yet: as of the table that exec is about to free. */
  private roots = new Set<bigint>();
  private rules: ReadonlySet<LedgerRule> = new Set();
  private subscription: Subscription | undefined;
  /** Of the kernel's own table, by far the largest. */
  private kernels: { readonly root: bigint; readonly references: KeptReferences } | undefined;
  /** By the name of the instant: what is known to have been broken there, in this run, whatever is restored. */
  private readonly known = new Map<string, Violation & { readonly at: Instant }>();
  /** What has just turned out, to be told at the stop that comes. */
  private due: { readonly hart: number; readonly violation: Violation } | undefined;

  constructor(
    private readonly guest: LedgerGuest,
    names: readonly AllocatorNames[] = [PAGE_ALLOCATOR],
  ) {
    const { machine, xv6 } = guest;
    const { memory } = machine;
    const { at, missing } = findAllocators(xv6, names);
    this.functions = at;
    this.missing = missing;
    const start = Number(memory.dramBase >> 12n);
    const end = start + Number(memory.dramSize >> 12n);
    this.frames = new Frames(start, end - start);
    this.free = new FreeLists(xv6, memory);
    this.tables = new LiveTables(xv6);
    this.words = new LedgerWords(guest);
    const { data, top } = kernelLayout(xv6.binary, memoryMap(memory));
    this.range = { start: data?.end ?? start, end };
    const places = { range: this.range, usyscall: Number(top.usyscall >> 12n) };
    this.entries = new UserEntries(memory, this.tables, this.words, places);
  }

  /** The rules to be judged from now on. */
  watch(rules: Iterable<LedgerRule>): void {
    this.rules = new Set(rules);
    this.entries.rules = [...this.rules].filter(isEntryRule);
    if (this.rules.size > 0 === (this.subscription !== undefined)) return;
    this.due = undefined;
    if (this.rules.size > 0) this.begin();
    else this.end();
  }

  /** What is to be told of the place that a hart stands at, before an instruction. Telling it has no effect. */
  at(hart: number): Violation | undefined {
    const here = this.known.get(instantName(this.guest.machine.instant));
    return here ?? this.after(hart);
  }

  /** What has turned out in the instruction that a hart has just executed. */
  after(hart: number): Violation | undefined {
    return this.due?.hart === hart ? this.due.violation : undefined;
  }

  /** It has been told. */
  record(): void {
    this.due = undefined;
  }

  /** The run has another future after an instant. */
  forgetAfter(instant: Instant): void {
    for (const [name, { at }] of this.known) if (compareInstants(at, instant) > 0) this.known.delete(name);
    this.entries.branched();
  }

  save(): State {
    if (this.subscription === undefined) return null;
    const [frames, pending, entries] = [this.frames.save(), this.pending.save(), this.entries.save()];
    return { frames, pending, entries, roots: [...this.roots] };
  }

  /** For a machine that is restored already. Throws an Error, and changes nothing, if it is not what `save` made. */
  restore(state: State): void {
    this.due = undefined;
    this.kernels?.references.changed();
    if (this.subscription === undefined) return;
    if (state === null) {
      this.forget();
      return;
    }
    const saved = new SavedState('ledger', state);
    const roots = saved.bigints('roots');
    const pending = saved.records('pending');
    const entries = saved.records('entries');
    this.frames.restore(saved.raw('frames'));
    this.pending.restore(pending);
    this.entries.restore(entries);
    this.roots = new Set(roots);
  }

  private begin(): void {
    const { machine, harts, xv6 } = this.guest;
    this.forget();
    const subscription = machine.subscribe({
      execute: ({ hart, shown, time }) => shown !== true && this.reached(harts[hart]!, time),
      trapReturn: ({ hart, to }) => to === Mode.User && this.leaves(harts[hart]!),
      satpWrite: ({ hart }) => {
        this.noteRoot(harts[hart]!);
        return false;
      },
      data: () => {
        this.kernels?.references.changed();
        return false;
      },
    });
    for (const hart of harts) this.noteRoot(hart);
    subscription.setAddresses([...this.functions.keys(), ...(xv6.panic === undefined ? [] : [xv6.panic])]);
    this.subscription = subscription;
  }

  private end(): void {
    this.subscription?.end();
    this.subscription = undefined;
    this.kernels = undefined;
  }

  /** Nothing is known but what is free now. */
  private forget(): void {
    this.frames.clear();
    this.pending.clear();
    this.entries.clear();
    this.roots.clear();
    for (const page of this.free.pages()) if (this.frames.has(page)) this.frames.foundFree(page);
  }

  /** A hart is about to execute an instruction that matters. Returns true if there is something to be told. */
  private reached(hart: Hart, time: number): boolean {
    if (hart.mode === Mode.User) return false;
    const called = this.functions.get(hart.pc);
    if (called === undefined) return this.judge(hart, 'panic', this.taken(this.running(hart).thread));
    return called.kind === 'allocate' ? this.allocated(hart, called) : this.freed(hart, called, time);
  }

  private allocated(hart: Hart, { size }: AllocatorFunction): boolean {
    const page = hart.x(X.a0);
    const first = Number(page >> 12n);
    const count = Number(size >> 12n);
    if (!this.frames.has(first) || !this.frames.has(first + count - 1)) return false;
    const { pid, thread } = this.running(hart);
    this.noteTable(thread);
    this.entries.changed(thread);
    const again: PendingFree[] = [];
    for (let number = first; number < first + count; number++) {
      const pending = this.pending.of(number);
      // Another process may get it before the entry is cleared: only who freed it can tell that it is not.
      if (pending?.thread === thread) again.push(pending);
      if (pending !== undefined) this.pending.delete(number);
    }
    const isTold = again.length > 0 && this.judge(hart, 'again', again, () => true);
    const call = { site: hart.x(X.ra), pid };
    for (let number = first; number < first + count; number++) this.frames.allocated(number, call);
    return isTold;
  }

  private freed(hart: Hart, called: AllocatorFunction, time: number): boolean {
    const { machine } = this.guest;
    const address = hart.x(X.a0);
    const at: Instant = { inputs: machine.instant.inputs, time, phase: Phase.fetched };
    const { pid, thread } = this.running(hart);
    const call = { site: hart.x(X.ra), pid };
    this.entries.changed(thread);
    const violation = this.judgeCall(hart, called, address);
    if (violation !== undefined) this.known.set(instantName(at), { ...violation, page: address, hart: hart.id, at });
    const first = Number(address >> 12n);
    if (!isForeign(address, called.size, this.range)) {
      const count = Number(called.size >> 12n);
      for (let page = first; page < first + count; page++) {
        const was = this.frames.state(page);
        this.frames.freed(page, call);
        this.roots.delete(BigInt(page) << 12n);
        if (was === 'unknown' && pid === 0) continue;
        this.pending.add({ page, thread, pid, hart: hart.id, at, by: called.name });
      }
    }
    return this.known.size > 0 && this.known.has(instantName(at));
  }

  /** The rules that a call can break at once. */
  private judgeCall(
    hart: Hart,
    { name: by, size }: AllocatorFunction,
    address: bigint,
  ): (Told & { rule: LedgerRule }) | undefined {
    const { frames, words, guest, free } = this;
    const page = Number(address >> 12n);
    const caller = (): string => words.caller({ site: hart.x(X.ra), pid: this.running(hart).pid });
    if (isForeign(address, size, this.range)) {
      if (!this.rules.has('freed-foreign')) return undefined;
      const freed = { page: address, by, caller: caller(), allocated: undefined };
      return { rule: 'freed-foreign', ...freedForeign(freed, size, words.content(address)) };
    }
    const described = () => ({
      ...{ page: address, by, caller: caller() },
      allocated: words.callerOf(frames.allocation(page)),
    });
    if (this.rules.has('freed-root') && this.roots.has(address)) {
      const harts = hartsOn(
        address,
        guest.harts.map((one) => guest.userRoot(one)),
      );
      if (harts.length > 0) return { rule: 'freed-root', ...freedRoot(described(), harts, words.table(address)) };
    }
    if (this.rules.has('freed-twice') && isFreedTwice(frames.state(page), () => free.has(address)))
      return { rule: 'freed-twice', ...freedTwice(described(), words.callerOf(frames.free(page))) };
    return undefined;
  }

  /** A hart goes back to user mode: what its process has freed must not be mapped now. */
  private leaves(hart: Hart): boolean {
    if (!this.pending.any && this.entries.rules.length === 0) return false;
    const { thread } = this.running(hart);
    const broken = this.entries.leaves(thread, `${hart.id} ${hart.retired}`);
    if (this.judge(hart, 'left', this.taken(thread)) || this.judge(hart, 'ended', this.orphaned())) return true;
    if (broken !== undefined) this.due = { hart: hart.id, violation: { ...broken, hart: hart.id } };
    return broken !== undefined;
  }

  private taken(thread: Thread): PendingFree[] {
    return this.pending.take((free) => free.thread === thread);
  }

  /** What processes have freed that will leave the kernel no more. */
  private orphaned(): PendingFree[] {
    if (!this.pending.any) return [];
    const ended = new Map<Thread, boolean>();
    return this.pending.take(({ thread, pid }) => {
      let isEnded = ended.get(thread);
      if (isEnded === undefined) {
        isEnded = thread >= 0n && endOfProcess(this.guest.xv6, { address: thread, pid }) !== undefined;
        ended.set(thread, isEnded);
      }
      return isEnded;
    });
  }

  private judge(
    hart: Hart,
    when: Judged,
    freed: readonly PendingFree[],
    isFree = (page: bigint): boolean => this.free.has(page),
  ): boolean {
    if (!LATER.some((rule) => this.rules.has(rule))) return false;
    const pages = new Map(
      freed.flatMap((one) => (this.frames.state(one.page) === 'freed' ? [[one.page, one] as const] : [])),
    );
    if (pages.size === 0) return false;
    const found = [...this.references(new Set(pages.keys()))].flatMap(([page, reference]) => {
      const rule = ruleOf(reference, () => isFree(BigInt(page) << 12n));
      return rule !== undefined && this.rules.has(rule) ? [{ rule, reference, free: pages.get(page)! }] : [];
    });
    found.sort((a, b) => compareInstants(a.free.at, b.free.at));
    const [first] = found;
    if (first === undefined || this.known.has(instantName(first.free.at))) return false;
    const { rule, reference, free } = first;
    const page = BigInt(free.page) << 12n;
    const described = {
      ...{ page, by: free.by, caller: this.words.callerOf(this.frames.free(free.page)) ?? 'the kernel' },
      allocated: this.words.callerOf(this.frames.allocation(free.page)),
    };
    const table = this.words.table(reference.root);
    const words =
      rule === 'freed-mapped'
        ? freedMapped(described, reference, table, when, found.length - 1)
        : freedTable(described, reference, table);
    const violation = { rule, page, ...words, hart: free.hart, at: free.at };
    this.known.set(instantName(free.at), violation);
    this.due = { hart: hart.id, violation };
    return true;
  }

  private noteRoot(hart: Hart): void {
    const root = this.guest.userRoot(hart);
    if (root !== undefined) this.roots.add(root);
  }

  private noteTable(thread: Thread): void {
    const root = thread < 0n ? undefined : this.tables.userRoot(thread);
    if (root !== undefined) this.roots.add(root);
  }

  /** From all tables in use. */
  private references(pages: ReadonlySet<number>): Map<number, Reference> {
    const { memory } = this.guest.machine;
    const kernel = kernelRoot(this.guest.xv6);
    const roots = new Set([...this.tables.roots(), ...this.roots]);
    if (kernel === undefined) return referencesTo(memory, roots, pages);
    if (this.kernels?.root !== kernel) {
      const watch = (tables: readonly bigint[]): void =>
        this.subscription?.setWatches(
          tables.map((address) => ({ address, length: Number(PAGE_SIZE), access: 'write' })),
        );
      this.kernels = { root: kernel, references: new KeptReferences(memory, kernel, watch) };
    }
    roots.delete(kernel);
    return new Map([...referencesTo(memory, roots, pages), ...this.kernels.references.to(pages)]);
  }

  private running(hart: Hart): { thread: Thread; pid: number } {
    const process = processIdOn(this.guest.xv6, hart);
    return process ? { thread: process.address, pid: process.pid } : { thread: -1n - BigInt(hart.id), pid: 0 };
  }
}

function ruleOf(reference: Parameters<typeof isFreedMapped>[0], isFree: () => boolean): LedgerRule | undefined {
  if (isFreedMapped(reference, isFree)) return 'freed-mapped';
  return isFreedTable(reference, isFree) ? 'freed-table' : undefined;
}
