/** What the request `xv6.timeline` asks for and responds with: a part of the protocol (protocol.ts), by which it is seen. */

export interface TimelineArguments {
  /** Virtual time in instructions since power on; by default all of it. */
  from?: number;
  to?: number;
  /** Most columns of time that are told; default 400. */
  columns?: number;
  /**
   * `on`, the default: what is not known yet is read from now on, while the machine stands; `xv6.timelineRead` tells of
   * progress. `off`: nothing is read any more; `done`: nor will it be soon.
   */
  read?: 'on' | 'off' | 'done';
}

/**
 * What happened in a stretch of the run since the machine was last powered on. Times are virtual, in instructions; a
 * millisecond has 100,000.
 */
export interface TimelineModel {
  /** The beginning, the present, and where the machine stands, if that lies between them. */
  start: number;
  present: number;
  here?: number;
  /** The stretch, and the length of a column: what happened in one is told together. */
  from: number;
  to: number;
  column: number;
  harts: number;
  /** What harts do, in words: "pid 3 sh, in user mode". */
  states: TimelineState[];
  spans: TimelineSpan[];
  marks: TimelineMark[];
  /** The stretches of which everything is told. */
  read: [from: number, to: number][];
  /** Elsewhere: what the harts did at some moments, by index in `states`. */
  samples: { time: number; states: number[] }[];
  /** More is being read; or it would take too long. */
  reading: boolean;
  long: boolean;
}

export interface TimelineState {
  text: string;
  does: 'user' | 'kernel' | 'machine' | 'idle';
  pid?: number;
}

/** What a hart did in some columns that are alike. */
export interface TimelineSpan {
  hart: number;
  from: number;
  to: number;
  /** By index in `states`, the most time first; what the parts leave of 1 is spent in others. */
  shares: [state: number, part: number][];
}

/** All bookmarks are told, whichever stretch is asked for. */
export type TimelineLane = 'traps' | 'satp' | 'console' | 'packets' | 'stops' | 'bookmarks';

/** Events of a column. */
export interface TimelineMark {
  lane: TimelineLane;
  /** Of the first of them. */
  time: number;
  instant: string;
  hart: number;
  text: string;
  /** How many, and how many of each kind if there are several. */
  count: number;
  kinds: [kind: string, count: number][];
}
