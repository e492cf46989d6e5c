/**
 * A stop that explains itself: what the request `xv6.story` returns and the event `xv6.story` tells. A part of the protocol
 * (protocol.ts), by which it is seen. Addresses and entries are hexadecimal strings with 0x.
 */
import type { WalkStep } from '../protocol';

export interface StoryArguments {
  /** False: only what is to be seen as the machine stands, and the past is left alone. Default true. */
  past?: boolean;
}

export interface StoryResponse {
  /**
   * At once, by what the machine shows as it stands. While its `past` is 'looking', each `xv6.story` event takes its place, the
   * last with 'told' or 'given up'. Absent where there is nothing to explain, as at a breakpoint.
   */
  story?: Story;
}

/** Whether the past has been asked: not at all, still, up to the beginning of what matters, or no more. */
export type StoryPast = 'not asked' | 'looking' | 'told' | 'given up';

export interface Story {
  /** The stop of the session that it is of: those of other stops are out of date. */
  stop: number;
  /** "panic: mappages: remap". */
  title: string;
  /** At most three, the most telling first: what is shown before the rest is unfolded. */
  lines: StoryLine[];
  sections: StorySection[];
  past: StoryPast;
}

/** A sentence. */
export interface StoryLine {
  text: string;
  /** Parts of the text that lead somewhere, in order; they do not overlap. */
  links: StoryLink[];
}

export interface StoryLink {
  /** Characters of the line: from the first, up to the one after the last. */
  from: number;
  to: number;
  target: StoryTarget;
}

export type StoryTarget =
  | { kind: 'place'; path: string; line: number }
  /** For `xv6.goTo`. */
  | { kind: 'instant'; instant: string; hart?: number }
  /** For `xv6.pageTable`, as its `root`. */
  | { kind: 'table'; id: string }
  | { kind: 'process'; pid: number };

/** One of the objects that the stop is about; the cause is what led here, as far as the hart’s last instructions tell. */
export interface StorySection {
  about: 'cause' | 'trap' | 'entry' | 'page' | 'table' | 'process' | 'address';
  /** "The entry of 0x3fffff9000 in the table of pid 1 init, kpagetable". */
  title: string;
  lines: StoryLine[];
  walk?: StoryWalk;
  /** What happened to it, the latest last. Absent if the past has nothing to do with it. */
  events?: StoryEvent[];
  /** Of `events`. */
  past: StoryPast;
}

/** The way through a page table, to be drawn. */
export interface StoryWalk {
  va: string;
  /** The table: for `xv6.pageTable`, in words, and the physical address of its root page. */
  id: string;
  table: string;
  root: string;
  /** From the root down. */
  steps: StoryStep[];
  /** Where it ends in a leaf. */
  pa?: string;
}

export interface StoryStep extends WalkStep {
  /** The entry that decides, and its bits by which it does: "V", "U", "W". */
  decides?: string[];
}

export interface StoryEvent {
  /** "written: 0 → 0x21fd8401 (PA 0x87f61000, V R W)", "allocated", "freed". */
  what: string;
  /** For `xv6.goTo`, with the hart. */
  instant: string;
  hart?: number;
  /** "4.31 ms ago": virtual time before the stop. */
  ago: string;
  process?: { pid: number; name: string };
  /** Where it happened, and from where the function there was called, innermost first. */
  places: StoryPlace[];
}

export interface StoryPlace {
  /** "mappages at vm.c:100". */
  text: string;
  function: string;
  path?: string;
  line?: number;
}
