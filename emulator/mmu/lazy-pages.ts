/**
 * Pages of DRAM that the host has not committed memory to yet, and what each of them holds. Such a page is untouched; or a
 * restored machine has not used it yet; or it is filled with one byte, as xv6 fills what it frees, and holds the pointer
 * that makes it part of the free list. A kernel frees all of its memory when it boots: committing every page would cost the
 * host as many page faults, which take as long as a quarter of the boot.
 *
 * No TLB holds such a page, so every access to it comes here. Pages are counted from the start of DRAM.
 */
import { PAGE } from '../layout';
import { type MemoryPart, PAGES_SHARED, type PageImage } from '../history/memory-image';
import { FilledPage, NO_WORD, sharedPage, ZERO_PAGE } from './page-images';

const enum Kind {
  zero,
  /** The host's memory holds its contents. */
  committed,
  /** The restored part that it is in holds its contents; the host's memory for it may hold anything. */
  held,
  filled,
}

/** What single instructions, and no loop idiom, have done to a filled page since it was filled last; bits. */
const enum Single {
  stored = 1,
  loaded = 2,
}

const WORD = 8;
/** What a page of zeroes is as a filled one. */
const ZEROES = new FilledPage(0, 0, PAGE, NO_WORD, 0, 0);

export class LazyPages {
  private readonly kinds: Uint8Array;
  /** What a page holds, where a checkpoint has it and nobody has stored to the page since: by part, and then by its index in that. */
  private readonly images: ((PageImage | undefined)[] | undefined)[];
  /** The part of a restored image that the held pages in it are from. */
  private readonly parts: (MemoryPart | undefined)[] = [];
  /** By part: a page in it may hold something else than when an image was last made or held. */
  private readonly altered: Uint8Array;
  /** The page has been committed: the host's memory for it may hold something else than zeroes, and code may have been decoded from it. */
  private readonly used: Uint8Array;
  // Of a filled page: the byte that fills it up to the boundary, the one that fills it from there on, and the boundary.
  private readonly front: Uint8Array;
  private readonly back: Uint8Array;
  private readonly boundary: Uint16Array;
  /** Of Single. */
  private readonly single: Uint8Array;
  /** Offset of the one word of a page filled to its end that holds something else, or NO_WORD; and that word. */
  private readonly wordAt: Uint16Array;
  private readonly words: Uint8Array;
  /** The same, by words of 32 bits, two for each page. */
  readonly halves: Int32Array;
  /** A page that is looked at. */
  private readonly looked = new Uint8Array(PAGE);

  constructor(readonly pages: number) {
    this.kinds = new Uint8Array(pages);
    const parts = Math.ceil(pages / PAGES_SHARED);
    this.images = new Array<undefined>(parts).fill(undefined);
    this.altered = new Uint8Array(parts);
    this.used = new Uint8Array(pages);
    this.front = new Uint8Array(pages);
    this.back = new Uint8Array(pages);
    this.boundary = new Uint16Array(pages);
    this.single = new Uint8Array(pages);
    this.wordAt = new Uint16Array(pages);
    this.words = new Uint8Array(pages * WORD);
    this.halves = new Int32Array(this.words.buffer);
  }

  isCommitted(page: number): boolean {
    return this.kinds[page] === Kind.committed;
  }

  /** From now on the host's memory, `bytes`, says what the page holds. */
  commit(page: number, bytes: Uint8Array): void {
    if (this.kinds[page] !== Kind.zero) this.read(page, bytes);
    this.setImage(page, this.image(page));
    this.kinds[page] = Kind.committed;
    this.used[page] = 1;
  }

  /** All pages hold zeroes, and `zero` makes the host's memory hold them where it may not. */
  clear(zero: (page: number) => void): void {
    for (let page = this.used.indexOf(1); page >= 0; page = this.used.indexOf(1, page + 1)) zero(page);
    this.used.fill(0);
    this.single.fill(0);
    this.kinds.fill(Kind.zero);
    this.images.fill(undefined);
    this.altered.fill(1);
    this.parts.length = 0;
  }

