/**
 * The operators of C on values: conversions, arithmetic, pointers and comparison (ISO C11, sections 6.3 and 6.5.5 to
 * 6.5.14).
 */
import type { Type } from '../symbols/api';
import { ExpressionError } from './error';
import { commonFloat, floatArithmetic, floatValue, isFloating, toFloat } from './floats';
import { typeNamed } from './names';
import type { ArithmeticOperator, ComparisonOperator } from './parsing/syntax';
import * as C from './types';
import { constant, numberOf, readLocation, type EvaluationContext, type Value } from './value';

/** Arrays become pointers to their first element and functions pointers to themselves (6.3.2.1). */
export function decay(value: Value): Value {
  const bare = C.plain(value.type);
  if (bare.kind !== 'array' && bare.kind !== 'function') return value;
  if (value.location.kind !== 'memory') return value;
  return constant(value.location.address, C.pointerTo(bare.kind === 'array' ? bare.element : value.type));
}

/** What a pointer points to. */
export function pointerTarget(value: Value, at: number, context: EvaluationContext): Type {
  const bare = C.plain(value.type);
  const meant = context.meanings?.targetOf(value.type);
  if (meant) return meant;
  if (bare.kind === 'pointer') return C.completed(bare.target, (name) => typeNamed(name, context));
  throw new ExpressionError(
    C.isInteger(bare)
      ? `this is a number (${C.typeName(value.type)}), not a pointer: cast it first, as in *(uint64 *)0x80000000`
      : `${C.typeName(value.type)} is no pointer`,
    at,
  );
}

/** The number in an integer or pointer. */
export function requireNumber(value: Value, context: EvaluationContext): bigint {
  const bare = C.plain(value.type);
  if (bare.kind === 'array' || bare.kind === 'function') {
    const address = decay(value);
    if (address !== value) return numberOf(address, context);
  }
  if (C.isFloat(bare)) throw new ExpressionError(`a whole number is needed, but this is ${C.typeName(value.type)}`);
  if (!C.isInteger(bare) && bare.kind !== 'pointer')
    throw new ExpressionError(`${C.typeName(value.type)} is not a number`);
  return numberOf(value, context);
}

export const isTruthy = (value: Value, context: EvaluationContext): boolean =>
  isFloating(value) ? toFloat(value, context) !== 0 : requireNumber(value, context) !== 0n;

/** The common type of two values by the usual arithmetic conversions (6.3.1.8); undefined if one is no number. */
export function commonArithmetic(left: Value, right: Value): C.PlainType | undefined {
  const a = C.plain(left.type);
  const b = C.plain(right.type);
  const isNumber = (type: C.PlainType): boolean => C.isFloat(type) || C.isInteger(type);
  if (!isNumber(a) || !isNumber(b) || a === b) return undefined;
  if (C.isFloat(a) || C.isFloat(b)) return commonFloat(left, right);
  if (!C.isInteger(a) || !C.isInteger(b)) return undefined;
  return C.commonType(C.promote(a, left.bitField?.size), C.promote(b, right.bitField?.size));
}

/** Converts a number to another arithmetic type. */
export function convert(value: Value, type: C.PlainType, context: EvaluationContext): Value {
  if (C.isFloat(type)) return floatValue(toFloat(value, context), type);
  return C.isInteger(type) ? constant(C.wrap(requireNumber(value, context), type), type) : value;
}

/** An arithmetic, shift or bitwise operator on decayed operands. */
export function bitwise(
  operator: ArithmeticOperator,
  left: Value,
  right: Value,
  at: number,
  context: EvaluationContext,
): Value {
  const a = C.plain(left.type);
  const b = C.plain(right.type);
  if (a.kind === 'pointer' || b.kind === 'pointer') return pointerArithmetic(operator, left, right, at, context);
  if (isFloating(left) || isFloating(right)) return floatArithmetic(operator, left, right, at, context);
  const x = requireNumber(left, context);
  const y = requireNumber(right, context);
  if (!C.isInteger(a) || !C.isInteger(b)) throw new ExpressionError(`${operator} needs numbers`, at);
  const promotedLeft = C.promote(a, left.bitField?.size);
  const promotedRight = C.promote(b, right.bitField?.size);
  if (operator === '<<' || operator === '>>') {
    const bits = BigInt(8 * promotedLeft.size);
    if (y < 0n || y >= bits) throw new ExpressionError(`a shift by ${y} is undefined for a value of ${bits} bits`, at);
    return constant(C.wrap(operator === '<<' ? x << y : x >> y, promotedLeft), promotedLeft);
  }
  const type = C.commonType(promotedLeft, promotedRight);
  return constant(C.wrap(integerResult(operator, C.wrap(x, type), C.wrap(y, type), at), type), type);
}

