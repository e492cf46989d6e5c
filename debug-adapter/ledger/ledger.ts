/**
 * The frame ledger: who has each physical page, seen where the kernel's allocator is called, with rules that are judged as the run
 * goes (rules/). A rule that turns out later to have been broken is told where it was: the stop is at the call that freed the
 * page, in the past, and whoever comes by that instant again stops there. While no rule is wanted, nothing is watched.
 */
import { compareInstants, instantName, Phase, type Instant } from '../../emulator/history/instant';
import { SavedState } from '../../emulator/history/saved-state';
import { X } from '../../emulator/isa/registers';
import { Mode, type Hart, type State, type Subscription } from '../../emulator/types';
import type { Guest } from '../code/guest';
import { memoryMap } from '../memory/memory-map';
import { findAllocators, type AllocatorFunction } from '../xv6/allocators';
import { processIdOn, structProcOn } from '../xv6/cpus';
import { kernelLayout } from '../xv6/regions';
import { Frames } from './frames';
import { FreedPages, type FreedInUse, type FreedRule } from './freed-pages';
import { FreedUses, type Use } from './freed-uses';
import { FreeLists } from './free-lists';
import { LiveTables } from './live-tables';
import type { PendingFree, Thread } from './pending';
import { isForeign, freedForeign, type AllocatorRange } from './rules/freed-foreign';
import type { Judged } from './rules/freed-mapped';
import { freedRoot, hartsOn } from './rules/freed-root';
import { freedTwice, isFreedTwice } from './rules/freed-twice';
import type { LedgerRule, Told } from './rules/rule';
import { usedFreedTold } from './rules/used-freed';
import { UserRules } from './user-tables/user-rules';
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

const isFreedRule = (rule: LedgerRule): rule is FreedRule => rule === 'freed-mapped' || rule === 'freed-table';

export class Ledger {
  /** Why not all is seen. */
  private readonly unseen: readonly string[];
  private readonly functions: ReadonlyMap<bigint, AllocatorFunction>;
  private readonly frames: Frames;
  private readonly free: FreeLists;
  private readonly tables: LiveTables;
  private readonly words: LedgerWords;
  private readonly range: AllocatorRange;
  private readonly freedPages: FreedPages;
  private readonly users: UserRules;
  private readonly uses: FreedUses;
  private rules: ReadonlySet<LedgerRule> = new Set();
  private subscription: Subscription | undefined;
  /** By the name of the instant: what is known to have been broken there, in this run, whatever is restored. */
  private readonly known = new Map<string, Violation & { readonly at: Instant }>();
  /** What has just turned out, to be told at the stop that comes. */
  private due: { readonly hart: number; readonly violation: Violation } | undefined;

  /** `counts`: the array of counts of references, in C, if the user names it. */
  constructor(
    private readonly guest: LedgerGuest,
    counts?: string,
  ) {
    const { machine, xv6 } = guest;
    const { memory } = machine;
    const { at, missing } = findAllocators(xv6, xv6.allocators);
    this.functions = at;
    this.unseen = missing;
    const start = Number(memory.dramBase >> 12n);
    const end = start + Number(memory.dramSize >> 12n);
    this.frames = new Frames(start, end - start);
    this.free = new FreeLists(xv6, memory);
    this.tables = new LiveTables(xv6);
    this.words = new LedgerWords(guest);
    const { data, top } = kernelLayout(xv6.binary, memoryMap(memory));
    this.range = { start: data?.end ?? start, end };
    const places = { range: this.range, usyscall: Number(top.usyscall >> 12n) };
    const { frames, free, tables, words } = this;
    this.freedPages = new FreedPages({ xv6, memory, frames, free, tables, words });
    this.users = new UserRules({
      ...{ machine, harts: guest.harts, xv6, frames, free, tables, words, places, counts },
      isBeingFreed: (page) => this.freedPages.pending.of(page) !== undefined,
      stored: (hart, broken) => this.happened({ ...broken, hart }),
    });
    const own = [...at.keys()].flatMap((address) => xv6.binary.functionAt(address) ?? []);
    this.uses = new FreedUses({
      ...{ machine, harts: guest.harts, frames, free },
      isAllocator: (pc) => own.some(({ low, high }) => pc >= low && pc < high),
      used: (use, page) => this.used(use, page),
    });
  }

  /** Why a rule cannot be judged; undefined if it can. */
  missing(rule: LedgerRule): string | undefined {
    return this.unseen[0] ?? this.users.missing(rule);
  }

