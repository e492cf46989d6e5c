/** Conditions and log messages in C, for the guest that is debugged now: breakpoints outlive it, and a launch brings the next. */
import { syntaxProblem } from '../expressions/evaluate';
import type { ConditionEvaluator, Overlay } from '../run-control/conditions';
import { conditionHolds, logMessage, type EvaluationGuest } from './evaluation';

export class GuestConditions implements ConditionEvaluator {
  private guest: EvaluationGuest | undefined;

  /** From now on, expressions speak of this guest. */
  bind(guest: EvaluationGuest): void {
    this.guest = guest;
  }

  condition(expression: string, hart: number, overlay: Overlay): boolean {
    return conditionHolds(this.bound, expression, hart, overlay);
  }

  logText(message: string, hart: number, overlay: Overlay): string {
    return logMessage(this.bound, message, hart, overlay);
  }

  /** Why an expression is wrong wherever it is evaluated. Undefined before a launch too: types are the kernel's. */
  syntaxProblem(expression: string): string | undefined {
    return this.guest && syntaxProblem(expression, this.guest.image.binary);
  }

  private get bound(): EvaluationGuest {
    if (!this.guest) throw new Error('No kernel has been launched.');
    return this.guest;
  }
}
