/**
 * What one hart's TLB may hold of one address space: every translation that its tables have given since the last fence
 * that would have removed it. Most of that still stands in the tables; kept here is only what they said before: entries
 * that were overwritten, and whole tables of a space that the hart has left. RISC-V privileged specification 1.12, section
 * 4.2.1: a read by a walk "may return any translation for an address that was valid at any time since the most recent
 * SFENCE.VMA that subsumes that address", and walks may be made speculatively while satp names their table.
 *
 * Addresses are numbers: of tables and entries physical ones, and virtual ones as the number of their page (of 2^27).
 */
import { PTE, isPointer, pteFlags, pteProblem, ptePhysical, ROOT_LEVEL } from '../isa/sv39';
import type { FenceInVain, UnfencedChange } from './event';
import type { TableUse } from './table-uses';

/** An entry as it was. */
export interface OldEntry {
  pte: bigint;
  /** The virtual pages that it is for. */
  first: number;
  pages: number;
  change: UnfencedChange;
  fence?: FenceInVain | undefined;
  /** Its first use has been reported. */
  told: boolean;
  /** Of a pointer whose tables' translations are cached, but not the pointer: those tables, as they were. */
  below?: ReadonlyMap<number, BigUint64Array>;
}

/** A table of a space that the hart has left, as it was then; and the entries that have changed since. */
export interface LeftTable {
  entries: BigUint64Array;
  use: TableUse;
  changes: Map<number, UnfencedChange>;
}

/** A leaf, or an entry that is not valid. */
export interface FoundEntry {
  pte: bigint;
  address: number;
  level: number;
  isGlobal: boolean;
  /** What was found in place of what the tables say. */
  from?: OldEntry | undefined;
}

/** Reads the entry at a physical address; undefined where there is no memory. */
export type ReadEntry = (address: number) => bigint | undefined;

/** Whether a TLB may hold what an entry says: without A set a walk cannot be completed (section 4.3.2, step 7). */
export function isCacheable(pte: bigint, level: number, invalid: boolean): boolean {
  const flags = pteFlags(pte);
  if ((flags & PTE.V) === 0) return invalid;
  return pteProblem(level, pte) === undefined && (isPointer(flags) || (flags & PTE.A) !== 0);
}

/** The level of the entries of a table that maps so many pages. */
export const levelOf = (pages: number): number => (pages === 512 ** 3 ? 2 : pages === 512 ** 2 ? 1 : 0);

/** Clearing what is empty takes an allocation, and each fence does it. */
function empty(collection: { size: number; clear(): void }): void {
  if (collection.size > 0) collection.clear();
}

export class Space {
  /** By the physical address of the entry. */
  readonly old = new Map<number, OldEntry>();
  /** While the hart is not in this space: by the physical address of the table, those that were changed. */
  readonly left = new Map<number, LeftTable>();
  /** Virtual pages that were fenced by their address; true: their global translations, too. */
  readonly fencedPages = new Map<number, boolean>();
  /** Pages whose use in another space has been reported. */
  readonly told = new Set<number>();
  /** The hart has left it by this write to satp, and executed this fence in vain. */
  leftBy: UnfencedChange | undefined;
  fence: FenceInVain | undefined;
  /** A fence has removed all but the global translations. */
  onlyGlobal = false;

  constructor(
    readonly asid: number,
    /** Physical address of the root table. */
    readonly root: number,
  ) {}

  /** What the TLB may hold for a page, as far as it was not fenced. */
  find(page: number, read: ReadEntry): FoundEntry | undefined {
    let table = this.root;
    let from: OldEntry | undefined;
    let isGlobal = false;
    for (let level = ROOT_LEVEL; level >= 0; level--) {
      const index = Math.floor(page / 512 ** level) % 512;
      const address = table + index * 8;
      const own = from?.below === undefined ? this.old.get(address) : undefined;
      from = own ?? from;
      const kept = from?.below?.get(table) ?? this.left.get(table)?.entries;
      const pte = own?.pte ?? kept?.[index] ?? read(address);
      if (pte === undefined) return undefined;
      const flags = pteFlags(pte);
      isGlobal ||= (flags & PTE.G) !== 0;
      if ((flags & PTE.V) === 0) return own && { pte, address, level, isGlobal, from };
      if (pteProblem(level, pte) !== undefined) return undefined;
      if (!isPointer(flags)) {
        const isKept = (flags & PTE.A) !== 0 && !this.isFenced(page, level, isGlobal);
        return isKept ? { pte, address, level, isGlobal, from } : undefined;
      }
      table = Number(ptePhysical(pte));
    }
    return undefined;
  }

  /** `returnTo` would change something. */
  get isBehind(): boolean {
    return this.onlyGlobal || this.left.size > 0;
  }

  /** The tables have changed while the hart was away, and it may now cache what they say, too. */
  returnTo(invalid: boolean, read: ReadEntry): void {
    for (const [table, { entries, use, changes }] of this.left) {
      const pages = use.pages / 512;
      for (const [index, change] of changes) {
        const address = table + index * 8;
        const first = use.first + index * pages;
        const pte = entries[index]!;
        const level = levelOf(use.pages);
        if (this.old.has(address) || read(address) === pte || !isCacheable(pte, level, invalid)) continue;
        const isGlobal = (pteFlags(pte) & PTE.G) !== 0;
        if ((this.onlyGlobal && !isGlobal) || this.isFenced(first, level, isGlobal)) continue;
        this.old.set(address, { pte, first, pages, change, told: false });
      }
    }
    empty(this.left);
    empty(this.fencedPages);
    this.onlyGlobal = false;
    this.leftBy = undefined;
    this.fence = undefined;
  }

  /** A fence for all addresses. Of its ASID, if it names one: then what is global stays. */
  forget(globalToo: boolean): void {
    if (!globalToo) {
      for (const [address, { pte }] of this.old) if ((pteFlags(pte) & PTE.G) === 0) this.old.delete(address);
      return;
    }
    for (const collection of [this.old, this.left, this.fencedPages, this.told]) empty(collection);
  }

  /** A fence for a page: only leaves are removed, whole ones. Tells whether one was that had been overwritten. */
  forgetPage(page: number, globalToo: boolean, isCurrent: boolean): boolean {
    let removed = false;
    let hasPointers = false;
    for (const [address, { pte, first, pages }] of this.old) {
      const flags = pteFlags(pte);
      if (isPointer(flags)) hasPointers = true;
      else if (page >= first && page < first + pages && (globalToo || (flags & PTE.G) === 0))
        removed = this.old.delete(address);
    }
    if (!isCurrent || hasPointers) this.fencedPages.set(page, globalToo || this.fencedPages.get(page) === true);
    return removed;
  }

  private isFenced(page: number, level: number, isGlobal: boolean): boolean {
    if (this.fencedPages.size === 0) return false;
    const pages = 512 ** level;
    const first = page - (page % pages);
    for (const [fenced, globalToo] of this.fencedPages)
      if (fenced >= first && fenced < first + pages && (globalToo || !isGlobal)) return true;
    return false;
  }
}