function integerResult(operator: Exclude<ArithmeticOperator, '<<' | '>>'>, x: bigint, y: bigint, at: number): bigint {
  switch (operator) {
    case '+':
      return x + y;
    case '-':
      return x - y;
    case '*':
      return x * y;
    case '/':
    case '%':
      if (y === 0n) throw new ExpressionError('division by zero', at);
      return operator === '/' ? x / y : x % y;
    case '&':
      return x & y;
    case '|':
      return x | y;
    case '^':
      return x ^ y;
  }
}

function pointerArithmetic(
  operator: ArithmeticOperator,
  left: Value,
  right: Value,
  at: number,
  context: EvaluationContext,
): Value {
  const a = C.plain(left.type);
  const b = C.plain(right.type);
  const x = requireNumber(left, context);
  const y = requireNumber(right, context);
  const stride = (pointer: Value): bigint => C.stride(pointerTarget(pointer, at, context));
  if (a.kind === 'pointer' && b.kind === 'pointer' && operator === '-')
    return constant(C.wrap(x - y, C.LONG) / stride(left), C.LONG);
  if (a.kind === 'pointer' && b.kind !== 'pointer' && (operator === '+' || operator === '-')) {
    const distance = y * stride(left);
    return constant(C.wrap(operator === '+' ? x + distance : x - distance, a), left.type);
  }
  if (b.kind === 'pointer' && a.kind !== 'pointer' && operator === '+')
    return constant(C.wrap(y + x * stride(right), b), right.type);
  throw new ExpressionError(
    `C has no ${C.typeName(left.type)} ${operator} ${C.typeName(right.type)}; cast the pointer to uint64 first`,
    at,
  );
}

/** Compares. If one side is a string constant, compares texts, since nobody means to compare its address. */
export function compare(
  operator: ComparisonOperator,
  left: Value,
  right: Value,
  at: number,
  context: EvaluationContext,
): boolean {
  if (isStringConstant(left) || isStringConstant(right)) {
    const a = textOf(left, at, context);
    const b = textOf(right, at, context);
    return holds(operator, a < b ? -1 : a > b ? 1 : 0);
  }
  const x = decay(left);
  const y = decay(right);
  if (isFloating(x) || isFloating(y)) return compareFloats(operator, toFloat(x, context), toFloat(y, context));
  const a = C.plain(x.type);
  const b = C.plain(y.type);
  let p = requireNumber(x, context);
  let q = requireNumber(y, context);
  const type =
    C.isInteger(a) && C.isInteger(b)
      ? C.commonType(C.promote(a, x.bitField?.size), C.promote(b, y.bitField?.size))
      : C.UNSIGNED_LONG;
  p = C.wrap(p, type);
  q = C.wrap(q, type);
  return holds(operator, p < q ? -1 : p > q ? 1 : 0);
}

function holds(operator: ComparisonOperator, order: number): boolean {
  switch (operator) {
    case '==':
      return order === 0;
    case '!=':
      return order !== 0;
    case '<':
      return order < 0;
    case '>':
      return order > 0;
    case '<=':
      return order <= 0;
    case '>=':
      return order >= 0;
  }
}

/** With a NaN, only != holds. */
function compareFloats(operator: ComparisonOperator, x: number, y: number): boolean {
  if (Number.isNaN(x) || Number.isNaN(y)) return operator === '!=';
  return holds(operator, x < y ? -1 : x > y ? 1 : 0);
}

const isStringConstant = (value: Value): boolean =>
  value.location.kind === 'bytes' && C.plain(value.type).kind === 'array';

const MAX_TEXT = 4096;

function textOf(value: Value, at: number, context: EvaluationContext): string {
  const bare = C.plain(value.type);
  const element = bare.kind === 'array' ? bare.element : bare.kind === 'pointer' ? bare.target : undefined;
  if (!element || !C.isCharacter(element))
    throw new ExpressionError(`a string can only be compared with char * or char[], not ${C.typeName(value.type)}`, at);
  const location =
    bare.kind === 'array' ? value.location : ({ kind: 'memory', address: numberOf(value, context) } as const);
  const length = bare.kind === 'array' ? (bare.count ?? MAX_TEXT) : MAX_TEXT;
  return readText(length, (i) => readLocation(location, i, 1, context)[0]!).text;
}

/** Reads characters up to a NUL, at most `limit`. */
export function readText(limit: number, byteAt: (index: number) => number): { text: string; ended: boolean } {
  let text = '';
  for (let i = 0; i < limit; i++) {
    const byte = byteAt(i);
    if (byte === 0) return { text, ended: true };
    text += String.fromCharCode(byte);
  }
  return { text, ended: false };
}
