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

/** What a table is compared with: another table, or itself, at another instant or now. */
export interface ComparedTable {
  /** Id of its root; default: that of the table that is shown. */
  root?: string;
  /** By its name, as events and `xv6.instants` give them; default: now. */
  instant?: string;
}

/** An instant to compare with, and what is known of it. */
export interface NamedInstant {
  instant: string;
  /** "Paused at the breakpoint of walk, 4.31 ms ago". */
  text: string;
}

/**
 * What a processor with the flaw of Meltdown (Lipp and others, 2018) could read while a program runs: whatever is mapped then, U or
 * not. The response to `xv6.exposure`.
 */
export interface ExposureModel {
  /** The table that is in force while the program runs, by its root and label. */
  root: string;
  label: string;
  /** Its address space; what is mapped in it without U is exposed. */
  areas: AddressArea[];
  /** Pages that are exposed. */
  exposed: number;
  /** What one table for the program and the kernel would have, too: the kernel's. Absent where the kernel has none. */
  kernel?: { label: string; areas: AddressArea[]; exposed: number };
}

/** What a frame of RAM is for. */
export type FrameUse =
  | 'boot'
  | 'text'
  | 'data'
  | 'free'
  | 'table'
  /** Mapped at an address of its own, beside the kernel's map of all RAM. */
  | 'mapped'
  /** Mapped by several processes. */
  | 'shared'
  /** Allocated: the kernel has a pointer to it. */
  | 'kernel'
  /** Neither free nor reachable by anything that the kernel has. */
  | 'leaked'
  /** Beyond the kernel, where the allocator is not known. */
  | 'unknown';

/** Frames that follow one another and are used alike. */
export interface FrameRun {
  /** Physical address of the first one. */
  pa: string;
  count: number;
  use: FrameUse;
  /** Whose page table it is part of, and of which level: that of the root is 2. */
  table?: { label: string; level: number };
  /** Where the first one is mapped, but for the map of all RAM; of the others, so many pages further on. */
  mappings: FrameMapping[];
  /** More mappings than are listed. */
  more?: number;
  /** What is wrong with it: it is on the list of free pages, and mapped. */
  problem?: string;
}

export interface FrameMapping {
  /** Id of the table, and its label. */
  root: string;
  label: string;
  va: string;
  flags: number;
  region?: string;
}

/** The response to `xv6.frames`. */
export interface FramesModel {
  /** All of RAM, ascending. */
  runs: FrameRun[];
  /** Number of frames by use. */
  totals: Record<FrameUse, number>;
  /** What is not known, and why: "no kmem.freelist, so …". */
  notes: string[];
}