  /**
   * From now on the pages of a part hold what it says. `replaced` is called with those that have been committed and may have held
   * something else.
   */
  hold(index: number, part: MemoryPart, replaced: (page: number) => void): void {
    const first = index * PAGES_SHARED;
    const end = Math.min(first + PAGES_SHARED, this.pages);
    if (!this.used.subarray(first, end).includes(1)) {
      this.images[index] = undefined;
      this.kinds.fill(Kind.held, first, end);
    } else {
      const isHeld = this.parts[index] === part;
      for (let page = first; page < end; page++) {
        if (isHeld && this.kinds[page] === Kind.held) continue;
        const known = this.image(page);
        if (known !== undefined && known === part.page(page - first)) continue;
        if (this.used[page] !== 0) replaced(page);
        this.setImage(page, undefined);
        this.kinds[page] = Kind.held;
      }
    }
    this.parts[index] = part;
    this.altered[index] = 0;
  }

  /** Whether a page of a part may have changed since the last image of it was made or held. */
  isAltered(index: number): boolean {
    return this.altered[index] !== 0;
  }

  /** An image of the part is made now. */
  unaltered(index: number): void {
    this.altered[index] = 0;
  }

  /** The part that all of its pages are held by, if there is one. */
  heldPart(index: number): MemoryPart | undefined {
    const first = index * PAGES_SHARED;
    for (let page = first; page < Math.min(first + PAGES_SHARED, this.pages); page++)
      if (this.kinds[page] !== Kind.held) return undefined;
    return this.parts[index];
  }

  /** What the page holds, if an image of it was kept and it was not changed since. */
  image(page: number): PageImage | undefined {
    const part = Math.floor(page / PAGES_SHARED);
    if (this.kinds[page] !== Kind.held) return this.images[part]?.[page % PAGES_SHARED];
    return this.parts[part]!.page(page % PAGES_SHARED);
  }

  /** A committed page is about to be changed. */
  changed(page: number): void {
    this.setImage(page, undefined);
    this.altered[Math.floor(page / PAGES_SHARED)] = 1;
  }

  /** Keeps an image of what the page holds: one of a committed page is given. */
  keepImage(page: number, image = this.uncommittedImage(page)): PageImage {
    this.setImage(page, image);
    return image;
  }

  private setImage(page: number, image: PageImage | undefined): void {
    const part = Math.floor(page / PAGES_SHARED);
    if (image !== undefined) this.images[part] ??= new Array<undefined>(PAGES_SHARED).fill(undefined);
    const images = this.images[part];
    if (images !== undefined) images[page % PAGES_SHARED] = image;
  }

  private uncommittedImage(page: number): PageImage {
    if (this.kinds[page] === Kind.zero) return ZERO_PAGE;
    const hasWord = this.wordAt[page] !== NO_WORD;
    const [low, high] = hasWord ? [this.halves[page * 2]!, this.halves[page * 2 + 1]!] : [0, 0];
    return sharedPage(
      new FilledPage(this.front[page]!, this.back[page]!, this.boundary[page]!, this.wordAt[page]!, low, high),
    );
  }

  /** Writes what the page holds, 4096 bytes, over `bytes`. */
  read(page: number, bytes: Uint8Array): void {
    switch (this.kinds[page] as Kind) {
      case Kind.zero:
        bytes.fill(0);
        break;
      case Kind.held:
        this.image(page)!.read(bytes);
        break;
      case Kind.filled:
        bytes.fill(this.front[page]!, 0, this.boundary[page]);
        bytes.fill(this.back[page]!, this.boundary[page]);
        if (this.wordAt[page] !== NO_WORD)
          bytes.set(this.words.subarray(page * WORD, (page + 1) * WORD), this.wordAt[page]);
        break;
      case Kind.committed:
        throw new Error(`page ${page} of DRAM is committed already`);
    }
  }

