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
