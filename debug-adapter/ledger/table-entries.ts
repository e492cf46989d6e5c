/**
 * The entries of a tree, in numbers as far as possible: there may be tens of thousands, and all are looked at whenever a table may
 * have changed.
 */
import { ENTRIES, PTE, ROOT_LEVEL } from '../../emulator/isa/sv39';
import type { PhysicalMemory } from '../../emulator/types';

export interface TableEntry {
  /** The page (a number) that it leads to: of a leaf the first one that it maps. */
  readonly page: number;
  /** The number of the first virtual page that it is for, below 2^27. */
  readonly vpn: number;
  readonly level: number;
  readonly isLeaf: boolean;
  /** Its bits 0 to 9. */
  readonly flags: number;
  readonly pte: bigint;
  /** Where it lies. */
  readonly address: bigint;
}

const LEAF = PTE.R | PTE.W | PTE.X;

/** Most entries are not valid, nor are their neighbours: so many are passed over at once. */
const TOGETHER = 8;

function areInvalid(words: Uint32Array, index: number): boolean {
  const at = 2 * index;
  const lower = words[at]! | words[at + 2]! | words[at + 4]! | words[at + 6]!;
  const upper = words[at + 8]! | words[at + 10]! | words[at + 12]! | words[at + 14]!;
  return ((lower | upper) & PTE.V) === 0;
}

/** By level: the table that is being read. */
const TABLES = Array.from({ length: ROOT_LEVEL + 1 }, () => {
  const words = new Uint32Array(2 * ENTRIES);
  return { words, bytes: new Uint8Array(words.buffer) };
});

/** The entry at hand: one for all, as most are only looked at. */
class Cursor implements TableEntry {
  page = 0;
  vpn = 0;
  level = 0;
  isLeaf = false;
  low = 0;
  high = 0;
  table = 0n;
  index = 0;

  get flags(): number {
    return this.low & 0x3ff;
  }

  get pte(): bigint {
    return (BigInt(this.high) << 32n) | BigInt(this.low);
  }

  get address(): bigint {
    return this.table + BigInt(8 * this.index);
  }
}

/**
 * Visits the valid entries of a tree without those that have a reserved bit, an entry before what it leads to, until `isLast` returns
 * true. What `isLast` is given holds until it returns, and it may not visit another tree. Returns whether it returned true.
 */
export function eachEntry(
  memory: Pick<PhysicalMemory, 'readInto'>,
  root: bigint,
  isLast: (entry: TableEntry) => boolean,
): boolean {
  const entry = new Cursor();
  const inTable = (table: bigint, level: number, base: number): boolean => {
    const { words, bytes } = TABLES[level]!;
    if (!memory.readInto(table, bytes)) return false;
    const span = ENTRIES ** level;
    for (let index = 0; index < ENTRIES; index++) {
      if (index % TOGETHER === 0 && areInvalid(words, index)) {
        index += TOGETHER - 1;
        continue;
      }
      const low = words[2 * index]!;
      if ((low & PTE.V) === 0) continue;
      const isLeaf = (low & LEAF) !== 0;
      if (level === 0 && !isLeaf) continue;
      const high = words[2 * index + 1]!;
      // With a reserved bit, 54 to 63, it leads nowhere: a walk raises a page fault.
      if (high >>> 22 !== 0) continue;
      // Bits 32 to 53 are those of the PPN above 2^22 pages, where there is no RAM.
      const page = (low >>> 10) + high * 2 ** 22;
      const vpn = base + index * span;
      entry.page = page;
      entry.vpn = vpn;
      entry.level = level;
      entry.isLeaf = isLeaf;
      entry.low = low;
      entry.high = high;
      entry.table = table;
      entry.index = index;
      if (isLast(entry)) return true;
      if (!isLeaf && inTable(BigInt(page) << 12n, level - 1, vpn)) return true;
    }
    return false;
  };
  return inTable(root, ROOT_LEVEL, 0);
}

export type Leaf = Pick<TableEntry, 'page' | 'vpn' | 'level' | 'flags' | 'address'>;

/** The first leaf for which `isIt` is true; see `eachEntry`. */
export function findLeaf(
  memory: Pick<PhysicalMemory, 'readInto'>,
  root: bigint,
  isIt: (page: number, vpn: number, level: number, flags: number) => boolean,
): Leaf | undefined {
  let found: Leaf | undefined;
  eachEntry(memory, root, (entry) => {
    const { page, vpn, level, flags, isLeaf } = entry;
    if (!isLeaf || !isIt(page, vpn, level, flags)) return false;
    found = { page, vpn, level, flags, address: entry.address };
    return true;
  });
  return found;
}
