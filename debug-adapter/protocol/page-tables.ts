/** What a page table's drawing has, in `xv6.pageTable`'s response. */

/**
 * A stretch of an address space that is mapped in one way, or in which nothing is mapped: one box of a drawing. Areas ascend, and
 * together they are the whole space.
 */
export interface AddressArea {
  va: string;
  /** Last address. */
  last: string;
  pages: number;
  /** Where it leads, if its pages lead to frames that follow one another. */
  pa?: string;
  /** V, R, W, X and U of its leaves; 0 where nothing is mapped. */
  flags: number;
  /** The region's name. Of what is not mapped only some has one: "guard page below the kernel stack of pid 1 (init)". */
  region?: string;
  problem?: string;
  /** Of what is mapped in too many ways to be drawn: how many areas it stands for. */
  merged?: number;
  /** Of a pattern that comes again and again, as kernel stacks with guard pages do: how often, and its areas, the first of them. */
  repeats?: number;
  parts?: AddressArea[];
}
