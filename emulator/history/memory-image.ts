/** What memory held at some time, in pages that checkpoints have in common. */

/** What a page of memory held: it never changes, and is shared by all checkpoints between two stores to the page. */
export interface PageImage {
  /** How much memory the image takes, in bytes, where that is worth counting. */
  readonly bytes: number;
  /** Writes its 4096 bytes to an address that is a multiple of 4. */
  read(into: Uint8Array): void;
}

/** Pages one after another. A saved boot has tens of thousands, most of which nobody asks for: they may be made on demand. */
export interface MemoryPart {
  /** By index in the part: always the same object. */
  page(index: number): PageImage;
}

/** DRAM, page after page, in parts that are shared by all checkpoints between two stores to their pages. */
export type MemoryImage = readonly MemoryPart[];

/** Pages in a part; the last one may have fewer. */
export const PAGES_SHARED = 64;

/**
 * An image of so many pages, each given by its index; parts that are known whole need not be asked for page by page. What is
 * as it was in another image shares its parts.
 */
export function memoryImage(
  pages: number,
  before: MemoryImage | undefined,
  pageAt: (page: number) => PageImage,
  partAt: (part: number) => MemoryPart | undefined = () => undefined,
): MemoryImage {
  return Array.from({ length: Math.ceil(pages / PAGES_SHARED) }, (_, index) => {
    const shared = before?.[index];
    const whole = partAt(index);
    if (whole !== undefined) return whole;
    const first = index * PAGES_SHARED;
    const count = Math.min(PAGES_SHARED, pages - first);
    const images: PageImage[] = [];
    let same = shared !== undefined;
    for (let i = 0; i < count; i++) {
      const image = pageAt(first + i);
      images.push(image);
      same &&= image === shared!.page(i);
    }
    return same ? shared! : new PagesInPart(images);
  });
}

/** An object of its own, as a function made above would keep the image before, and that one all that were before it. */
class PagesInPart implements MemoryPart {
  constructor(private readonly images: readonly PageImage[]) {}

  page(index: number): PageImage {
    return this.images[index]!;
  }
}
