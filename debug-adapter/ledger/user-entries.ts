/**
 * Judges what a process's user table maps, where the process goes back to user mode: if it has a new table, or has called the
 * allocator since it was there last, as whoever maps something does. All leaves are looked at each time, so that a program with many
 * is judged only after some more returns: what that costs is proportional to the run, not to the square of the program's memory.
 */
import type { SavedState } from '../../emulator/history/saved-state';
import { PTE } from '../../emulator/isa/sv39';
import type { PhysicalMemory, State } from '../../emulator/types';
import { findLeaf } from './table-entries';
import type { LiveTables } from './live-tables';
import type { Thread } from './pending';
import { BREAKS, entryTold, type EntryRule, type Limits, type NamedLeaf } from './rules/entries';
import type { Told } from './rules/rule';
import type { LedgerWords } from './words';

export interface BrokenEntry extends Told {
  readonly rule: EntryRule;
  /** Of the page that is mapped: its physical address. */
  readonly page: bigint;
}

/** Leaves that may be looked at for each return to user mode. */
const LEAVES_PER_RETURN = 64;

interface JudgedTable {
  readonly root: bigint;
  readonly leaves: number;
  /** Returns to user mode until it is judged again; undefined where nothing has changed since. */
  readonly wait: number | undefined;
}

export class UserEntries {
  rules: readonly EntryRule[] = [];
  private judged = new Map<Thread, JudgedTable>();
  /** Entries that were told, and when: there they are told again, and nowhere else. */
  private readonly known = new Map<string, string>();

  constructor(
    private readonly memory: PhysicalMemory,
    private readonly tables: LiveTables,
    private readonly words: Pick<LedgerWords, 'table' | 'content'>,
    private readonly places: Omit<Limits, 'end'>,
  ) {}

  /** A thread has called the allocator. */
  changed(thread: Thread): void {
    const judged = this.judged.get(thread);
    if (judged !== undefined && judged.wait === undefined)
      this.judged.set(thread, { ...judged, wait: Math.floor(judged.leaves / LEAVES_PER_RETURN) });
  }

  /** The thread goes back to user mode. `moment`: a name for when that is, the same whenever the run comes by again. */
  leaves(thread: Thread, moment: string): BrokenEntry | undefined {
    const root = this.rules.length === 0 || thread < 0n ? undefined : this.tables.userRoot(thread);
    if (root === undefined) return undefined;
    const judged = this.judged.get(thread);
    if (judged?.root === root && judged.wait !== 0) {
      if (judged.wait !== undefined) this.judged.set(thread, { ...judged, wait: judged.wait - 1 });
      return undefined;
    }
    const size = this.tables.size(thread);
    const end = size === undefined ? undefined : Number((size + 0xfffn) >> 12n);
    const limits: Limits = { ...this.places, end };
    const others = this.rules.includes('entry-shared') ? this.shared(root) : undefined;
    const { start } = this.places.range;
    let broken: EntryRule | undefined;
    let leaves = 0;
    const leaf = findLeaf(this.memory, root, (page, vpn, level, flags) => {
      leaves++;
      const other = others?.[page - start] ?? 0;
      broken = this.rules.find(
        (rule) =>
          BREAKS[rule](page, vpn, level, flags, limits, other) &&
          (this.known.get(nameOf(rule, root, vpn, flags, page)) ?? moment) === moment,
      );
      return broken !== undefined;
    });
    this.judged.set(thread, { root, leaves, wait: undefined });
    if (leaf === undefined || broken === undefined) return undefined;
    this.known.set(nameOf(broken, root, leaf.vpn, leaf.flags, leaf.page), moment);
    const page = BigInt(leaf.page) << 12n;
    const other = broken === 'entry-shared' ? this.sharing(root, leaf.page) : undefined;
    const own = { ...leaf, table: this.words.table(root) };
    return { rule: broken, page, ...entryTold(broken, own, limits, this.words.content(page), other) };
  }

  clear(): void {
    this.judged.clear();
    this.known.clear();
  }

  /** The run has another future: what was told in the one that is left may be told in it. */
  branched(): void {
    this.known.clear();
  }

  save(): State {
    return [...this.judged].map(([thread, { wait = null, ...table }]) => ({ thread, ...table, wait }));
  }

  restore(saved: readonly SavedState[]): void {
    this.judged = new Map(
      saved.map((one) => [
        one.bigint('thread'),
        {
          ...{ root: one.bigint('root'), leaves: one.count('leaves') },
          wait: one.raw('wait') === null ? undefined : one.count('wait'),
        },
      ]),
    );
  }

  /** By page of the allocator: the flags with which other programs have it, all together. */
  private shared(own: bigint): Uint8Array {
    const { start, end } = this.places.range;
    const flags = new Uint8Array(Math.max(0, end - start));
    for (const root of this.tables.userRoots()) {
      if (root === own) continue;
      findLeaf(this.memory, root, (page, _, level, bits) => {
        if ((bits & PTE.U) !== 0 && page >= start) {
          for (let one = page - start; one < Math.min(page - start + 512 ** level, flags.length); one++)
            flags[one]! |= bits;
        }
        return false;
      });
    }
    return flags;
  }

  private sharing(own: bigint, wanted: number): NamedLeaf | undefined {
    for (const root of this.tables.userRoots()) {
      const leaf =
        root === own
          ? undefined
          : findLeaf(
              this.memory,
              root,
              (page, _, level, flags) => (flags & PTE.U) !== 0 && wanted >= page && wanted < page + 512 ** level,
            );
      if (leaf !== undefined) return { ...leaf, table: this.words.table(root) };
    }
    return undefined;
  }
}

/** A and D are the hardware's. */
const nameOf = (rule: EntryRule, root: bigint, vpn: number, flags: number, page: number): string =>
  `${rule} ${root} ${vpn} ${flags & ~(PTE.A | PTE.D)} ${page}`;
