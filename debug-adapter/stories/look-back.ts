/**
 * Looks through the past on behalf of all objects of a story at once, stretch by stretch, backwards, until of each enough has
 * been found, or the past begins.
 */
import type { Instant } from '../../emulator/history/instant';
import { Cancelled, type Timeline } from '../../emulator/history/timeline';
import type { Happened } from './happened';
import { appended, MOST_EVENTS, type Search } from './searches';

/** What has been found of an object, the latest last. */
export interface Findings {
  readonly found: readonly Happened[];
  /** Enough has been found, or the whole past has been looked through. */
  readonly isDone: boolean;
  /** The whole past has been looked through. */
  readonly isComplete: boolean;
  /** More may have happened than can be seen. */
  readonly isPartial: boolean;
}

export const NOTHING_FOUND: Findings = { found: [], isDone: false, isComplete: false, isPartial: false };

/** Once more is known, `told` is called with what has been found of each search. Throws Cancelled. */
export async function lookBack(
  timeline: Timeline,
  before: Instant,
  searches: readonly Search[],
  told: (findings: readonly Findings[]) => void,
): Promise<void> {
  let findings: Findings[] = searches.map(() => NOTHING_FOUND);
  let stretch: Happened[][] = [];
  const open = (): Search[] => searches.filter((_, index) => !findings[index]!.isDone);
  await timeline.lookBack(before, {
    begin: () => {
      stretch = searches.map(() => []);
      const ends = open().map((search) => search.begin());
      return () => ends.forEach((end) => end());
    },
    passed: (stop) => {
      searches.forEach((search, index) => {
        const happened = findings[index]!.isDone ? undefined : search.seen(stop);
        if (happened === undefined) return;
        const found = stretch[index]!;
        appended(found, happened);
        if (found.length > 2 * MOST_EVENTS) found.shift();
      });
    },
    ended: (_, isFirst) => {
      findings = findings.map((one, index) => {
        if (one.isDone) return one;
        const found = stretch[index]!;
        for (const last of searches[index]!.ended?.() ?? []) appended(found, last);
        for (const later of one.found) appended(found, later);
        const { isPartial = false } = searches[index]!;
        return { found, isDone: isFirst || searches[index]!.isEnough(found), isComplete: isFirst, isPartial };
      });
      told(findings);
      return open().length > 0;
    },
  });
}

export { Cancelled };
