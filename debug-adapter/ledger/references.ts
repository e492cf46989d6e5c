/**
 * Where page tables refer to physical pages: by leaves that map them, by entries that lead to them as tables, or as their roots.
 * All entries are read, which is fast: it is done where a process leaves the kernel after it has freed pages. What maps a page at
 * its own address is left out, as xv6's kernel maps all of RAM that way.
 */
import { ROOT_LEVEL, toCanonical } from '../../emulator/isa/sv39';
import type { PhysicalMemory } from '../../emulator/types';
import { eachEntry } from './table-entries';

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

/** Which pages are looked for, by their numbers. */
interface Wanted {
  /** Of the pages that a leaf of this level maps from `page` on: the first that is looked for. */
  among(page: number, level: number): number | undefined;
  readonly lowest: number;
  readonly highest: number;
}

const EVERY: Wanted = { among: (page) => page, lowest: 0, highest: Infinity };

/** The first reference to each of some pages (numbers) from the trees with these roots. */
export function referencesTo(
  memory: Pick<PhysicalMemory, 'readInto'>,
  roots: Iterable<bigint>,
  pages: ReadonlySet<number>,
): Map<number, Reference> {
  const found = new Map<number, Reference>();
  const wanted = wantedOf(pages);
  for (const root of roots) {
    visit(memory, root, wanted, (page, reference) => {
      if (!found.has(page)) found.set(page, reference);
    });
  }
  return found;
}

/** All that a tree refers to, kept as long as nothing is stored to its pages: the kernel's own table hardly changes. */
export class KeptReferences {
  private kept: { page: number; reference: Reference }[] | undefined;

  /** `watch` is called with the tables, to be told of stores to them by `changed`. */
  constructor(
    private readonly memory: Pick<PhysicalMemory, 'readInto'>,
    private readonly root: bigint,
    private readonly watch: (tables: readonly bigint[]) => void,
  ) {}

  changed(): void {
    this.kept = undefined;
  }

  to(pages: ReadonlySet<number>): Map<number, Reference> {
    if (this.kept === undefined) {
      const kept: { page: number; reference: Reference }[] = [];
      visit(this.memory, this.root, EVERY, (page, reference) => void kept.push({ page, reference }));
      this.kept = kept;
      this.watch(kept.flatMap(({ page, reference }) => (reference.kind === 'leaf' ? [] : [BigInt(page) << 12n])));
    }
    const found = new Map<number, Reference>();
    const wanted = wantedOf(pages);
    for (const { page, reference } of this.kept) {
      const one = wanted.among(page, reference.kind === 'leaf' ? reference.level : 0);
      if (one !== undefined && !found.has(one)) found.set(one, reference);
    }
    return found;
  }
}

function wantedOf(pages: ReadonlySet<number>): Wanted {
  let [lowest, highest] = [Infinity, -Infinity];
  for (const page of pages) [lowest, highest] = [Math.min(lowest, page), Math.max(highest, page)];
  const among = (page: number, level: number): number | undefined => {
    if (level === 0) return pages.has(page) ? page : undefined;
    const end = page + 512 ** level;
    for (const one of pages) if (one >= page && one < end) return one;
    return undefined;
  };
  return { among, lowest, highest };
}

function visit(
  memory: Pick<PhysicalMemory, 'readInto'>,
  root: bigint,
  wanted: Wanted,
  found: (page: number, reference: Reference) => void,
): void {
  const { lowest, highest } = wanted;
  const own = wanted.among(Number(root >> 12n), 0);
  if (own !== undefined) found(own, { kind: 'root', root, level: ROOT_LEVEL + 1, va: 0n, pte: 0n, address: 0n });
  eachEntry(memory, root, (entry) => {
    const { page, level, isLeaf } = entry;
    // Most entries are leaves of level 0: a comparison is much less than a look into the set.
    if (level === 0 && (page < lowest || page > highest)) return false;
    const one = wanted.among(page, isLeaf ? level : 0);
    if (one === undefined) return false;
    const va = toCanonical(BigInt(entry.vpn) << 12n);
    if (isLeaf && va === BigInt(page) << 12n) return false;
    found(one, { kind: isLeaf ? 'leaf' : 'table', root, level, va, pte: entry.pte, address: entry.address });
    return false;
  });
}
