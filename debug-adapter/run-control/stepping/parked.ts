/**
 * Steps of a process that no hart runs: waits where swtch will return to it, with its stack pointer, which no other process
 * has; from there it steps like any other.
 */
import { X } from '../../../emulator/isa/registers';
import type { StepPlan } from './step-plan';

/** Where a parked process will continue. */
export interface Parked {
  pc: bigint;
  sp: bigint;
}

/** Runs until the process runs, then follows `plan` for its hart. */
export function* onceItRuns({ pc, sp }: Parked, plan: (hart: number) => StepPlan): StepPlan {
  const { hart } = yield { kind: 'reach', addresses: [pc], accept: (other) => other.x(X.sp) === sp };
  return yield* plan(hart);
}
