/**
 * A copy of a whole Sv39 table at one instant (RISC-V privileged specification 1.12, section 4.4), page by page, for
 * comparison with a later one entry by entry.
 *
 * Keeps a PTE as two 32-bit halves (on little-endian hosts, as all hosts of JavaScript are) and a page as its number, to
 * avoid bigints in the inner loops: a kernel table has tens of thousands of leaves.
 */
import { ENTRIES, PTE, PTE_FLAG_BITS, problemOfParts, ROOT_LEVEL } from '../../emulator/isa/sv39';
import type { PhysicalMemory } from '../../emulator/types';

/** One page of a table. */
export interface TablePage {
  /** Physical page number. */
  page: number;
  /** 2 × 512 halves: low word of entry i at 2i. */
  words: Uint32Array;
}

export interface TableSnapshot {
  /** Physical address of the root page. */
  root: bigint;
  /** By `childKey`, the root at ROOT_KEY. Without the targets of pointers that lead outside RAM, in a circle or past the limit. */
  pages: Map<number, TablePage>;
  /** Valid leaves; a superpage counts once. */
  leaves: number;
  /** Number of different pages of the table. */
  tablePages: number;
  /** The table has more pages than the limit. */
  truncated: boolean;
}

export const ROOT_KEY = 0;
/** Identifies a lower table by its indices from the root, not by its address, so that two snapshots can be compared. */
export const childKey = (parentKey: number, index: number): number => parentKey * ENTRIES + index + 1;

/** PPN of an entry from its halves. */
export const ppnOf = (low: number, high: number): number => (high & 0x3fffff) * 0x400000 + (low >>> 10);

export const isValid = (low: number): boolean => (low & PTE.V) !== 0;

/** Enough for the 3 GiB that the largest lab maps in 4 KiB pages (1538); limits the work on broken tables. */
const MAX_TABLE_PAGES = 4096;

/** Copies the table at `root`. If the root is outside RAM, the snapshot has no pages. */
export function takeSnapshot(root: bigint, memory: PhysicalMemory, maxTablePages = MAX_TABLE_PAGES): TableSnapshot {
  const snapshot: TableSnapshot = { root, pages: new Map(), leaves: 0, tablePages: 0, truncated: false };
  const copies = new Map<number, Uint32Array | undefined>();
  const above: number[] = [];

  const copy = (page: number): Uint32Array | undefined => {
    if (copies.has(page)) return copies.get(page);
    const bytes = memory.read(BigInt(page) * 4096n, 4096);
    const words = bytes && new Uint32Array(bytes.slice().buffer);
    copies.set(page, words);
    return words;
  };

  const visit = (level: number, key: number, page: number): void => {
    if (above.includes(page)) return;
    if (snapshot.pages.size >= maxTablePages) {
      snapshot.truncated = true;
      return;
    }
    const words = copy(page);
    if (!words) return;
    snapshot.pages.set(key, { page, words });
    above.push(page);
    for (let index = 0; index < ENTRIES; index++) {
      const low = words[2 * index]!;
      if (!isValid(low)) continue;
      const high = words[2 * index + 1]!;
      if (low & (PTE.R | PTE.X)) snapshot.leaves++;
      else if (level > 0 && !problemOfParts(level, low & PTE_FLAG_BITS, high >>> 22, low >>> 10))
        visit(level - 1, childKey(key, index), ppnOf(low, high));
    }
    above.pop();
  };

  visit(ROOT_LEVEL, ROOT_KEY, Number(root / 4096n));
  for (const words of copies.values()) if (words) snapshot.tablePages++;
  return snapshot;
}
