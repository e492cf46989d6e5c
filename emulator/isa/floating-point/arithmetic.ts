/**
 * The operations of IEEE 754 that round, on the bits of numbers of one format, in RISC-V's choice of what the standard leaves
 * open: every NaN that an operation gives is the same one. IEEE 754-2019, section 5.4; RISC-V unprivileged specification,
 * sections 11.3, 11.6 and 11.7.
 */
import {
  type Environment,
  type Finite,
  Flag,
  type Format,
  Rounding,
  finite,
  isInfinite,
  isNan,
  isNegative,
  isSignaling,
  isZero,
  negated,
  round,
  roundOff,
  signed,
  widthOf,
} from './format';

const invalid = ({ nan }: Format, env: Environment): bigint => {
  env.flags |= Flag.invalid;
  return nan;
};

/** The NaN that comes of NaN operands; a signaling one is invalid. */
function propagated(format: Format, env: Environment, ...operands: bigint[]): bigint | undefined {
  if (!operands.some((bits) => isNan(format, bits))) return undefined;
  return operands.some((bits) => isSignaling(format, bits)) ? invalid(format, env) : format.nan;
}

/** The exact sum. Of two that cancel out it is +0, or -0 when rounding down; of two zeroes of one sign, that zero. */
function sum(a: Finite, b: Finite, rounding: Rounding): Finite {
  const exponent = Math.min(a.exponent, b.exponent);
  const value = ({ negative, significand, exponent: own }: Finite): bigint => {
    const aligned = significand << BigInt(own - exponent);
    return negative ? -aligned : aligned;
  };
  const total = value(a) + value(b);
  const negative = total === 0n ? zeroSign(a.negative, b.negative, rounding) : total < 0n;
  return { negative, significand: total < 0n ? -total : total, exponent };
}
const zeroSign = (a: boolean, b: boolean, rounding: Rounding): boolean => (a === b ? a : rounding === Rounding.down);

const product = (a: Finite, b: Finite): Finite => ({
  negative: a.negative !== b.negative,
  significand: a.significand * b.significand,
  exponent: a.exponent + b.exponent,
});

export function add(format: Format, env: Environment, a: bigint, b: bigint): bigint {
  const nan = propagated(format, env, a, b);
  if (nan !== undefined) return nan;
  if (isInfinite(format, a)) return isInfinite(format, b) && a !== b ? invalid(format, env) : a;
  if (isInfinite(format, b)) return b;
  return round(format, sum(finite(format, a), finite(format, b), env.rounding), env);
}

export const subtract = (format: Format, env: Environment, a: bigint, b: bigint): bigint =>
  // Not for a NaN's sake, which comes out the same with either sign.
  add(format, env, a, negated(format, b));

export function multiply(format: Format, env: Environment, a: bigint, b: bigint): bigint {
  const nan = propagated(format, env, a, b);
  if (nan !== undefined) return nan;
  const negative = isNegative(format, a) !== isNegative(format, b);
  if (isInfinite(format, a) || isInfinite(format, b))
    return isZero(format, a) || isZero(format, b) ? invalid(format, env) : signed(format, negative, format.infinity);
  return round(format, product(finite(format, a), finite(format, b)), env);
}

/** a * b + c, rounded once. Infinity times zero is invalid whatever c is. */
export function fuse(format: Format, env: Environment, a: bigint, b: bigint, c: bigint): bigint {
  const infinite = isInfinite(format, a) || isInfinite(format, b);
  if (infinite && (isZero(format, a) || isZero(format, b))) return invalid(format, env);
  const nan = propagated(format, env, a, b, c);
  if (nan !== undefined) return nan;
  const negative = isNegative(format, a) !== isNegative(format, b);
  if (infinite) {
    const opposite = isInfinite(format, c) && isNegative(format, c) !== negative;
    return opposite ? invalid(format, env) : signed(format, negative, format.infinity);
  }
  if (isInfinite(format, c)) return c;
  const exact = sum(product(finite(format, a), finite(format, b)), finite(format, c), env.rounding);
  return round(format, exact, env);
}

export function divide(format: Format, env: Environment, a: bigint, b: bigint): bigint {
  const nan = propagated(format, env, a, b);
  if (nan !== undefined) return nan;
  const negative = isNegative(format, a) !== isNegative(format, b);
  if (isInfinite(format, a))
    return isInfinite(format, b) ? invalid(format, env) : signed(format, negative, format.infinity);

  if (isInfinite(format, b)) return signed(format, negative, 0n);
  if (isZero(format, b)) {
    if (isZero(format, a)) return invalid(format, env);
    env.flags |= Flag.divideByZero;
    return signed(format, negative, format.infinity);
  }
  const [dividend, divisor] = [finite(format, a), finite(format, b)];
  if (dividend.significand === 0n) return signed(format, negative, 0n);
  // So many places that the quotient has more bits than the result.
  const places = Math.max(0, format.precision + 2 + widthOf(divisor.significand) - widthOf(dividend.significand));
  const scaled = dividend.significand << BigInt(places);
  const significand = scaled / divisor.significand;
  const exponent = dividend.exponent - divisor.exponent - places;
  return round(format, { negative, significand, exponent }, env, significand * divisor.significand !== scaled);
}

export function squareRoot(format: Format, env: Environment, a: bigint): bigint {
  const nan = propagated(format, env, a);
  if (nan !== undefined) return nan;
  if (isZero(format, a)) return a;
  if (isNegative(format, a)) return invalid(format, env);
  if (isInfinite(format, a)) return a;
  const { significand, exponent } = finite(format, a);
  // Twice the bits of the result, and an even exponent.
  const wanted = Math.max(0, 2 * (format.precision + 2) - widthOf(significand));
  const places = wanted + ((exponent - wanted) & 1);
  const scaled = significand << BigInt(places);
  const root = integerRoot(scaled);
  const half = (exponent - places) / 2;
  return round(format, { negative: false, significand: root, exponent: half }, env, root * root !== scaled);
}

/** The greatest integer whose square is not above a positive one: by Newton's iteration, from above. */
function integerRoot(square: bigint): bigint {
  let root = 1n << BigInt(Math.ceil(widthOf(square) / 2));
  for (;;) {
    const next = (root + square / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

/** A number of one format in the other. */
export function convert(to: Format, from: Format, env: Environment, bits: bigint): bigint {
  if (isNan(from, bits)) return isSignaling(from, bits) ? invalid(to, env) : to.nan;
  if (isInfinite(from, bits)) return signed(to, isNegative(from, bits), to.infinity);
  return round(to, finite(from, bits), env);
}

export const fromInteger = (format: Format, env: Environment, value: bigint): bigint =>
  round(format, { negative: value < 0n, significand: value < 0n ? -value : value, exponent: 0 }, env);

/** The integer nearest to a number, between `least` and `most`: what lies beyond becomes one of these, and so does a NaN. */
export function toInteger(format: Format, env: Environment, bits: bigint, least: bigint, most: bigint): bigint {
  if (!isNan(format, bits) && !isInfinite(format, bits)) {
    const exact = finite(format, bits);
    const { value, inexact } = roundOff(exact, -exact.exponent, env.rounding);
    const integer = exact.negative ? -value : value;
    if (integer >= least && integer <= most) {
      if (inexact) env.flags |= Flag.inexact;
      return integer;
    }
  }
  env.flags |= Flag.invalid;
  return isNegative(format, bits) && !isNan(format, bits) ? least : most;
}
