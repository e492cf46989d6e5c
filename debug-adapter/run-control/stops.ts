/** Why the machine stands still, in the words of the protocol's `stopped` event. */
import type { SatpEvent, TrapEvent } from '../../emulator/types';

export interface StopReport {
  hart: number;
  /** The thread of the protocol to be shown, where it is not the hart's. */
  thread?: number;
  reason:
    | 'entry'
    | 'step'
    | 'goto'
    | 'restart'
    | 'breakpoint'
    | 'function breakpoint'
    | 'instruction breakpoint'
    | 'data breakpoint'
    | 'exception'
    | 'pause';
  /** A short heading for the call stack, e.g. "Paused on page fault". */
  description?: string;
  /** All of it, for the editor's exception widget. */
  text?: string;
  hitBreakpointIds?: number[];
  /** What the hart was about to take or has just done, where the stop is a catchpoint's. */
  cause?: Cause;
}

export type Cause =
  | { kind: 'trap'; event: TrapEvent }
  /** The hart cannot get through its trap handler; `first` is the trap that began it. */
  | { kind: 'trap-loop'; event: TrapEvent; first: TrapEvent }
  | { kind: 'satp-write'; event: SatpEvent }
  | { kind: 'panic'; message: string };

/** How a run ends for good. */
export interface Ended {
  exitCode: number;
  why: string;
}
