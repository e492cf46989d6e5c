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
  holds(memory: Int32Array, first: number): boolean;
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

  holds(memory: Int32Array, first: number): boolean {
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

  holds(memory: Int32Array, first: number): boolean {
    const { fill, others } = this;
    let next = 0;
    for (let i = 0; i < WORDS; i++) {
      const isOther = others[next] === i;
      if (memory[first + i] !== (isOther ? others[next + 1] : fill)) return false;
      if (isOther) next += 2;
    }
    return true;
  }
}

/** Other words that a SparsePage has at most. */
const MOST_OTHERS = 256;
/** Those of the page that is looked at. */
const found = new Int32Array(2 * MOST_OTHERS);

function newContent(memory: Int32Array, first: number): Content {
  // The word that two of three places have, if any is the page's.
  const [one, two, three] = [memory[first + 300]!, memory[first + 601]!, memory[first + 902]!];
  const fill = one === two ? one : three;
  let length = 0;
  for (let i = 0; i < WORDS; i++) {
    const word = memory[first + i]!;
    if (word === fill) continue;
    if (length === found.length) return new PageCopy(memory, first);
    found[length++] = i;
    found[length++] = word;
  }
  return new SparsePage(fill, found.slice(0, length));
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
const contents = new Array<WeakRef<Content> | undefined>(CONTENTS).fill(undefined);

function contentOf(memory: Int32Array, first: number): Content {
  const hash = hashOf(memory, first);
  let free = -1;
  for (let i = 0; i < PLACES; i++) {
    const place = (hash + i) & (CONTENTS - 1);
    const known = contents[place]?.deref();
    if (known?.holds(memory, first) === true) return known;
    if (known === undefined && free < 0) free = place;
  }
  const content = newContent(memory, first);
  contents[free < 0 ? hash & (CONTENTS - 1) : free] = new WeakRef(content);
  return content;
}

/** Of a page, in four lanes that do not wait for one another. */
function hashOf(memory: Int32Array, first: number): number {
  let a = 1;
  let b = 2;
  let c = 3;
  let d = 4;
  for (let at = first; at < first + WORDS; at += 4) {
    a = Math.imul(a ^ memory[at]!, FACTOR);
    b = Math.imul(b ^ memory[at + 1]!, FACTOR);
    c = Math.imul(c ^ memory[at + 2]!, FACTOR);
    d = Math.imul(d ^ memory[at + 3]!, FACTOR);
  }
  const all = Math.imul(a ^ (b >>> 7) ^ (c >>> 13) ^ (d >>> 19), FACTOR);
  return all ^ (all >>> 15);
}

/** The offset of the word of a filled page that has none. */
export const NO_WORD = PAGE;

/** A page filled with two bytes, one after the other, and perhaps with a word of 8 bytes: see LazyPages. */
export class FilledPage implements PageImage {
  /** Those that are in use at the same time are few: see `sharedPage`. */
  readonly bytes = 0;

  constructor(
    private readonly front: number,
    private readonly back: number,
    private readonly boundary: number,
    /** Its offset, and its halves; NO_WORD, and 0, if there is none. */
    private readonly wordAt: number,
    private readonly low: number,
    private readonly high: number,
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
const filledPages = new Array<FilledPage | undefined>(FILLED_PAGES).fill(undefined);

/** The one that is shared by all who hold the same. */
export function sharedPage(page: FilledPage): PageImage {
  const { place } = page;
  const known = filledPages[place];
  return known?.equals(page) === true ? known : (filledPages[place] = page);
}

/**
 * An image of what a page holds, given by the index of its first word of 32 bits in memory. Most pages that a kernel touches in
 * numbers are free ones, which it fills with one byte and links by their first word: they need no copy.
 */
export function imageOfPage(memory: Int32Array, first: number): PageImage {
  const fill = memory[first + 2]!;
  const byte = fill & 0xff;
  if (memory[first + WORDS - 1] === fill && fill === Math.imul(byte, 0x01010101)) {
    let at = first + 3;
    const end = first + WORDS;
    while (at < end && memory[at] === fill) at++;
    if (at === end) return filled(byte, memory[first]!, memory[first + 1]!, fill);
  }
  return contentOf(memory, first);
}

function filled(byte: number, low: number, high: number, fill: number): PageImage {
  const isWhole = low === fill && high === fill;
  if (isWhole && byte === 0) return ZERO_PAGE;
  return sharedPage(
    isWhole ? new FilledPage(byte, byte, PAGE, NO_WORD, 0, 0) : new FilledPage(byte, byte, PAGE, 0, low, high),
  );
}
