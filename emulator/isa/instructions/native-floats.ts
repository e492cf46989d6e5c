/**
 * What generated code does of floating point by itself: WebAssembly's operations, which round to nearest, where it is plain that
 * they raise no exception but inexactness. Most programs have noted that long ago; for others it is found out whether the result
 * is exact. What is not common (other rounding modes, NaN, infinity, numbers near the least normal one) leaves for the exact
 * meaning. IEEE 754-2019, section 7; S. Boldo and G. Melquiond, "Emulation of FMA and correctly rounded sums" (2008).
 */
import { type Code, ValueType, choose, f32, f64, i32, i64, local, when } from '../../wasm/assembler';
import type { FloatBuilder } from './instruction';

const DYNAMIC = 7;
/** By their encoding in rm, what rounds a number to an integer; ties away from zero are not among them. */
const TO_INTEGER = ['nearest', 'trunc', 'floor', 'ceil'] as const;
const INEXACT = 1;
const MODE = 0xe0;
const BOX = i64.const(-(2n ** 32n));
const HIDDEN = i64.const(2n ** 52n);

const not = i32.eqz;
const all = (...conditions: Code[]): Code => conditions.reduce(i32.and);
const any = (...conditions: Code[]): Code => conditions.reduce(i32.or);

/** A format: WebAssembly's operations, numbers in registers, scratch locals, and twice the least normal number. */
export interface NativeFormat {
  readonly ops: typeof f32 | typeof f64;
  readonly least: Code;
  readonly result: (b: FloatBuilder) => number;
  readonly scratch: (b: FloatBuilder) => number;
  /** The number in a register; whether there is none, as what is there is not boxed; a register's bits from a number. */
  readonly number: (register: Code) => Code;
  readonly isUnboxed?: (register: Code) => Code;
  readonly register: (number: Code) => Code;
  /** Whether a product is exact: as far as this can be told cheaply. */
  readonly isExactProduct: (a: Code, b: Code, product: Code) => Code;
}

/** Trailing zeroes of a significand: two numbers with 53 of them or more have an exact product. */
const zeroes = (number: Code): Code => i64.ctz(i64.or(i64.reinterpret(number), HIDDEN));

export const NATIVE_DOUBLE: NativeFormat = {
  ops: f64,
  least: f64.const(2 ** -1021),
  result: ({ scratch }) => scratch.f64,
  scratch: ({ scratch }) => scratch.f64 + 1,
  number: (register) => register,
  register: (number) => number,
  isExactProduct: (a, b, product) =>
    all(i64.ge_u(i64.add(zeroes(a), zeroes(b)), i64.const(53)), f64.eq(f64.mul(a, b), product)),
};

export const NATIVE_SINGLE: NativeFormat = {
  ops: f32,
  least: f32.const(2 ** -125),
  result: ({ scratch }) => scratch.f32,
  scratch: ({ scratch }) => scratch.f32 + 1,
  number: (register) => f32.reinterpret(i32.wrap(i64.reinterpret(register))),
  isUnboxed: (register) => i64.lt_u(i64.reinterpret(register), BOX),
  register: (number) => f64.reinterpret(i64.or(i64.extend_u(i32.reinterpret(number)), BOX)),
  isExactProduct: (a, b, product) => f64.eq(f64.mul(f64.promote(a), f64.promote(b)), f64.promote(product)),
};

/** Leaves unless the operands are boxed as they should be. */
const boxed = (b: FloatBuilder, { isUnboxed }: NativeFormat, ...operands: Code[]): Code =>
  isUnboxed === undefined ? [] : b.leaveIf(any(...operands.map(isUnboxed)));

/** Goes on if results are to be rounded to nearest, and are exact or inexactness has been noted; else leaves. */
function rounds(b: FloatBuilder, exact: Code): Code {
  if (b.rm !== 0 && b.rm !== DYNAMIC) return b.leaveIf(i32.const(1));
  const decisive = b.rm === 0 ? INEXACT : MODE | INEXACT;
  return when(i32.ne(i32.and(b.fcsr, i32.const(decisive)), i32.const(INEXACT)), [
    b.rm === 0 ? [] : b.leaveIf(i32.and(b.fcsr, i32.const(MODE))),
    b.leaveIf(not(exact)),
  ]);
}

