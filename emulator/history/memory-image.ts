/** What memory held at some time, in pages that checkpoints have in common. */

/** What a page of memory held: it never changes, and is shared by all checkpoints between two stores to the page. */
export interface PageImage {
  /** Writes its 4096 bytes. */
  read(into: Uint8Array): void;
}

/** DRAM, page after page, in parts that are shared by all checkpoints between two stores to their pages. */
export type MemoryImage = readonly (readonly PageImage[])[];

/** Pages in a part. */
export const PAGES_SHARED = 64;

/** An image of so many pages, each given by its index. What is as it was in another image shares its parts. */
export function memoryImage(
  pages: number,
  before: MemoryImage | undefined,
  pageAt: (page: number) => PageImage,
): MemoryImage {
  const parts: (readonly PageImage[])[] = [];
  for (let first = 0; first < pages; first += PAGES_SHARED) {
    const shared = before?.[first / PAGES_SHARED];
    let part: PageImage[] | undefined;
    for (let page = first; page < Math.min(pages, first + PAGES_SHARED); page++) {
      const image = pageAt(page);
      if (part === undefined && image === shared?.[page - first]) continue;
      part ??= shared?.slice() ?? [];
      part[page - first] = image;
    }
    parts.push(part ?? shared!);
  }
  return parts;
}
