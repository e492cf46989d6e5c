/**
 * Pages of memory in few bytes. Most of a machine's memory is filled with one byte over and over, as xv6 leaves what it
 * frees, with a pointer or two in it: such a page is kept as its pattern and what differs.
 *
 * A page is one of: 0 and nothing (zeroes); 1, a u32 that fills it, the number of other words (u16), and for each its index
 * (u16) and itself (u32); 2 and its 4096 bytes. All numbers are little-endian.
 */
import { PAGE } from '../../layout';
import { type MemoryImage, type MemoryPart, PAGES_SHARED, type PageImage } from '../memory-image';

const WORDS = PAGE / 4;
/** Words that may differ before a page is kept whole. */
const MOST_EXCEPTIONS = 16;

const enum Kind {
  zero,
  filled,
  whole,
}

/** Encodes pages, each of 1024 words. What is yielded need be good only until the next. */
export function encodePages(pages: Iterable<Int32Array>): Uint8Array {
  let bytes = new Uint8Array(1 << 20);
  let view = new DataView(bytes.buffer);
  let length = 0;
  for (const words of pages) {
    if (length + PAGE + 8 > bytes.length) {
      const larger = new Uint8Array(2 * bytes.length);
      larger.set(bytes);
      bytes = larger;
      view = new DataView(bytes.buffer);
    }
    // A word in the middle: what a kernel puts into a free page is at its start.
    const fill = words[WORDS / 2]!;
    const others: number[] = [];
    for (let i = 0; i < WORDS && others.length <= MOST_EXCEPTIONS; i++) if (words[i] !== fill) others.push(i);
    if (others.length > MOST_EXCEPTIONS) {
      bytes[length++] = Kind.whole;
      bytes.set(new Uint8Array(words.buffer, words.byteOffset, PAGE), length);
      length += PAGE;
    } else if (fill === 0 && others.length === 0) {
      bytes[length++] = Kind.zero;
    } else {
      bytes[length] = Kind.filled;
      view.setInt32(length + 1, fill, true);
      view.setUint16(length + 5, others.length, true);
      length += 7;
      for (const i of others) {
        view.setUint16(length, i, true);
        view.setInt32(length + 2, words[i]!, true);
        length += 6;
      }
    }
  }
  return bytes.slice(0, length);
}

const ZERO: PageImage = { bytes: 0, read: (into) => void into.fill(0) };

/** Encoded pages, each to be had on its own. */
export class EncodedPages {
  private readonly view: DataView;
  private readonly at: Uint32Array;

  /** Throws an Error if these are not so many pages. */
  constructor(
    private readonly bytes: Uint8Array,
    pages: number,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const starts = new Uint32Array(pages);
    const { length } = bytes;
    let at = 0;
    for (let page = 0; page < pages; page++) {
      starts[page] = at;
      const kind = bytes[at];
      if (kind === Kind.filled) at += 7 + 6 * (bytes[at + 5]! | (bytes[at + 6]! << 8));
      else if (kind === Kind.zero) at++;
      else if (kind === Kind.whole) at += 1 + PAGE;
      else at = Infinity;
      if (at > length) throw new Error(`the saved memory ends or is damaged at page ${page} of ${pages}`);
    }
    this.at = starts;
    if (at !== bytes.length) throw new Error(`the saved memory has ${bytes.length - at} bytes too many`);
  }

  /** The first so many pages. */
  parts(pages: number): MemoryImage {
    return Array.from({ length: Math.ceil(pages / PAGES_SHARED) }, (_, i) => new EncodedPart(this, i * PAGES_SHARED));
  }

  /** A page that is decoded whenever it is read. */
  image(index: number): PageImage {
    return this.bytes[this.at[index]!] === Kind.zero ? ZERO : new EncodedPage(this, index);
  }

  /** Writes a page over `page`, its 4096 bytes at an address that is a multiple of 4. */
  decode(index: number, page: Uint8Array): void {
    const words = new Int32Array(page.buffer, page.byteOffset, WORDS);
    const at = this.at[index]!;
    switch (this.bytes[at]) {
      case Kind.zero:
        words.fill(0);
        break;
      case Kind.whole:
        page.set(this.bytes.subarray(at + 1, at + 1 + PAGE));
        break;
      case Kind.filled: {
        words.fill(this.view.getInt32(at + 1, true));
        const count = this.view.getUint16(at + 5, true);
        for (let i = 0, from = at + 7; i < count; i++, from += 6)
          words[this.view.getUint16(from, true) % WORDS] = this.view.getInt32(from + 2, true);
        break;
      }
    }
  }
}

class EncodedPart implements MemoryPart {
  private readonly images: (PageImage | undefined)[] = [];

  constructor(
    private readonly pages: EncodedPages,
    private readonly first: number,
  ) {}

  page(index: number): PageImage {
    return (this.images[index] ??= this.pages.image(this.first + index));
  }
}

class EncodedPage implements PageImage {
  /** The file that was read has it, for all checkpoints. */
  readonly bytes = 0;

  constructor(
    private readonly pages: EncodedPages,
    private readonly index: number,
  ) {}

  read(into: Uint8Array): void {
    this.pages.decode(this.index, into);
  }
}