/** fd := a number that has been rounded to nearest. `small`: whether it is exact though it is very small. */
function arithmetic(b: FloatBuilder, format: NativeFormat, value: Code, exact: Code, small?: Code): Code {
  const { ops, least } = format;
  const result = local.get(format.result(b));
  const size = ops.abs(result);
  return [
    local.set(format.result(b), value),
    b.leaveIf(not(ops.lt(size, ops.const(Infinity)))),
    small === undefined ? [] : b.leaveIf(all(ops.lt(size, least), not(small))),
    rounds(b, exact),
    b.writeFloat(format.register(result)),
  ];
}

/** What a sum of two numbers, which is at hand, has lost: Knuth's TwoSum. */
function lost({ ops }: Pick<NativeFormat, 'ops'>, scratch: number, a: Code, c: Code, sum: Code): Code {
  const part = local.get(scratch);
  return [local.set(scratch, ops.sub(sum, a)), ops.add(ops.sub(a, ops.sub(sum, part)), ops.sub(c, part))];
}

const operands = (b: FloatBuilder, { number }: NativeFormat): [Code, Code] => [number(b.fs1), number(b.fs2)];
const isZero = ({ ops }: NativeFormat, number: Code): Code => ops.eq(number, ops.const(0));

export type Native = (b: FloatBuilder, format: NativeFormat) => Code;

const sum =
  (negates: boolean): Native =>
  (b, format) => {
    const { ops } = format;
    const [x, y] = operands(b, format);
    const c = negates ? ops.neg(y) : y;
    const rest = lost(format, format.scratch(b), x, c, local.get(format.result(b)));
    // Sums below the least normal number are exact.
    return [boxed(b, format, b.fs1, b.fs2), arithmetic(b, format, ops.add(x, c), ops.eq(rest, ops.const(0)))];
  };

const multiply: Native = (b, format) => {
  const [x, y] = operands(b, format);
  const result = local.get(format.result(b));
  const zero = any(isZero(format, x), isZero(format, y));
  const exact = any(isZero(format, result), format.isExactProduct(x, y, result));
  return [boxed(b, format, b.fs1, b.fs2), arithmetic(b, format, format.ops.mul(x, y), exact, zero)];
};

const divide: Native = (b, format) => {
  const [x, y] = operands(b, format);
  const result = local.get(format.result(b));
  const exact = any(isZero(format, x), format.isExactProduct(result, y, x));
  return [boxed(b, format, b.fs1, b.fs2), arithmetic(b, format, format.ops.div(x, y), exact, isZero(format, x))];
};

const squareRoot: Native = (b, format) => {
  const x = format.number(b.fs1);
  const result = local.get(format.result(b));
  const exact = any(isZero(format, x), format.isExactProduct(result, result, x));
  return [boxed(b, format, b.fs1), arithmetic(b, format, format.ops.sqrt(x), exact)];
};

/** Smallest and largest, and comparisons: NaN leaves. */
const ordered = (b: FloatBuilder, format: NativeFormat, then: (x: Code, y: Code) => Code): Code => {
  const { ops } = format;
  const [x, y] = operands(b, format);
  return [boxed(b, format, b.fs1, b.fs2), b.leaveIf(any(ops.ne(x, x), ops.ne(y, y))), then(x, y)];
};
const extreme =
  (which: 'min' | 'max'): Native =>
  (b, format) =>
    ordered(b, format, (x, y) => b.writeFloat(format.register(format.ops[which](x, y))));
const comparison =
  (which: 'eq' | 'lt' | 'le'): Native =>
  (b, format) =>
    ordered(b, format, (x, y) => b.write(i64.extend_u(format.ops[which](x, y))));

/** Integers as conversions have them. */
export interface IntegerKind {
  readonly width: 32 | 64;
  readonly isUnsigned: boolean;
}

