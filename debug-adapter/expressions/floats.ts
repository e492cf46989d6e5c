/**
 * Floating-point values (ISO C11, sections 6.3.1.4, 6.3.1.5 and 6.5.5): float and double as in IEEE 754; long double, 128
 * bits on RISC-V, with the precision of a double.
 */
import type { BaseType, Location, Type } from '../symbols/api';
import { ExpressionError } from './error';
import type { ArithmeticOperator } from './parsing/syntax';
import * as C from './types';
import { fromBytes, numberOf, readLocation, toBytes, type EvaluationContext, type Value } from './value';

/** Decodes the bytes of a floating type. */
export function floatFrom(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length === 4) return view.getFloat32(0, true);
  if (bytes.length === 8) return view.getFloat64(0, true);
  const bits = fromBytes(bytes);
  const sign = bits >> 127n ? -1 : 1;
  const exponent = Number((bits >> 112n) & 0x7fffn);
  const fraction = Number((bits & ((1n << 112n) - 1n)) >> 60n) / 2 ** 52;
  if (exponent === 0x7fff) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * 0 : sign * (1 + fraction) * 2 ** (exponent - 16383);
}

/** Encodes a number as the bytes of a floating type. */
export function floatBytes(value: number, { size }: Pick<BaseType, 'size'>): Uint8Array {
  const view = new DataView(new ArrayBuffer(8));
  if (size === 4) view.setFloat32(0, value, true);
  else view.setFloat64(0, value, true);
  if (size <= 8) return new Uint8Array(view.buffer, 0, size);
  const bits = view.getBigUint64(0, true);
  const exponent = (bits >> 52n) & 0x7ffn;
  const wide = exponent === 0n ? 0n : exponent === 0x7ffn ? 0x7fffn : exponent + 16383n - 1023n;
  return toBytes(((bits >> 63n) << 127n) | (wide << 112n) | ((bits & ((1n << 52n) - 1n)) << 60n), 16);
}

export const floatValue = (value: number, type: Type): Value => {
  const bytes = floatBytes(value, C.plain(type) as BaseType);
  const location: Location = { kind: 'bytes', bytes };
  return { type, location };
};

/** A value of any arithmetic type as a floating-point number. */
export function toFloat(value: Value, context: EvaluationContext): number {
  const type = C.plain(value.type);
  if (C.isFloat(type)) return floatFrom(readLocation(value.location, 0, type.size, context));
  if (C.isInteger(type)) return Number(numberOf(value, context));
  throw new ExpressionError(`${C.typeName(value.type)} is not a number`);
}

/** Converts to an integer: rounds towards zero, and saturates out of range as RISC-V's fcvt does. */
export function truncated(value: number, type: C.IntegerType): bigint {
  if (type.kind === 'base' && type.encoding === 'boolean') return value === 0 ? 0n : 1n;
  const bits = BigInt(8 * type.size);
  const lowest = C.isSigned(type) ? -(1n << (bits - 1n)) : 0n;
  const highest = C.isSigned(type) ? (1n << (bits - 1n)) - 1n : (1n << bits) - 1n;
  if (Number.isNaN(value) || value === Infinity) return highest;
  if (value === -Infinity) return lowest;
  const whole = BigInt(Math.trunc(value));
  return whole < lowest ? lowest : whole > highest ? highest : whole;
}

/** An arithmetic operator with at least one floating operand. */
export function floatArithmetic(
  operator: ArithmeticOperator,
  left: Value,
  right: Value,
  at: number,
  context: EvaluationContext,
): Value {
  const type = commonFloat(left, right);
  const x = toFloat(left, context);
  const y = toFloat(right, context);
  switch (operator) {
    case '+':
      return floatValue(x + y, type);
    case '-':
      return floatValue(x - y, type);
    case '*':
      return floatValue(x * y, type);
    case '/':
      return floatValue(x / y, type);
    default:
      throw new ExpressionError(`${operator} needs whole numbers`, at);
  }
}

/** The type of the wider floating operand (6.3.1.8). */
export function commonFloat(left: Value, right: Value): BaseType {
  const types = [left, right].map(({ type }) => C.plain(type)).filter(C.isFloat);
  const widest = Math.max(...types.map(({ size }) => size));
  return widest === 4 ? C.FLOAT : widest === 8 ? C.DOUBLE : C.LONG_DOUBLE;
}

export const isFloating = (value: Value): boolean => C.isFloat(C.plain(value.type));

/** The text of printf("%g") with as many digits as distinguish the number from its neighbours. */
export function floatText(value: number, { size }: Pick<BaseType, 'size'>): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value < 0 ? '-inf' : 'inf';
  if (Object.is(value, -0)) return '-0';
  return String(size === 4 ? shortestSingle(value) : value);
}

/** The number with the fewest digits that equals this one in single precision. */
function shortestSingle(value: number): number {
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return value;
}
