/**
 * What pages of memory held at some time. An image never changes: checkpoints share it for as long as nobody stores to the
 * page, and a restored page may have no other form until somebody asks for its bytes.
 */
import { PAGE } from '../layout';
import type { PageImage } from '../history/memory-image';

export const ZERO_PAGE: PageImage = { bytes: 0, read: (into) => void into.fill(0) };

/** A copy of a page's bytes. */
export class PageCopy implements PageImage {
  readonly bytes = PAGE;

  constructor(private readonly content: Uint8Array) {}

  read(into: Uint8Array): void {
    into.set(this.content);
  }
}

/** A page filled with two bytes, one after the other, and perhaps with a word of 8 bytes: see LazyPages. */
export class FilledPage implements PageImage {
  readonly bytes = 64;

  constructor(
    private readonly front: number,
    private readonly back: number,
    private readonly boundary: number,
    /** Its offset, and its halves; no offset of the page if there is none. */
    private readonly wordAt: number,
    private readonly low: number,
    private readonly high: number,
  ) {}

  read(into: Uint8Array): void {
    into.fill(this.front, 0, this.boundary);
    into.fill(this.back, this.boundary);
    if (this.wordAt >= PAGE) return;
    const view = new DataView(into.buffer, into.byteOffset + this.wordAt, 8);
    view.setInt32(0, this.low, true);
    view.setInt32(4, this.high, true);
  }
}

const WORDS = PAGE / 4;
/** Where a FilledPage has no word. */
const NO_WORD = PAGE;

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
  return new PageCopy(new Uint8Array(memory.buffer, first * 4, PAGE).slice());
}

function filled(byte: number, low: number, high: number, fill: number): PageImage {
  const isWhole = low === fill && high === fill;
  if (isWhole && byte === 0) return ZERO_PAGE;
  return new FilledPage(byte, byte, PAGE, isWhole ? NO_WORD : 0, low, high);
}