  /** The rules to be judged from now on. */
  watch(rules: Iterable<LedgerRule>): void {
    this.rules = new Set(rules);
    this.freedPages.rules = [...this.rules].filter(isFreedRule);
    if (this.rules.size > 0 !== (this.subscription !== undefined)) {
      this.due = undefined;
      if (this.rules.size > 0) this.begin();
      else this.end();
    }
    this.users.watch(this.rules);
    if (this.rules.has('used-freed')) this.uses.begin();
    else this.uses.end();
    const { panic } = this.guest.xv6;
    this.subscription?.setAddresses([
      ...this.functions.keys(),
      ...(panic === undefined ? [] : [panic]),
      ...this.users.addresses,
    ]);
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
    this.users.branched();
  }

  save(): State {
    if (this.subscription === undefined) return null;
    const { pending, roots } = this.freedPages;
    return {
      frames: this.frames.save(),
      pending: pending.save(),
      users: this.users.save(),
      uses: this.uses.save(),
      roots: [...roots],
    };
  }

  /** For a machine that is restored already. Throws an Error, and changes nothing, if it is not what `save` made. */
  restore(state: State): void {
    this.due = undefined;
    this.freedPages.kernelChanged();
    if (this.subscription === undefined) return;
    if (state === null) {
      this.forget();
      return;
    }
    const saved = new SavedState('ledger', state);
    const roots = saved.bigints('roots');
    const pending = saved.records('pending');
    const uses = saved.numbers('uses');
    this.users.restore(new SavedState('ledger.users', saved.raw('users')));
    this.frames.restore(saved.raw('frames'));
    this.freedPages.pending.restore(pending);
    this.freedPages.roots = new Set(roots);
    this.uses.restore(uses);
  }

  private begin(): void {
    const { machine, harts } = this.guest;
    this.forget();
    this.subscription = machine.subscribe({
      execute: ({ hart, shown, time }) => shown !== true && this.reached(harts[hart]!, time),
      trapReturn: ({ hart, to }) => this.returns(harts[hart]!, to),
      satpWrite: ({ hart }) => {
        this.noteRoot(harts[hart]!);
        return false;
      },
      data: () => {
        this.freedPages.kernelChanged();
        return false;
      },
    });
    for (const hart of harts) this.noteRoot(hart);
  }

  private end(): void {
    this.subscription?.end();
    this.subscription = undefined;
    this.freedPages.clear();
  }

  /** Nothing is known but what is free now. */
  private forget(): void {
    this.frames.clear();
    this.freedPages.clear();
    this.users.clear();
    this.uses.clear();
    for (const page of this.free.pages()) if (this.frames.has(page)) this.frames.foundFree(page);
  }

  /** A hart is about to execute an instruction that matters. Returns true if there is something to be told. */
  private reached(hart: Hart, time: number): boolean {
    if (hart.mode === Mode.User) return false;
    const called = this.functions.get(hart.pc);
    if (called === undefined) return this.interrupted(hart);
    return called.kind === 'allocate' ? this.allocated(hart, called) : this.freed(hart, called, time);
  }

  /** At the kernel's trap vector, or in panic. */
  private interrupted(hart: Hart): boolean {
    const thread = this.threadOn(hart);
    if (hart.pc === this.guest.xv6.panic) return this.tell(hart, this.judge('panic', this.freedPages.taken(thread)));
    this.users.interrupted(thread);
    return false;
  }

  private allocated(hart: Hart, { size }: AllocatorFunction): boolean {
    const page = hart.x(X.a0);
    const first = Number(page >> 12n);
    const count = Number(size >> 12n);
    if (!this.frames.has(first) || !this.frames.has(first + count - 1)) return false;
    const { pid, thread } = this.running(hart);
    this.noteTable(thread);
    this.users.changed(thread);
    const again: PendingFree[] = [];
    for (let number = first; number < first + count; number++) {
      const pending = this.freedPages.pending.of(number);
      // Another process may get it before the entry is cleared: only who freed it can tell that it is not.
      if (pending?.thread === thread) again.push(pending);
      if (pending !== undefined) this.freedPages.pending.delete(number);
    }
    const isTold =
      again.length > 0 &&
      this.tell(
        hart,
        this.judge('again', again, () => true),
      );
    const call = { site: hart.x(X.ra), pid };
    for (let number = first; number < first + count; number++) {
      this.frames.allocated(number, call);
      this.users.allocated(number, count > 1);
      this.uses.allocated(number);
    }
    return isTold;
  }

