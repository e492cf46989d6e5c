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
