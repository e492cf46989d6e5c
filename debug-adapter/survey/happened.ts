/**
 * What happened in a stretch of a run, no more of it than is drawn: how the harts spent the time, and how many traps, satp
 * writes, lines of the console and packets there were, with the first of each. Stretches that follow each other add up to a longer one.
 */
import type { Instant } from '../../emulator/history/instant';

export const LANES = ['traps', 'satp', 'console', 'packets'] as const;
export type Lane = (typeof LANES)[number];

/** One event. */
export interface Noted {
  readonly instant: Instant;
  /** The hart that it was on. */
  readonly hart: number;
  /** What it was. */
  words(): string;
}

/** Events of one lane. */
export interface Tally {
  count: number;
  /** By their kind, such as "system call". */
  readonly kinds: Map<string, number>;
  readonly first: Noted;
}

export class Happened {
  /** By hart: the time spent in each state, by the state's number. */
  readonly spent: readonly Map<number, number>[];
  readonly tallies: Partial<Record<Lane, Tally>> = {};

  constructor(harts: number) {
    this.spent = Array.from({ length: harts }, () => new Map<number, number>());
  }

  spend(hart: number, state: number, time: number): void {
    const spent = this.spent[hart]!;
    if (time > 0) spent.set(state, (spent.get(state) ?? 0) + time);
  }

  /** Counts an event; `first` makes the words for it, if it is the first of its lane. */
  count(lane: Lane, kind: string, first: () => Noted): void {
    const tally = (this.tallies[lane] ??= { count: 0, kinds: new Map(), first: first() });
    tally.count++;
    tally.kinds.set(kind, (tally.kinds.get(kind) ?? 0) + 1);
  }

  /** Adds what happened next. */
  add(next: Happened): void {
    next.spent.forEach((spent, hart) => {
      for (const [state, time] of spent) this.spend(hart, state, time);
    });
    for (const lane of LANES) {
      const more = next.tallies[lane];
      if (more === undefined) continue;
      const tally = (this.tallies[lane] ??= { count: 0, kinds: new Map(), first: more.first });
      tally.count += more.count;
      for (const [kind, count] of more.kinds) tally.kinds.set(kind, (tally.kinds.get(kind) ?? 0) + count);
    }
  }
}
