/** What lies behind a stop, as `xv6.story` tells it: a part of protocol.ts. */
import type { WalkStep } from '../protocol';

export interface StopStory {
  /** What the stop says of itself. */
  title: string;
  lines: StoryLine[];
  /** The walk that matters, as far as the entry that decides, which is the last. */
  walk?: { va: string; table: string; steps: WalkStep[] };
  /** Why it ends before its end; undefined if all is told. */
  cut?: string;
}

export interface StoryLine {
  /** A sentence. */
  text: string;
  /** If it is about something that happened: for `xv6.goTo`, how long ago in virtual time that was, and where. */
  instant?: string;
  ago?: string;
  /** By which the debug console goes there: `$go(12)`. */
  number?: number;
  hart?: number;
  path?: string;
  line?: number;
}