  private freed(hart: Hart, called: AllocatorFunction, time: number): boolean {
    const { machine } = this.guest;
    const address = hart.x(X.a0);
    const at: Instant = { inputs: machine.instant.inputs, time, phase: Phase.fetched };
    const { pid, thread } = this.running(hart);
    const call = { site: hart.x(X.ra), pid };
    this.users.changed(thread);
    const violation = this.judgeCall(hart, called, address);
    if (violation !== undefined) this.known.set(instantName(at), { ...violation, page: address, hart: hart.id, at });
    const first = Number(address >> 12n);
    if (!isForeign(address, called.size, this.range)) {
      const count = Number(called.size >> 12n);
      for (let page = first; page < first + count; page++) {
        const was = this.frames.state(page);
        this.frames.freed(page, call);
        this.uses.freed(page);
        this.freedPages.roots.delete(BigInt(page) << 12n);
        if (was === 'unknown' && pid === 0) continue;
        this.freedPages.pending.add({ page, thread, pid, hart: hart.id, at, by: called.name });
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
    if (this.rules.has('freed-root') && this.freedPages.roots.has(address)) {
      const harts = hartsOn(
        address,
        guest.harts.map((one) => guest.userRoot(one)),
      );
      if (harts.length > 0) return { rule: 'freed-root', ...freedRoot(described(), harts, words.table(address)) };
    }
    if (
      this.rules.has('freed-twice') &&
      isFreedTwice(frames.state(page), () => free.has(address, frames.wasFreed(page)))
    )
      return { rule: 'freed-twice', ...freedTwice(described(), words.callerOf(frames.free(page))) };
    return undefined;
  }

  private returns(hart: Hart, to: Mode): boolean {
    if (to === Mode.User) return this.leaves(hart);
    if (this.users.addresses.length > 0) this.users.goesOn(this.threadOn(hart));
    return false;
  }

  /** A hart goes back to user mode: what its process has freed must not be mapped now. */
  private leaves(hart: Hart): boolean {
    this.uses.settle();
    const { freedPages, users } = this;
    if (!freedPages.pending.any && !users.isOn) return false;
    const thread = this.threadOn(hart);
    const broken = users.leaves(hart, thread);
    const freed = this.judge('left', freedPages.taken(thread)) ?? this.judge('ended', freedPages.orphaned());
    if (this.tell(hart, freed)) return true;
    return broken !== undefined && this.happened({ ...broken, hart: hart.id });
  }

  private judge(
    when: Judged,
    freed: readonly PendingFree[],
    isFree?: (page: bigint) => boolean,
  ): FreedInUse | undefined {
    return this.freedPages.judge(this.subscription, when, freed, isFree);
  }

  /** Returns whether it is news: the place is in the past, and is known from now on. */
  private tell(hart: Hart, found: FreedInUse | undefined): boolean {
    if (found === undefined || this.known.has(instantName(found.at))) return false;
    this.known.set(instantName(found.at), found);
    this.due = { hart: hart.id, violation: found };
    return true;
  }

  /** In the instruction that a hart has just executed. */
  private happened(violation: Violation): boolean {
    this.due = { hart: violation.hart, violation };
    return true;
  }

  private used({ hart, pc, address, access }: Use, number: number): boolean {
    const { frames, words } = this;
    const page = BigInt(number) << 12n;
    const told = usedFreedTold({
      ...{ page, address, access, by: words.executed(this.guest.harts[hart]!, pc) },
      allocated: words.callerOf(frames.allocation(number)),
      freed: words.callerOf(frames.free(number)),
    });
    return this.happened({ rule: 'used-freed', page, ...told, hart });
  }

  private noteRoot(hart: Hart): void {
    const root = this.guest.userRoot(hart);
    if (root !== undefined) this.freedPages.roots.add(root);
  }

  private noteTable(thread: Thread): void {
    const root = thread < 0n ? undefined : this.tables.userRoot(thread);
    if (root !== undefined) this.freedPages.roots.add(root);
  }

  private threadOn(hart: Hart): Thread {
    return structProcOn(this.guest.xv6, hart) ?? -1n - BigInt(hart.id);
  }

  private running(hart: Hart): { thread: Thread; pid: number } {
    const process = processIdOn(this.guest.xv6, hart);
    return { thread: process?.address ?? this.threadOn(hart), pid: process?.pid ?? 0 };
  }
}
