/**
 * What pages of memory held at some time. An image never changes: checkpoints share it for as long as nobody stores to the
 * page, and a restored page may have no other form until somebody asks for its bytes.
 */
import { PAGE } from '../layout';
import type { PageImage } from '../history/memory-image';

export const ZERO_PAGE: PageImage = { bytes: 0, read: (into) => void into.fill(0) };

const WORDS = PAGE / 4;

/** Bytes that V8 needs for a small object with a typed array, beside what is in that. */
const OBJECT = 300;

/** What is not filled, by what it holds. */
interface Content extends PageImage {
  /** Whether it is what a page holds that was just looked at: see `look`. */
  holds(memory: Int32Array, first: number, length: number): boolean;
}

/** A copy of a page's bytes. */
class PageCopy implements Content {
  readonly bytes = PAGE + OBJECT;
  private readonly content: Int32Array;

  constructor(memory: Int32Array, first: number) {
    this.content = memory.slice(first, first + WORDS);
  }

  read(into: Uint8Array): void {
    into.set(new Uint8Array(this.content.buffer));
  }

  holds(memory: Int32Array, first: number, length: number): boolean {
    if (length !== TOO_MANY) return false;
    const { content } = this;
    for (let i = 0; i < WORDS; i++) if (content[i] !== memory[first + i]) return false;
    return true;
  }
}

/** A page in which most words are the same: a page table, the end of a program, what a kernel has filled and not used much. */
class SparsePage implements Content {
  readonly bytes: number;

  /** `others`: the index of each other word in the page, in ascending order, and the word. */
  constructor(
    private readonly fill: number,
    private readonly others: Int32Array,
  ) {
    this.bytes = OBJECT + others.byteLength;
  }

  read(into: Uint8Array): void {
    const { others } = this;
    const words = new Int32Array(into.buffer, into.byteOffset, WORDS).fill(this.fill);
    for (let i = 0; i < others.length; i += 2) words[others[i]!] = others[i + 1]!;
  }

  holds(memory: Int32Array, first: number, length: number): boolean {
    const { fill, others } = this;
    if (length !== others.length || fill !== fillOf(memory, first)) return false;
    for (let i = 0; i < length; i++) if (others[i] !== found[i]) return false;
    return true;
  }
}

/** Other words that a SparsePage has at most. */
const MOST_OTHERS = 256;
/** Those of the page that is looked at: the index of each in the page, and the word. */
const found = new Int32Array(2 * MOST_OTHERS);
const TOO_MANY = -1;

/** The word that two of three places have, if any is the page's. */
function fillOf(memory: Int32Array, first: number): number {
  const [one, two, three] = [memory[first + 300]!, memory[first + 601]!, memory[first + 902]!];
  return one === two ? one : three;
}

/** How much of `found` the words take that differ from `fill`, or TOO_MANY. */
function look(memory: Int32Array, first: number, fill: number): number {
  let length = 0;
  for (let i = 0; i < WORDS; i += 4) {
    const at = first + i;
    const [a, b, c, d] = [memory[at]!, memory[at + 1]!, memory[at + 2]!, memory[at + 3]!];
    if (((a ^ fill) | (b ^ fill) | (c ^ fill) | (d ^ fill)) === 0) continue;
    for (let k = i; k < i + 4; k++) {
      const word = memory[first + k]!;
      if (word === fill) continue;
      if (length === found.length) return TOO_MANY;
      found[length++] = k;
      found[length++] = word;
    }
  }
  return length;
}

/**
 * Contents by their hash, each at the place that it says or at one of the next: equal pages, such as those of a program that runs
 * several times, are kept once. A content that no checkpoint needs any more may be gone; and where all places are taken, one is
 * forgotten, and made again when the next page holds the same. A place takes some 50 bytes once it was used.
 */
const CONTENTS = 262_144;
const PLACES = 4;
/** Odd, with bits all over. */
const FACTOR = 0x5bd1e995;
/** Empty until a checkpoint is made: to fill it takes a few milliseconds of a start. */
let contents: (WeakRef<Content> | undefined)[] = [];

