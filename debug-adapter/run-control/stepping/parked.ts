/**
 * Steps of a process that no hart runs: it is waited for where swtch will return to it, by its stack pointer, which no
 * other has; then it steps like any other.
 */
import { X } from '../../../emulator/isa/registers';
import type { StepPlan } from './step-plan';

/** Where a parked process goes on. */
export interface Parked {
  pc: bigint;
  sp: bigint;
}

/** Until the process runs; then what `plan` makes for the hart on which it does. */
export function* onceItRuns({ pc, sp }: Parked, plan: (hart: number) => StepPlan): StepPlan {
  const { hart } = yield { kind: 'reach', addresses: [pc], accept: (other) => other.x(X.sp) === sp };
  return yield* plan(hart);
}
