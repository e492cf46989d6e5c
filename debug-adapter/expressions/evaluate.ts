/**
 * C expressions (ISO C11, section 6.5) on the state of a stopped machine: what the rest of the debugger calls. Nothing of
 * the guest is called, and nothing is written unless asked for.
 */
import type { Binary, Type } from '../symbols/api';
import { ExpressionError } from './error';
import { Evaluator, type EvaluationOptions } from './evaluator';
import { isTypedef, macroNamed, typeNamed } from './names';
import { Memo } from './memo';
import { isTruthy } from './operators';
import { parseExpression } from './parser';
import { store } from './store';
import type { Expression } from './syntax';
import * as C from './types';
import { numberOf, type EvaluationContext, type Value } from './value';

/** Evaluates a text. Throws ExpressionError whose message begins with the place: "expression:1:5: …". */
export function evaluate(text: string, context: EvaluationContext, options: EvaluationOptions = {}): Value {
  return new Evaluator(context, options).value(parse(text, context));
}

/** The type that a text's value would have: nothing is read or written on the way. */
export function evaluateType(text: string, context: EvaluationContext): Type {
  return new Evaluator(context, { assignments: true }).typeOf(parse(text, context));
}

function parse(text: string, context: EvaluationContext): Expression {
  if (text.trim() === '') throw new ExpressionError('the expression is empty', 0);
  // The place decides which names are types.
  return PARSED.of(context.binary, `${context.scopePc ?? context.frame.pc} ${text}`, () =>
    parseExpression(text, {
      isTypedef: (name) => isTypedef(name, context),
      typeNamed: (name) => typeNamed(name, context),
      macro: (name) => macroNamed(name, context),
    }),
  );
}

const PARSED = new Memo<Expression>();

/** What keeps a text from being an expression in a program, wherever it is evaluated; undefined if nothing does. */
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
 * Writes the value of `valueText` to what `targetText` names, converted as C's assignment does, and answers the target
 * as it is then. Throws ExpressionError.
 */
export function assign(targetText: string, valueText: string, context: EvaluationContext): Value {
  const target = evaluate(targetText, context);
  const value = evaluate(valueText, context);
  return store(target, value, undefined, context);
}

/** A value's number for conditions and translations; undefined if it is no number (a struct, a float, unreadable). */
export function integerOf(value: Value, context: EvaluationContext): bigint | undefined {
  const bare = C.plain(value.type);
  if (bare.kind === 'array' || bare.kind === 'function') {
    return value.location.kind === 'memory' ? value.location.address : undefined;
  }
  return C.isInteger(bare) || bare.kind === 'pointer' ? numberOf(value, context) : undefined;
}

/** Whether a condition holds; throws ExpressionError if it is wrong. */
export function evaluateCondition(text: string, context: EvaluationContext): boolean {
  return isTruthy(evaluate(text, context), context);
}