/** `length`: what `look` has returned for the page. */
function contentOf(memory: Int32Array, first: number, fill: number, length: number): Content {
  if (contents.length === 0) contents = new Array<undefined>(CONTENTS).fill(undefined);
  const hash = length === TOO_MANY ? hashOf(memory, first, WORDS, 0) : hashOf(found, 0, length, fill);
  let free = -1;
  for (let i = 0; i < PLACES; i++) {
    const place = (hash + i) & (CONTENTS - 1);
    const known = contents[place]?.deref();
    if (known?.holds(memory, first, length) === true) return known;
    if (known === undefined && free < 0) free = place;
  }
  const content = length === TOO_MANY ? new PageCopy(memory, first) : new SparsePage(fill, found.slice(0, length));
  contents[free < 0 ? hash & (CONTENTS - 1) : free] = new WeakRef(content);
  return content;
}

/** Of words, an even number of them, in two lanes that do not wait for one another. */
function hashOf(words: Int32Array, first: number, length: number, seed: number): number {
  let a = seed;
  let b = 1;
  for (let at = first; at < first + length; at += 2) {
    a = Math.imul(a ^ words[at]!, FACTOR);
    b = Math.imul(b ^ words[at + 1]!, FACTOR);
  }
  const all = Math.imul(a ^ (a >>> 13) ^ (b >>> 7), FACTOR);
  return all ^ (all >>> 15);
}

/** The offset of the word of a filled page that has none. */
export const NO_WORD = PAGE;

/** A page filled with two bytes, one after the other, and perhaps with a word of 8 bytes: see LazyPages. */
export class FilledPage implements PageImage {
  /** Those that are in use at the same time are few: see `sharedPage`. */
  readonly bytes = 0;

  constructor(
    readonly front: number,
    readonly back: number,
    readonly boundary: number,
    /** Its offset, and its halves; NO_WORD, and 0, if there is none. */
    readonly wordAt: number,
    readonly low: number,
    readonly high: number,
  ) {}

  /** Of the table below: pointers to different pages come to different places. */
  get place(): number {
    const { front, back, boundary, wordAt, low, high } = this;
    const fill = Math.imul((front << 8) | back, FACTOR) ^ Math.imul((boundary << 16) | wordAt, FACTOR);
    return (fill ^ low ^ (low >>> 12) ^ high) & (FILLED_PAGES - 1);
  }

  equals({ front, back, boundary, wordAt, low, high }: FilledPage): boolean {
    const isFilled = this.front === front && this.back === back && this.boundary === boundary;
    return isFilled && this.wordAt === wordAt && this.low === low && this.high === high;
  }

  read(into: Uint8Array): void {
    into.fill(this.front, 0, this.boundary);
    into.fill(this.back, this.boundary);
    if (this.wordAt === NO_WORD) return;
    const view = new DataView(into.buffer, into.byteOffset + this.wordAt, 8);
    view.setInt32(0, this.low, true);
    view.setInt32(4, this.high, true);
  }
}

/**
 * The images of filled pages by a hash of what they say. A kernel frees the same pages into the same lists again and again: one
 * image for all of them takes a checkpoint of some thousands of them a word each. There may be another in a place: then the
 * image is made anew.
 */
const FILLED_PAGES = 65_536;
let filledPages: (FilledPage | undefined)[] = [];

/** The one that is shared by all who hold the same. */
export function sharedPage(page: FilledPage): PageImage {
  if (filledPages.length === 0) filledPages = new Array<undefined>(FILLED_PAGES).fill(undefined);
  const { place } = page;
  const known = filledPages[place];
  return known?.equals(page) === true ? known : (filledPages[place] = page);
}

/**
 * An image of what a page holds, given by the index of its first word of 32 bits in memory. Most pages that a kernel touches in
 * numbers are free ones, which it fills with one byte and links by their first word: they need no copy.
 */
export function imageOfPage(memory: Int32Array, first: number): PageImage {
  const fill = fillOf(memory, first);
  const others = look(memory, first, fill);
  const byte = fill & 0xff;
  const isFilled = fill === Math.imul(byte, 0x01010101) && (others === 0 || areAtStart(others));
  return isFilled ? filled(byte, memory[first]!, memory[first + 1]!, fill) : contentOf(memory, first, fill, others);
}

/** Whether what was found are words of the first pointer in the page. */
function areAtStart(others: number): boolean {
  return (others === 2 && found[0]! < 2) || (others === 4 && found[2]! < 2);
}

function filled(byte: number, low: number, high: number, fill: number): PageImage {
  const isWhole = low === fill && high === fill;
  if (isWhole && byte === 0) return ZERO_PAGE;
  return sharedPage(
    isWhole ? new FilledPage(byte, byte, PAGE, NO_WORD, 0, 0) : new FilledPage(byte, byte, PAGE, 0, low, high),
  );
}
