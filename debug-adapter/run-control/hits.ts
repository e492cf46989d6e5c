/** What is counted of breakpoints while the machine runs, and how it is saved: by the breakpoints' ids. */
import { SavedState } from '../../emulator/history/saved-state';
import type { State } from '../../emulator/types';

/** A breakpoint's record of its hits. */
export interface Hits {
  hits: number;
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