/** rd := the integer to which a number is rounded, if that is one of so many bits. */
export function nativeToInteger(b: FloatBuilder, format: NativeFormat, { width, isUnsigned }: IntegerKind): Code {
  const { ops } = format;
  const rounding = TO_INTEGER[b.rm === DYNAMIC ? 0 : b.rm];
  if (rounding === undefined) return b.leaveIf(i32.const(1));
  const x = format.number(b.fs1);
  const whole = local.get(format.result(b));
  const [least, above] = isUnsigned ? [0, 2 ** width] : [-(2 ** (width - 1)), 2 ** (width - 1)];
  const integer = isUnsigned ? ops.toUnsigned(whole) : ops.toSigned(whole);
  return [
    boxed(b, format, b.fs1),
    b.rm === DYNAMIC ? b.leaveIf(i32.and(b.fcsr, i32.const(MODE))) : [],
    local.set(format.result(b), ops[rounding](x)),
    b.leaveIf(not(all(ops.ge(whole, ops.const(least)), ops.lt(whole, ops.const(above))))),
    b.leaveIf(all(ops.ne(whole, x), not(i32.and(b.fcsr, i32.const(INEXACT))))),
    b.write(width === 32 ? i64.extend_s(i32.wrap(integer)) : integer),
  ];
}

/** fd := the number nearest to an integer. */
export function nativeFromInteger(b: FloatBuilder, format: NativeFormat, { width, isUnsigned }: IntegerKind): Code {
  const { ops } = format;
  const low = i32.wrap(b.rs1);
  const value = width === 64 ? b.rs1 : isUnsigned ? i64.extend_u(low) : i64.extend_s(low);
  const number = local.get(format.result(b));
  const back = isUnsigned ? ops.toUnsigned(number) : ops.toSigned(number);
  // What is rounded up to the first number that is no integer of the kind would saturate on the way back.
  const fits = ops.lt(number, ops.const(isUnsigned ? 2 ** 64 : 2 ** 63));
  const nearest = isUnsigned ? ops.fromUnsigned(value) : ops.fromSigned(value);
  return arithmetic(b, format, nearest, all(fits, i64.eq(back, value)));
}

export function doubleToSingle(b: FloatBuilder): Code {
  const result = local.get(NATIVE_SINGLE.result(b));
  const exact = f64.eq(f64.promote(result), b.fs1);
  return arithmetic(b, NATIVE_SINGLE, f32.demote(b.fs1), exact, isZero(NATIVE_DOUBLE, b.fs1));
}

/** Always exact, but a NaN leaves. */
export function singleToDouble(b: FloatBuilder): Code {
  const x = NATIVE_SINGLE.number(b.fs1);
  return [
    boxed(b, NATIVE_SINGLE, b.fs1),
    b.leaveIf(f32.ne(x, x)),
    b.rm === 0 ? [] : b.leaveIf(b.rm === DYNAMIC ? i32.and(b.fcsr, i32.const(MODE)) : i32.const(1)),
    b.writeFloat(f64.promote(x)),
  ];
}

export const NATIVE = {
  add: sum(false),
  subtract: sum(true),
  multiply,
  divide,
  squareRoot,
  minimum: extreme('min'),
  maximum: extreme('max'),
  equal: comparison('eq'),
  less: comparison('lt'),
  lessOrEqual: comparison('le'),
};

/** fd := fs1 * fs2 + fs3, with the signs of the product and of fs3 changed as asked. */
export function nativeFused(b: FloatBuilder, format: NativeFormat, product: boolean, addend: boolean): Code {
  const { ops } = format;
  const [first, y] = operands(b, format);
  const third = format.number(b.fs3);
  const x = product ? ops.neg(first) : first;
  const z = addend ? ops.neg(third) : third;
  return [boxed(b, format, b.fs1, b.fs2, b.fs3), ops === f64 ? fusedDouble(b, x, y, z) : fusedSingle(b, x, y, z)];
}

