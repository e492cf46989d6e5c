/** The condition of a query: C, evaluated at each instant in the frame that a hart is in there. */
import { wordsOf } from '../dap/errors';
import { conditionHolds } from '../evaluation/evaluation';
import type { Overlay } from '../run-control/conditions';
import type { AskedGuest } from './occurrence';
import type { Failures } from './query';

export class QueryCondition {
  readonly failures: Failures = { count: 0, first: undefined };

  constructor(
    private readonly guest: AskedGuest,
    readonly text: string | undefined,
  ) {}

  /** False also where it cannot be evaluated, as where memory is not mapped yet: this is counted. */
  holds(hart: number, overlay: Overlay = {}): boolean {
    if (this.text === undefined) return true;
    try {
      return conditionHolds(this.guest, this.text, hart, overlay);
    } catch (error) {
      this.failures.count++;
      this.failures.first ??= wordsOf(error);
      return false;
    }
  }
}