  /**
   * Stores the `length` bytes (1, 2, 4 or 8) at `from` of `bytes`, all in the page; false, and nothing done, if the page is to
   * be committed for that. Takes single stores between which a loop idiom fills the page, and one pointer. A loop of any
   * other shape, in which each store would come here, is as fast as elsewhere once the page is committed.
   */
  store(page: number, offset: number, bytes: Uint8Array, from: number, length: number): boolean {
    if (this.kinds[page] === Kind.held) this.takeOver(page);
    if ((this.single[page]! & Single.stored) !== 0) return false;
    if (this.isUniform(bytes, from, length) && this.fill(page, offset, offset + length, bytes[from]!)) {
      this.single[page] = Single.stored;
      return true;
    }
    if (length !== WORD || !(this.kinds[page] === Kind.zero || this.takesWord(page))) return false;
    if (this.kinds[page] === Kind.zero) this.fill(page, 0, PAGE, 0);
    this.changed(page);
    this.wordAt[page] = offset;
    for (let i = 0; i < WORD; i++) this.words[page * WORD + i] = bytes[from + i]!;
    return true;
  }

  /**
   * Whether the page need not be committed for a load of the word at `offset`: its one pointer, which a kernel reads as it takes the
   * page off its free list, to fill it then. It is in `halves`. Whoever loads it again has another use for the page.
   */
  load(page: number, offset: number): boolean {
    if (this.kinds[page] === Kind.held) this.takeOver(page);
    if (this.kinds[page] !== Kind.filled || this.wordAt[page] !== offset) return false;
    if ((this.single[page]! & Single.loaded) !== 0) return false;
    this.single[page]! |= Single.loaded;
    return true;
  }

  /**
   * Fills a page with a byte from `from` to before `to`: all of it, from its start, or from where it was filled with the
   * same byte until now. False, and nothing done, if the page has to be committed for that.
   */
  fill(page: number, from: number, to: number, byte: number): boolean {
    if (this.kinds[page] === Kind.held) this.takeOver(page);
    const filled = this.kinds[page] === Kind.filled;
    if (from !== 0) {
      if (!filled || from !== this.boundary[page] || byte !== this.front[page]) return false;
    } else if (this.kinds[page] === Kind.zero) {
      this.begin(page, 0);
    } else if (this.isFull(page)) {
      if (this.wordAt[page] !== NO_WORD && this.wordAt[page]! + WORD > to) return false;
      this.begin(page, this.front[page]!);
    } else if (!filled || to < this.boundary[page]!) {
      return false;
    }
    this.changed(page);
    this.single[page] = 0;
    this.front[page] = byte;
    this.boundary[page] = to;
    return true;
  }

  /**
   * A page is no longer held by the image of a fill, but by the fill itself, which takes what a kernel does to free pages. The host's
   * memory may still hold something else.
   */
  private takeOver(page: number): void {
    const image = this.image(page)!;
    if (image !== ZERO_PAGE && !(image instanceof FilledPage)) return;
    const { front, back, boundary, wordAt, low, high } = image instanceof FilledPage ? image : ZEROES;
    this.kinds[page] = Kind.filled;
    this.setImage(page, image);
    this.front[page] = front;
    this.back[page] = back;
    this.boundary[page] = boundary;
    this.single[page] = 0;
    this.wordAt[page] = wordAt;
    this.halves[page * 2] = low;
    this.halves[page * 2 + 1] = high;
  }

  /** The aligned word of 8 bytes at `offset` of a page that is not committed, and need not be for that. */
  word(page: number, offset: number): bigint {
    if (this.kinds[page] === Kind.filled && this.wordAt[page] === offset)
      return (BigInt(this.halves[page * 2 + 1]! >>> 0) << 32n) | BigInt(this.halves[page * 2]! >>> 0);
    this.read(page, this.looked);
    return new DataView(this.looked.buffer).getBigUint64(offset, true);
  }

  /** Copies what lies from `offset` on in such a page. */
  copy(page: number, offset: number, into: Uint8Array): void {
    this.read(page, this.looked);
    into.set(this.looked.subarray(offset, offset + into.length));
  }

  private isUniform(bytes: Uint8Array, from: number, length: number): boolean {
    for (let i = 1; i < length; i++) if (bytes[from + i] !== bytes[from]) return false;
    return true;
  }

  private takesWord(page: number): boolean {
    return this.isFull(page) && this.wordAt[page] === NO_WORD;
  }

  private begin(page: number, before: number): void {
    this.kinds[page] = Kind.filled;
    this.back[page] = before;
    this.wordAt[page] = NO_WORD;
  }

  private isFull(page: number): boolean {
    return this.kinds[page] === Kind.filled && this.boundary[page] === PAGE;
  }
}
