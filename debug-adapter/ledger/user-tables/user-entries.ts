/** Judges what a process's user table maps, where the process goes back to user mode and its table is due (due-tables.ts). */
import { PTE } from '../../../emulator/isa/sv39';
import type { PhysicalMemory } from '../../../emulator/types';
import { findLeaf, type Leaf } from '../table-entries';
import type { LiveTables } from '../live-tables';
import { BREAKS, entryTold, isUsable, type EntryRule, type Limits, type NamedLeaf } from '../rules/entries';
import type { Told } from '../rules/rule';
import type { LedgerWords } from '../words';

export interface BrokenEntry extends Told {
  readonly rule: EntryRule;
  /** Of the page that is mapped: its physical address. */
  readonly page: bigint;
}

export class UserEntries {
  rules: readonly EntryRule[] = [];
  /** Entries that were told, and when: there they are told again, and nowhere else. */
  private readonly known = new Map<string, string>();

  constructor(
    private readonly memory: PhysicalMemory,
    private readonly tables: LiveTables,
    private readonly words: Pick<LedgerWords, 'table' | 'content'>,
    private readonly places: Omit<Limits, 'end'>,
  ) {}

  /**
   * A process goes back to user mode with this table. `moment`: a name for when that is, the same whenever the run comes by
   * again. `leaves`: so many were looked at.
   */
  judge(process: bigint, root: bigint, moment: string): { broken: BrokenEntry | undefined; leaves: number } {
    const size = this.tables.size(process);
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
    if (leaf === undefined || broken === undefined) return { broken: undefined, leaves };
    this.known.set(nameOf(broken, root, leaf.vpn, leaf.flags, leaf.page), moment);
    const page = BigInt(leaf.page) << 12n;
    const other = broken === 'entry-shared' ? this.sharing(root, leaf) : undefined;
    const own = { ...leaf, table: this.words.table(root) };
    const told = entryTold(broken, own, limits, this.words.content(page), other);
    return { broken: { rule: broken, page, ...told }, leaves };
  }

  /** Nothing was told: the run begins anew, or has another future. */
  forget(): void {
    this.known.clear();
  }

  /** By page of the allocator: the flags with which other programs have it, all together. */
  private shared(own: bigint): Uint8Array {
    const { start, end } = this.places.range;
    const flags = new Uint8Array(Math.max(0, end - start));
    for (const root of this.tables.userRoots()) {
      if (root === own) continue;
      findLeaf(this.memory, root, (page, _, level, bits) => {
        if ((bits & PTE.U) !== 0 && page >= start && isUsable(page, level, bits)) {
          for (let one = page - start; one < Math.min(page - start + 512 ** level, flags.length); one++)
            flags[one]! |= bits;
        }
        return false;
      });
    }
    return flags;
  }

  /** The first with which a leaf of a table breaks the rule. */
  private sharing(own: bigint, { page: wanted, flags: ownFlags }: Leaf): NamedLeaf | undefined {
    for (const root of this.tables.userRoots()) {
      const leaf =
        root === own
          ? undefined
          : findLeaf(
              this.memory,
              root,
              (page, _, level, flags) =>
                (flags & PTE.U) !== 0 &&
                ((flags | ownFlags) & PTE.W) !== 0 &&
                wanted >= page &&
                wanted < page + 512 ** level &&
                isUsable(page, level, flags),
            );
      if (leaf !== undefined) return { ...leaf, table: this.words.table(root) };
    }
    return undefined;
  }
}

/** A and D are the hardware's. */
const nameOf = (rule: EntryRule, root: bigint, vpn: number, flags: number, page: number): string =>
  `${rule} ${root} ${vpn} ${flags & ~(PTE.A | PTE.D)} ${page}`;
