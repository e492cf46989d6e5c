/**
 * Where page tables refer to physical pages: by leaves that map them, by entries that lead to them as tables, or as their roots.
 * All entries are read, which is fast: it is done where a process leaves the kernel after it has freed pages. What maps a page at
 * its own address is left out, as xv6's kernel maps all of RAM that way.
 */
import { ENTRIES, PTE, ROOT_LEVEL, spanOf, toCanonical } from '../../emulator/isa/sv39';
import type { PhysicalMemory } from '../../emulator/types';

export interface Reference {
  readonly kind: 'leaf' | 'table' | 'root';
  readonly root: bigint;
  /** Of a root, 3. */
  readonly level: number;
  /** The first virtual address that the entry is for. */
  readonly va: bigint;
  /** The entry and where it lies; 0 of a root. */
  readonly pte: bigint;
  readonly address: bigint;
}

const LEAF = PTE.R | PTE.W | PTE.X;

/** The first reference to each of some pages (numbers) from the trees with these roots. */
export function referencesTo(
  memory: Pick<PhysicalMemory, 'read'>,
  roots: Iterable<bigint>,
  pages: ReadonlySet<number>,
): Map<number, Reference> {
  const found = new Map<number, Reference>();
  let [lowest, highest] = [Infinity, -Infinity];
  for (const page of pages) [lowest, highest] = [Math.min(lowest, page), Math.max(highest, page)];
  const add = (page: number, reference: Reference): void => {
    if (!found.has(page)) found.set(page, reference);
  };
  const visit = (root: bigint, table: bigint, level: number, base: bigint): void => {
    const bytes = memory.read(table, 8 * ENTRIES);
    if (bytes === undefined) return;
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset, 2 * ENTRIES);
    for (let index = 0; index < ENTRIES; index++) {
      const low = words[2 * index]!;
      if ((low & PTE.V) === 0) continue;
      const isLeaf = (low & LEAF) !== 0;
      // Bits 32 to 53 are those of the PPN above 2^22 pages, where there is no RAM.
      const high = words[2 * index + 1]!;
      const page = (low >>> 10) + (high & 0x3f_ffff) * 2 ** 22;
      // Most leaves are the kernel's of level 0: a comparison is much less than a look into the set.
      if (level === 0 && (!isLeaf || page < lowest || page > highest)) continue;
      const touches = isLeaf ? touched(pages, page, level) : pages.has(page) ? page : undefined;
      if (touches === undefined && isLeaf) continue;
      const va = toCanonical(base + BigInt(index) * spanOf(level));
      const pte = (BigInt(high) << 32n) | BigInt(low);
      const entry = { root, level, va, pte, address: table + BigInt(8 * index) };
      if (isLeaf) {
        if (va !== BigInt(page) << 12n) add(touches!, { kind: 'leaf', ...entry });
      } else if (level > 0) {
        if (touches !== undefined) add(touches, { kind: 'table', ...entry });
        visit(root, BigInt(page) << 12n, level - 1, va);
      }
    }
  };
  for (const root of roots) {
    const page = Number(root >> 12n);
    if (pages.has(page)) add(page, { kind: 'root', root, level: ROOT_LEVEL + 1, va: 0n, pte: 0n, address: 0n });
    visit(root, root, ROOT_LEVEL, 0n);
  }
  return found;
}

/** A page of these that a leaf maps. */
function touched(pages: ReadonlySet<number>, page: number, level: number): number | undefined {
  if (level === 0) return pages.has(page) ? page : undefined;
  const end = page + 512 ** level;
  for (const one of pages) if (one >= page && one < end) return one;
  return undefined;
}
