/** What --stats writes: one JSON object about a run. */
import type { MachineApi } from '../emulator/types';

export interface Stats {
  /** Exit status of the process. */
  status: number;
  /** Instructions retired by each hart. */
  instructionsPerHart: number[];
  /** Of all harts together, including those that trapped. */
  instructions: number;
  /** From the first instruction to the end. */
  wallSeconds: number;
  mips: number;
  /** From the start of the process to the shell's first `$ `; null if there was none. */
  secondsToPrompt: number | null;
  /** The guest's clock at the end. */
  virtualSeconds: number;
}

const TICKS_PER_SECOND = 10_000_000;
const rounded = (value: number): number => Math.round(value * 1e6) / 1e6;

/** Times are given in milliseconds. */
export function statsOf(machine: MachineApi, status: number, wall: number, promptAt: number | undefined): Stats {
  return {
    status,
    instructionsPerHart: machine.harts.map((hart) => hart.retired),
    instructions: machine.executed,
    wallSeconds: rounded(wall / 1000),
    mips: rounded(machine.executed / 1000 / Math.max(wall, 0.001)),
    secondsToPrompt: promptAt === undefined ? null : rounded(promptAt / 1000),
    virtualSeconds: rounded(machine.now / TICKS_PER_SECOND),
  };
}
