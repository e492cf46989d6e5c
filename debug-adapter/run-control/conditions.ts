/**
 * What a breakpoint evaluates when it is hit: its condition, its hit count, its log message. A condition with an error stops
 * once and reports the error: neither silently nor at every hit.
 */
import { wordsOf } from '../dap/errors';
import type { Hits } from './hits';

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
}

/** The result of a hit. Nothing is counted or reported yet. */
export interface HitDecision {
  stop: boolean;
  /** Why the condition could not be evaluated. */
  failure?: string;
  /** The text to log in place of stopping. */
  log?: string;
  /** The breakpoint's record after this hit. */
  after: Hits;
}

/** Whether to stop, or to log in place of it, after those hits. */
export function decideHit(
  evaluator: ConditionEvaluator,
  options: BreakpointOptions,
  { hits, reported = false }: Readonly<Hits>,
  hart: number,
  overlay: Overlay = {},
): HitDecision {
  const { condition, hitCondition, logMessage } = options;
  const before = { hits, reported };
  try {
    if (condition && !evaluator.condition(condition, hart, overlay)) return { stop: false, after: before };
  } catch (error) {
    if (reported) return { stop: false, after: before };
    const failure = `The breakpoint's condition "${condition}" failed: ${wordsOf(error)}`;
    const after = { hits, reported: true };
    return { stop: true, failure: `${failure}. It does not stop for this again.`, after };
  }
  const after = { hits: hits + 1, reported };
  if (hitCondition && !hitsEnough(hitCondition, after.hits)) return { stop: false, after };
  return logMessage ? { stop: false, after, log: logOf(evaluator, logMessage, hart, overlay) } : { stop: true, after };
}

function logOf(evaluator: ConditionEvaluator, message: string, hart: number, overlay: Overlay): string {
  try {
    return evaluator.logText(message, hart, overlay);
  } catch (error) {
    return `The log message "${message}" failed: ${wordsOf(error)}`;
  }
}

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
