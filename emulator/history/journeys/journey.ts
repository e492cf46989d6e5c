/** What the timeline (timeline.ts) needs of those around it, and what is looked for in the past. */
import type { State, Stop } from '../../types';
import type { Instant } from '../instant';

/** One who learns by watching the machine, and whose knowledge goes back with it. */
export interface Companion {
  save(): State;
  /** For a machine that is restored already. */
  restore(state: State): void;
  /** The machine has stopped on its way, and goes on. */
  passed(stop: Stop): void;
}

/** What is looked for in the past. */
export interface Probe<T> {
  /** What it finds is done when the machine stops for it: at the instant before which it is looked for, too. */
  readonly isDone?: true;
  /** It finds what this hart executes, and nothing else. */
  readonly hart?: number | undefined;
  /** Begins to watch the machine; returns a function that ends it. */
  watch(): () => void;
  /** What the stop that the machine has just come to is worth; undefined if it is not looked for. */
  found(stop: Stop): T | undefined;
}

/** Looks through stretches of the past, the latest first. */
export interface Lookback {
  /**
   * The machine stands where a stretch begins. Begins to watch it; returns a function that ends it, or undefined to have it begin
   * earlier. Where the past itself begins, which is the last stretch, there is nothing earlier.
   */
  begin(isFirst: boolean): (() => void) | undefined;
  /** A stop within the stretch. */
  passed(stop: Stop): void;
  /** The stretch has come to its end, and the past before it is left, or not. False ends the search. */
  ended(from: Instant, isFirst: boolean): boolean;
}

export interface Found<T> {
  readonly instant: Instant;
  readonly value: T;
}

/** The last of its kind. */
export interface LastFound<T> extends Found<T> {
  /** Those just before it, in their order: all from the first of them on. */
  readonly earlier: readonly Found<T>[];
}

/** The host's clock, and its event loop: see HostClock of the run loop. */
export interface JourneyClock {
  /** Milliseconds since some moment. */
  now(): number;
  /** Runs `action` after what has arrived. */
  soon(action: () => void): void;
}

/** Someone wants to stop the machine's journey. */
export class Cancelled extends Error {}

/** Whether what a stop tells has happened: an execution and a trap are told before. */
export const hasHappened = ({ kind }: Stop): boolean => kind !== 'breakpoint' && kind !== 'trap';

/** Milliseconds of one run of the machine, while it is on its way. */
export const SLICE = 8;

/** How many instructions a run of that length has: this follows from how long those before took. */
export class Slice {
  instructions = 100_000;

  took(milliseconds: number): void {
    if (milliseconds < SLICE / 4) this.instructions = Math.min(this.instructions * 2, 4_000_000);
    else if (milliseconds > SLICE) this.instructions = Math.max(Math.floor(this.instructions / 2), 1000);
  }
}
