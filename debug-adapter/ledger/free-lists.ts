/**
 * Whether a page is free, as memory shows it. A call that frees may only have counted down, as with copy on write, so that the
 * call alone says nothing. The lists of free pages say it, where the kernel has them by a name that is known; else what xv6's
 * allocator does with a free page: it is chained to the next one by its first word, and filled with junk.
 */
import { PAGE_SIZE } from '../../emulator/isa/sv39';
import type { PhysicalMemory } from '../../emulator/types';
import { freeHeads, freePages, isOutOfMemory, type Xv6 } from '../xv6/kernel';

/** What is looked at of a page for its filling. */
const sample = new Uint8Array(56);
const HALF = PAGE_SIZE / 2n;

export class FreeLists {
  private readonly isKnown: boolean;
  /** The byte that the allocator fills pages with as it frees them, once one was seen. */
  private filling: number | undefined;

  constructor(
    private readonly xv6: Pick<Xv6, 'binary' | 'read'>,
    private readonly memory: PhysicalMemory,
  ) {
    this.isKnown = isOutOfMemory(xv6) !== undefined;
  }

  /**
   * `isFreed`: the function that frees was called for it: one that is not filled is then not looked for on the lists. `pages` saves
   * reading them again.
   */
  has(page: bigint, isFreed = false, pages = (): ReadonlySet<number> => this.pages()): boolean {
    if (!this.isChained(page)) return false;
    if (!this.isKnown) return this.memory.readU64(page) !== 0n && this.fillingOf(page) !== undefined;
    if (isFreed && this.allocatorsFilling !== undefined && !this.isFilled(page)) return false;
    return pages().has(Number(page >> 12n));
  }

  /** Whether it is as the allocator leaves what it frees, without a look at the lists; a program may leave a page so, too. */
  isFilled(page: bigint): boolean {
    const filling = this.allocatorsFilling;
    return filling !== undefined && this.isChained(page) && this.fillingOf(page) === filling;
  }

  /** The same for a page for which the function that frees was called, and of which a word at an offset has been used since. */
  hasUsed(page: bigint, offset: bigint): boolean {
    const other = offset < HALF ? HALF : 8n;
    const isFilled = this.allocatorsFilling === undefined || this.fillingOf(page, other) === this.allocatorsFilling;
    return isFilled && this.has(page);
  }

  /** The numbers of all free pages, as far as they are known. */
  pages(): ReadonlySet<number> {
    return freePages(this.xv6)?.pages ?? new Set();
  }

  /** The same, read when first asked for, and once. */
  readOnce(): () => ReadonlySet<number> {
    let pages: ReadonlySet<number> | undefined;
    return () => (pages ??= this.pages());
  }

  /** Its first word leads to a page, or to none. */
  private isChained(page: bigint): boolean {
    const next = this.memory.readU64(page);
    return next !== undefined && next % PAGE_SIZE === 0n && (next === 0n || this.memory.readU64(next) !== undefined);
  }

  private get allocatorsFilling(): number | undefined {
    this.filling ??= freeHeads(this.xv6).flatMap((head) => this.fillingOf(head) || [])[0];
    return this.filling;
  }

  /** The byte that a page is full of, as far as it is looked at, from an offset on. */
  private fillingOf(page: bigint, offset = 8n): number | undefined {
    if (!this.memory.readInto(page + offset, sample)) return undefined;
    const [filling] = sample;
    return sample.every((byte) => byte === filling) ? filling : undefined;
  }
}
