/** What gdb is lent by the program that runs the machine. */
import type { Timeline } from '../emulator/history/timeline';
import type { MachineApi, MachineInput } from '../emulator/types';

export interface Target {
  readonly machine: MachineApi;
  readonly running: boolean;
  /** Lets the machine run. What ends a run is told to the session (GdbSession.ran). */
  resume(): void;
  /** Stops it where it is. */
  halt(): void;
  /** MachineApi.apply, which from the past begins another future. */
  apply(input: MachineInput): boolean;
  /** The machine's past, which begins with the first call. */
  past(): Timeline;
  /** The program ends, as QEMU does when its monitor is told to quit. */
  quit(): void;
}
