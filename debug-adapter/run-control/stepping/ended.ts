/**
 * Steps of a process that ends on the way. Its kernel stack is never resumed then, so what the step waits for cannot come:
 * the last that its hart does for it is the context switch away, and where that returns to the step ends, with a word of why.
 */
import type { Hart } from '../../../emulator/types';
import { inKernel, type StepCondition, type StepContext, type StepPlan } from './step-plan';

/** Nothing can bring the step to its end any more. `hart` shows where the machine is. */
export class CannotArrive extends Error {
  constructor(
    readonly hart: number,
    message: string,
  ) {
    super(message);
  }
}

/** Follows a plan for a process as long as it lives, then throws a CannotArrive. */
export function* whileItLives(context: StepContext, process: string | undefined, plan: StepPlan): StepPlan {
  const { switchReturns } = context;
  let step = plan.next();
  while (!step.done) {
    const wanted: StepCondition = step.value;
    if (wanted.kind === 'instruction' || process === undefined) {
      step = plan.next(yield wanted);
      continue;
    }
    const isReached = (hart: Hart): boolean => wanted.addresses.includes(hart.pc) && wanted.accept(hart);
    const event = yield {
      kind: 'reach',
      addresses: [...wanted.addresses, ...switchReturns],
      accept: (hart) => isReached(hart) || context.end(process) !== undefined,
      concerns: (hart) => inKernel(hart) || (wanted.concerns?.(hart) ?? true),
    };
    const hart = context.harts[event.hart]!;
    if (!isReached(hart)) {
      const end = context.end(process) ?? 'its process has ended';
      throw new CannotArrive(hart.id, `The step cannot come to its end: ${end}.`);
    }
    step = plan.next(event);
  }
  return step.value;
}
