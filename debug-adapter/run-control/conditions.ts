/**
 * What a breakpoint evaluates when it is hit: its condition, its hit count, its log message. A condition with an error stops
 * once and reports the error: neither silently nor at every hit.
 */
export interface BreakpointOptions {
  condition?: string;
  hitCondition?: string;
  logMessage?: string;
}

/** Values of names for this evaluation only: registers that a trap is about to write, `$old` and `$new`. */
export type Overlay = Readonly<Record<string, bigint>>;

/** Evaluates a condition in C for a hart. Throws an Error if it is wrong. */
export type Condition = (expression: string, hart: number, overlay: Overlay) => boolean;

/** Why an expression is wrong wherever it is evaluated; undefined if it is not, or if that is not known yet. */
export type SyntaxCheck = (expression: string) => string | undefined;

export interface ConditionEvaluator {
  condition: Condition;
  /** The text of a log message with its {expressions} evaluated. */
  logText(message: string, hart: number, overlay: Overlay): string;
  log(text: string): void;
}

/** A breakpoint's record of its hits. */
export interface Hits {
  hits: number;
  /** The error of the condition has been reported to the user. */
  reported?: boolean;
}

export interface HitResult {
  stop: boolean;
  /** Why the condition could not be evaluated. */
  failure?: string;
}

/** Whether to stop; counts the hit, and logs in place of stopping. */
export function evaluateHit(
  evaluator: ConditionEvaluator,
  extras: BreakpointOptions,
  hits: Hits,
  hart: number,
  overlay: Overlay = {},
): HitResult {
  const { condition, hitCondition, logMessage } = extras;
  try {
    if (condition && !evaluator.condition(condition, hart, overlay)) return { stop: false };
  } catch (error) {
    if (hits.reported) return { stop: false };
    hits.reported = true;
    const failure = `The breakpoint's condition "${condition}" failed: ${messageOf(error)}`;
    return { stop: true, failure: `${failure}. It does not stop for this again.` };
  }
  hits.hits++;
  if (hitCondition && !hitsEnough(hitCondition, hits.hits)) return { stop: false };
  if (!logMessage) return { stop: true };
  try {
    evaluator.log(evaluator.logText(logMessage, hart, overlay));
  } catch (error) {
    evaluator.log(`The log message "${logMessage}" failed: ${messageOf(error)}`);
  }
  return { stop: false };
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const HIT_CONDITION = /^\s*(>=|<=|==|=|>|<|%)?\s*(\d+)\s*$/;

/** Why a hit condition is invalid; undefined if it is valid. */
export function hitConditionProblem(text: string): string | undefined {
  const found = HIT_CONDITION.exec(text);
  if (!found) return `The hit count "${text}" is not a number, nor one after >=, >, ==, <=, < or %.`;
  return found[1] === '%' && Number(found[2]) === 0 ? 'Every 0th hit is none.' : undefined;
}

/** "5" and ">= 5": from the fifth hit on; "== 5"; "> 5"; "% 5": every fifth. */
function hitsEnough(text: string, hits: number): boolean {
  const [, operator = '>=', digits] = HIT_CONDITION.exec(text) ?? [];
  const count = Number(digits);
  switch (operator) {
    case '>':
      return hits > count;
    case '<':
      return hits < count;
    case '<=':
      return hits <= count;
    case '=':
    case '==':
      return hits === count;
    case '%':
      return hits % count === 0;
    default:
      return hits >= count;
  }
}
