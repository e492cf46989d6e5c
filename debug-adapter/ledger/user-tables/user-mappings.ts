/** How many entries of user tables map each page of the allocator, and with which flags: counted anew by `count`. */
import { PTE } from '../../../emulator/isa/sv39';
import type { PhysicalMemory } from '../../../emulator/types';
import type { LiveTables } from '../live-tables';
import type { AllocatorRange } from '../rules/freed-foreign';
import type { NamedLeaf } from '../rules/entries';
import { eachEntry, findLeaf, type Leaf } from '../table-entries';
import type { LedgerWords } from '../words';

export class UserMappings {
  /** By page, from the first of the allocator's on. */
  readonly entries: Uint16Array;
  /** The flags of all of them together. */
  readonly flags: Uint8Array;
  /** The pages that have any, each once. */
  pages: readonly number[] = [];
  /** The pages of the tables themselves. */
  tables: ReadonlySet<number> = new Set();

  constructor(
    private readonly memory: PhysicalMemory,
    private readonly live: Pick<LiveTables, 'userRoots'>,
    private readonly words: Pick<LedgerWords, 'table'>,
    readonly range: AllocatorRange,
  ) {
    const length = Math.max(0, range.end - range.start);
    this.entries = new Uint16Array(length);
    this.flags = new Uint8Array(length);
  }

  /** Returns how many entries were looked at. */
  count(): number {
    const { range, entries, flags } = this;
    for (const page of this.pages) entries[page - range.start] = flags[page - range.start] = 0;
    const pages: number[] = [];
    const tables = new Set<number>();
    let leaves = 0;
    for (const root of new Set(this.live.userRoots())) {
      tables.add(Number(root >> 12n));
      eachEntry(this.memory, root, (entry) => {
        if (!entry.isLeaf) {
          tables.add(entry.page);
          return false;
        }
        leaves++;
        const end = Math.min(entry.page + 512 ** entry.level, range.end);
        for (let page = Math.max(entry.page, range.start); page < end; page++) {
          if (entries[page - range.start]!++ === 0) pages.push(page);
          flags[page - range.start]! |= entry.flags;
        }
        return false;
      });
    }
    this.pages = pages;
    this.tables = tables;
    return leaves;
  }

  /** The entries that map a page at this moment: of each table the first with W, or the first. */
  of(page: number): NamedLeaf[] {
    return [...new Set(this.live.userRoots())].flatMap((root) => {
      const find = (bits: number): Leaf | undefined =>
        findLeaf(
          this.memory,
          root,
          (first, _, level, flags) => (flags & bits) === bits && page >= first && page < first + 512 ** level,
        );
      const leaf = find(PTE.W) ?? find(0);
      return leaf === undefined ? [] : [{ ...leaf, table: this.words.table(root) }];
    });
  }
}
