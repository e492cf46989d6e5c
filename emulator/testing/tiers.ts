/**
 * For tests: runs the same program in every tier, in slices of different lengths, and records what happens. All records
 * must be equal, whichever tier runs the guest and however often its run is interrupted.
 */
import assert from 'node:assert/strict';
import { HOTNESS_LIMIT } from '../layout';
import { Machine } from '../machine';
import type { MachineOptions, Stop } from '../types';

export const TIERS = ['interp', 'jit', 'mixed'] as const;
export type Tier = (typeof TIERS)[number];

export interface TierRun {
  kernel: Uint8Array;
  /** Counts of executed instructions at which to hash the state; the last ends the run. */
  points: readonly number[];
  /** Length of the slices in between; by default as long as possible. */
  slice?: number;
  /** What to do to the machine, by the count of executed instructions. */
  meanwhile?: ReadonlyMap<number, (machine: Machine) => void>;
  options?: Partial<MachineOptions>;
}

/** The hotness limit of a mixed run here: low, so that short programs change often between the tiers. */
const HOT = 400;

/** Makes a machine translate code after few passes. */
export function warmUp(machine: Machine): void {
  machine.memory.i32[HOTNESS_LIMIT / 4] = HOT;
}

/** Counts up to `last`, evenly apart. */
export const points = (last: number, count = 8): number[] =>
  Array.from({ length: count }, (_, i) => Math.round((last * (i + 1)) / count));

/** Runs a program. The trace has a line for every stop except those of the budget, and the state's hash at every point. */
export function runInTier(acceleration: Tier, run: TierRun): { machine: Machine; trace: string[] } {
  const { kernel, slice = Infinity, meanwhile = new Map<number, (machine: Machine) => void>() } = run;
  const machine = new Machine({
    ...{ harts: 1, memory: 2 ** 21, legacyVirtio: false },
    ...run.options,
    ...{ kernel, acceleration },
  });
  if (acceleration === 'mixed') warmUp(machine);
  const trace: string[] = [];
  const hashed = new Set(run.points);
  for (const target of [...new Set([...run.points, ...meanwhile.keys()])].sort((a, b) => a - b)) {
    while (machine.executed < target) {
      const stop = machine.run({ instructions: Math.min(slice, target - machine.executed) });
      if (stop.kind === 'budget') continue;
      trace.push(`${machine.executed}: ${describe(stop)}`);
      if (stop.kind !== 'idle') continue;
      if (stop.until === Infinity) break;
      machine.idleUntil(stop.until);
    }
    if (hashed.has(target)) trace.push(`${machine.executed}: ${machine.stateHash()}`);
    meanwhile.get(target)?.(machine);
  }
  return { machine, trace };
}

/** Runs the program whole and in slices in every tier and compares with the interpreter, whose machine it returns. */
export function sameInTiers(run: TierRun, slices = [997]): Machine {
  const { machine, trace } = runInTier('interp', run);
  for (const tier of TIERS) {
    assert.deepEqual(runInTier(tier, run).trace, trace, tier);
    for (const slice of slices)
      assert.deepEqual(runInTier(tier, { ...run, slice }).trace, trace, `${tier} by ${slice}`);
  }
  return machine;
}

const describe = (stop: Stop): string =>
  JSON.stringify(stop, (_, value: unknown) => (typeof value === 'bigint' ? value.toString(16) : value));
