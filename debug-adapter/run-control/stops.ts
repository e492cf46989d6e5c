/** Why the machine has stopped, in the terms of the protocol's `stopped` event. */
import type { DeadEnd } from '../../emulator/dead-ends/dead-ends';
import type { Instant } from '../../emulator/history/instant';
import type { DeviceEvent, FenceEvent, LostStoreEvent, SatpEvent } from '../../emulator/types';
import type { StaleTranslationEvent, TableStoreEvent, TrapEvent } from '../../emulator/types';
import type { BreakpointOrigin } from '../code/mapped-program';
import type { Violation } from '../ledger/ledger';
import type { KernelEvent } from '../xv6/kernel-events';

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
  /** The breakpoint in a line or on a function, as the user has set it. */
  origin?: BreakpointOrigin;
  /** What the hart was about to take or has just done, where the stop is a catchpoint's. */
  cause?: StopCause;
}

/** An exception whose handler is known not to have resolved it. */
export interface UnresolvedTrap {
  /** Where it was raised, which may be past. */
  readonly at: Instant;
  /** What came of it, in words. */
  readonly outcome: string;
}

export type StopCause =
  | { kind: 'trap'; event: TrapEvent; unresolved?: UnresolvedTrap }
  /** The hart cannot get through its trap handler; `first` is the trap that began it. */
  | { kind: 'trap-loop'; event: TrapEvent; first: TrapEvent }
  | { kind: 'satp-write'; event: SatpEvent }
  | { kind: 'fence'; event: FenceEvent }
  | { kind: 'pte-store'; event: TableStoreEvent }
  | { kind: 'device'; event: DeviceEvent }
  | { kind: 'lost-store'; event: LostStoreEvent }
  | { kind: 'stale-translation'; event: StaleTranslationEvent }
  | { kind: 'kernel'; event: KernelEvent }
  /** The kernel has come to an end of its own; the first of the harts in it. */
  | { kind: 'dead-end'; event: DeadEnd & { hart: number } }
  /** A rule of the frame ledger was broken, perhaps in the past. */
  | { kind: 'ledger'; event: Violation }
  /** No process will ever run again; in words. */
  | { kind: 'silence'; event: { hart: number; text: string } };

/** The hart that it is about; the first, if a device acted by itself. */
export const hartOf = ({ event }: StopCause): number => event.hart ?? 0;

/** Where the stop is rather to be, as only what came of it has shown that it matters. */
export function guiltyInstant(cause: StopCause | undefined): Instant | undefined {
  if (cause?.kind === 'ledger') return cause.event.at;
  return cause?.kind === 'trap' ? cause.unresolved?.at : undefined;
}

/** How a run ends for good. */
export interface Ended {
  exitCode: number;
  why: string;
}

/**
 * What the debugger does at a moment of the run. Deciding has no effects, so it can be repeated, and done for a moment that
 * is visited a second time.
 */
export interface Decision {
  /** The stop that the user wants; undefined: run on. */
  report: StopReport | undefined;
  /** Messages of breakpoints that log in place of stopping. */
  logs: readonly string[];
  /** Counts the hits, and records what has now been reported to the user. Once for every moment. */
  record(): void;
}

export const RUN_ON: Decision = { report: undefined, logs: [], record: () => undefined };
