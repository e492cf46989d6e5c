/**
 * A query over time: everything of a kind that happened before an instant, the latest first in the search and last in the
 * answer. The past is run again stretch by stretch, backwards, until there are rows enough or it begins.
 */
import type { Instant } from '../../emulator/history/instant';
import { Cancelled, type Timeline } from '../../emulator/history/timeline';
import type { Stop } from '../../emulator/types';
import type { Occurrence } from './occurrence';

/** What may turn out to be wanted when the stretch that it lies in has come to its end. */
export interface Candidate {
  /** Undefined if it is not wanted. */
  occurrence(): Occurrence | undefined;
}

export interface Query {
  /** What it looks for, of several: "calls of kalloc". */
  readonly subject: string;
  /** The machine stands where a stretch begins. Begins to watch it; see Lookback. */
  begin(isFirst: boolean): (() => void) | undefined;
  seen(stop: Stop): Candidate | undefined;
  /** A stretch has come to its end, and the one before it is next. Returns what that shows to be candidates, too. */
  ended?(): readonly Candidate[] | void;
  /** What else is to be said of the answer. */
  remark?(): string | undefined;
  /** Why its condition could not be evaluated, and how often. */
  readonly failures?: Failures;
}

/** Of a condition: its first error, and the number of times. */
export interface Failures {
  count: number;
  first: string | undefined;
}

export interface Answer {
  /** The latest last. */
  readonly rows: readonly Occurrence[];
  /** So many earlier ones have been seen and left out; there may be more before. */
  readonly leftOut: number;
  /** The whole past has been looked through; else it was enough, or was cancelled. */
  readonly isComplete: boolean;
  readonly isCancelled: boolean;
}

/** Candidates of one stretch that are held, beside the rows that are wanted. */
const SPARE = 2000;

/** The latest `most` before an instant. `tell` is given how much of the past has been looked through, from 0 to 1. */
export async function latest(
  timeline: Timeline,
  before: Instant,
  query: Query,
  most: number,
  tell: (part: number) => void,
): Promise<Answer> {
  let rows: Occurrence[] = [];
  let candidates: Candidate[] = [];
  let leftOut = 0;
  let isComplete = false;
  let isCancelled = false;
  const { beginning } = timeline;
  const drop = (count: number): void => {
    for (const one of candidates.splice(0, count)) if (one.occurrence() !== undefined) leftOut++;
  };
  try {
    await timeline.lookBack(before, {
      begin: (isFirst) => query.begin(isFirst),
      passed: (stop) => {
        const found = query.seen(stop);
        if (found === undefined) return;
        candidates.push(found);
        if (candidates.length >= most + 2 * SPARE) drop(SPARE);
      },
      ended: (from, isFirst) => {
        candidates.push(...(query.ended?.() ?? []));
        const found = candidates.flatMap((one) => one.occurrence() ?? []);
        candidates = [];
        rows = [...found, ...rows];
        if (rows.length > most) leftOut += rows.length - most;
        rows = rows.slice(-most);
        isComplete = isFirst;
        tell(1 - (from.time - beginning.time) / Math.max(1, before.time - beginning.time));
        return rows.length < most;
      },
    });
  } catch (error) {
    if (!(error instanceof Cancelled)) throw error;
    isCancelled = true;
  }
  return { rows, leftOut, isComplete: isComplete && leftOut === 0, isCancelled };
}
