/**
 * The leaves of a tree, in numbers alone: a program may have tens of thousands, and all are looked at whenever its table may have
 * changed.
 */
import { ENTRIES, PTE, ROOT_LEVEL } from '../../emulator/isa/sv39';
import type { PhysicalMemory } from '../../emulator/types';

export interface Leaf {
  /** The first page (a number) that it maps, and the number of the first virtual one, below 2^27. */
  readonly page: number;
  readonly vpn: number;
  readonly level: number;
  /** The entry's bits 0 to 9, and where it lies. */
  readonly flags: number;
  readonly address: bigint;
}

const POINTER = PTE.R | PTE.W | PTE.X;

/** By level: the table that is being read. */
const TABLES = Array.from({ length: ROOT_LEVEL + 1 }, () => {
  const words = new Uint32Array(2 * ENTRIES);
  return { words, bytes: new Uint8Array(words.buffer) };
});

/** The first leaf for which `isIt` is true; `isIt` may not look at other trees. */
export function findLeaf(
  memory: Pick<PhysicalMemory, 'readInto'>,
  root: bigint,
  isIt: (page: number, vpn: number, level: number, flags: number) => boolean,
): Leaf | undefined {
  const inTable = (table: bigint, level: number, base: number): Leaf | undefined => {
    const { words, bytes } = TABLES[level]!;
    if (!memory.readInto(table, bytes)) return undefined;
    const span = ENTRIES ** level;
    for (let index = 0; index < ENTRIES; index++) {
      const low = words[2 * index]!;
      if ((low & PTE.V) === 0) continue;
      const page = (low >>> 10) + (words[2 * index + 1]! & 0x3f_ffff) * 2 ** 22;
      const vpn = base + index * span;
      if ((low & POINTER) !== 0) {
        if (isIt(page, vpn, level, low & 0x3ff))
          return { page, vpn, level, flags: low & 0x3ff, address: table + BigInt(8 * index) };
      } else if (level > 0) {
        const found = inTable(BigInt(page) << 12n, level - 1, vpn);
        if (found) return found;
      }
    }
    return undefined;
  };
  return inTable(root, ROOT_LEVEL, 0);
}
