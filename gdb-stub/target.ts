/** What gdb is lent by the program that runs the machine. */
import type { Timeline } from '../emulator/history/timeline';
import type { MachineApi, MachineInput } from '../emulator/types';

export interface Target {
  readonly machine: MachineApi;
  /** The machine runs: for gdb, or for another debugger that has it as well. */
  readonly running: boolean;
  /** Lets the machine run. What ends a run is told to the session (GdbSession.ran). */
  resume(): void;
  /** Stops it where it is, for something that concerns a hart. */
  halt(hart: number): void;
  /** MachineApi.apply, which from the past begins another future, or is refused there: then it returns false. */
  apply(input: MachineInput): boolean;
  /** The machine's past, which begins with the first call; undefined where gdb is not the one who goes there. */
  past(): Timeline | undefined;
  /** gdb lets the machine go, and watches it no longer. */
  release(): void;
  /** The program ends, as QEMU does when its monitor is told to quit. */
  quit(): void;
}
