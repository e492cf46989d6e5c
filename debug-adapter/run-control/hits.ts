/** What is counted of breakpoints while the machine runs, and how it is saved: by the breakpoints' ids. */
import { SavedState } from '../../emulator/history/saved-state';
import { compareInstants, type Instant } from '../../emulator/history/instant';
import type { State } from '../../emulator/types';

/** A breakpoint's record of its hits. */
export interface Hits {
  hits: number;
  /** Where in the run it was set, or where the run begins. What comes earlier is no hit of it that counts. */
  since?: Instant | undefined;
  /** The error of the condition has been reported to the user. */
  reported?: boolean;
}

export const savedHits = (breakpoints: readonly (Hits & { readonly id: number })[]): State => ({
  hits: breakpoints.map(({ id, hits, reported = false }) => ({ id, hits, reported })),
});

/**
 * The record of a breakpoint at the moment of saving. One that has been set since then has no hits. Throws an Error that
 * names the field if the state is not what `savedHits` made.
 */
export function restoredHits(owner: string, state: State): (id: number) => Hits {
  const saved = new SavedState(owner, state)
    .records('hits')
    .map((one): [number, Hits] => [one.count('id'), { hits: one.count('hits'), reported: one.boolean('reported') }]);
  const byId = new Map(saved);
  return (id) => byId.get(id) ?? { hits: 0, reported: false };
}

/** The run in which hits are counted. */
export interface CountedRun {
  readonly instant: Instant;
  /** Something is counted from here on that was not: counts of later instants are not known any more. */
  countsFromHere(): void;
}

/** Notes what a hit has made of the record, unless it is from before the breakpoint was set. */
export function note(record: Hits, after: Hits, now: Instant | undefined): void {
  if (record.since !== undefined && now !== undefined && compareInstants(now, record.since) < 0) return;
  record.hits = after.hits;
  record.reported = after.reported ?? false;
}