/** The product of two singles is exact as a double. */
function fusedSingle(b: FloatBuilder, x: Code, y: Code, z: Code): Code {
  const [product, rest, sum] = [0, 1, 2].map((index) => b.scratch.f64 + index) as [number, number, number];
  const result = local.get(NATIVE_SINGLE.result(b));
  const exact = all(f64.eq(local.get(rest), f64.const(0)), f64.eq(f64.promote(result), local.get(sum)));
  return [
    local.set(product, f64.mul(f64.promote(x), f64.promote(y))),
    sumToOdd(sum, rest, local.get(product), f64.promote(z)),
    arithmetic(b, NATIVE_SINGLE, f32.demote(local.get(sum)), exact, f64.eq(local.get(sum), f64.const(0))),
  ];
}

/** Exponents between which no part of a product or a sum can overflow, or lose what it should keep. */
const inBounds = (number: Code): Code =>
  all(f64.lt(f64.abs(number), f64.const(2 ** 900)), f64.gt(f64.abs(number), f64.const(2 ** -900)));

function fusedDouble(b: FloatBuilder, x: Code, y: Code, z: Code): Code {
  const locals = [0, 1, 2, 3, 4, 5].map((index) => b.scratch.f64 + index);
  const [result, scratch, high, low, highY, lowY] = locals as [number, number, number, number, number, number];
  const [p, s, h, l, hy, ly] = locals.map(local.get) as [Code, Code, Code, Code, Code, Code];
  const split = (number: Code, upper: number, lower: number): Code => [
    local.set(scratch, f64.mul(number, f64.const(2 ** 27 + 1))),
    local.set(upper, f64.sub(s, f64.sub(s, number))),
    local.set(lower, f64.sub(number, local.get(upper))),
  ];
  const parts = f64.add(f64.add(f64.sub(f64.mul(h, hy), p), f64.mul(h, ly)), f64.mul(l, hy));
  const isZeroProduct = any(isZero(NATIVE_DOUBLE, x), isZero(NATIVE_DOUBLE, y));
  const isSmall = f64.lt(f64.abs(p), NATIVE_DOUBLE.least);
  return [
    local.set(result, f64.mul(x, y)),
    when(
      i64.ge_u(i64.add(zeroes(x), zeroes(y)), i64.const(53)),
      [
        // The product is exact: only the sum rounds.
        b.leaveIf(all(isSmall, not(isZeroProduct))),
        local.set(high, p),
        arithmetic(b, NATIVE_DOUBLE, f64.add(h, z), f64.eq(lost(NATIVE_DOUBLE, scratch, h, z, p), f64.const(0))),
      ],
      [
        b.leaveIf(not(all(inBounds(p), inBounds(x), inBounds(y), any(inBounds(z), isZero(NATIVE_DOUBLE, z))))),
        split(x, high, low),
        split(y, highY, lowY),
        local.set(high, f64.add(parts, f64.mul(l, ly))),
        // The product is p + h; in order: z + h, p + that, and what both have lost.
        local.set(low, f64.add(z, h)),
        local.set(highY, lost(NATIVE_DOUBLE, scratch, z, h, l)),
        local.set(lowY, f64.add(p, l)),
        local.set(high, lost(NATIVE_DOUBLE, scratch, p, l, ly)),
        sumToOdd(low, scratch, hy, h),
        arithmetic(b, NATIVE_DOUBLE, f64.add(ly, l), i32.const(0), i32.const(0)),
      ],
    ),
  ];
}

/** A sum of doubles rounded to odd, so that it can be rounded again to less: the last bit is set where something is lost. */
function sumToOdd(result: number, scratch: number, x: Code, y: Code): Code {
  const at = local.get(result);
  const rest = local.get(scratch);
  const bits = i64.reinterpret(at);
  // Towards what was lost: away from zero if the signs agree.
  const step = choose(
    ValueType.I64,
    i32.eq(f64.gt(rest, f64.const(0)), f64.gt(at, f64.const(0))),
    i64.const(1),
    i64.const(-1),
  );
  return [
    local.set(result, f64.add(x, y)),
    local.set(scratch, lost({ ops: f64 }, scratch, x, y, at)),
    when(
      all(f64.ne(rest, f64.const(0)), i64.eqz(i64.and(bits, i64.const(1)))),
      local.set(result, f64.reinterpret(i64.add(bits, step))),
    ),
  ];
}
