/**
 * Evaluates C expressions (ISO C11, section 6.5) on the state of a stopped machine, for the rest of the debugger. Calls no
 * code of the guest, and writes only where the caller allows assignments.
 */
import type { Binary, Type } from '../symbols/api';
import { ExpressionError } from './error';
import { Evaluator, type EvaluationOptions } from './evaluator';
import { isTypedef, macroNamed, typeNamed } from './names';
import { Memo } from './memo';
import { isTruthy } from './operators';
import { parseExpression } from './parsing/parser';
import { store } from './store';
import type { Expression } from './parsing/syntax';
import * as C from './types';
import { numberOf, type EvaluationContext, type Value } from './value';

/** Evaluates a text. Throws ExpressionError, whose message begins with the position: "expression:1:5: …". */
export function evaluate(text: string, context: EvaluationContext, options: EvaluationOptions = {}): Value {
  return new Evaluator(context, options).value(parse(text, context));
}

/** The type that a text's value would have. Reads and writes nothing. */
export function evaluateType(text: string, context: EvaluationContext): Type {
  return new Evaluator(context, { assignments: true }).typeOf(parse(text, context));
}

/** Whether a text names a member of a structure. */
export const isMember = (text: string, context: EvaluationContext): boolean => parse(text, context).kind === 'member';

function parse(text: string, context: EvaluationContext): Expression {
  if (text.trim() === '') throw new ExpressionError('the expression is empty', 0);
  // Which names are types depends on the pc.
  return PARSED.of(context.binary, `${context.scopePc ?? context.frame.pc} ${text}`, () =>
    parseExpression(text, {
      isTypedef: (name) => isTypedef(name, context),
      typeNamed: (name) => typeNamed(name, context),
      macro: (name) => macroNamed(name, context),
    }),
  );
}

const PARSED = new Memo<Expression>();

/** Why a text cannot be an expression anywhere in a program; undefined if it can. */
export function syntaxProblem(text: string, binary: Binary): string | undefined {
  try {
    parseExpression(text, {
      isTypedef: (name) => binary.typeNamed(name) !== undefined && binary.global(name, 0n) === undefined,
      typeNamed: (name) => binary.typeNamed(name),
      macro: (name) => binary.macro(name),
    });
    return undefined;
  } catch (error) {
    if (error instanceof ExpressionError) return error.message;
    throw error;
  }
}

/**
 * Assigns the value of `valueText` to `targetText`, converted as in C. Returns the target with its new value. Throws
 * ExpressionError.
 */
export function assign(targetText: string, valueText: string, context: EvaluationContext): Value {
  const target = evaluate(targetText, context);
  const value = evaluate(valueText, context);
  return store(target, value, undefined, context);
}

/** A value's number, for conditions and translations; undefined if it has none (a struct, a float, unreadable). */
export function integerOf(value: Value, context: EvaluationContext): bigint | undefined {
  const bare = C.plain(value.type);
  if (bare.kind === 'array' || bare.kind === 'function')
    return value.location.kind === 'memory' ? value.location.address : undefined;
  return C.isInteger(bare) || bare.kind === 'pointer' ? numberOf(value, context) : undefined;
}

/** Whether a condition holds. Throws ExpressionError if it cannot be evaluated. */
export function evaluateCondition(text: string, context: EvaluationContext): boolean {
  return isTruthy(evaluate(text, context), context);
}
