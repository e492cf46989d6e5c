/**
 * Comparisons of IEEE 754 numbers, minimum and maximum, and classes of numbers: what does not round. IEEE 754-2019, sections
 * 5.11 and 9.6; RISC-V unprivileged specification, sections 11.6, 11.8 and 11.9.
 */
import {
  type Environment,
  Flag,
  type Format,
  isInfinite,
  isNan,
  isNegative,
  isSignaling,
  isZero,
  magnitude,
} from './format';

/** The order of two numbers that are not NaN, as the sign of a difference. -0 comes before +0 only if `signs` is set. */
function order(format: Format, a: bigint, b: bigint, signs = false): number {
  if (!signs && isZero(format, a) && isZero(format, b)) return 0;
  const key = (bits: bigint): bigint => (isNegative(format, bits) ? -magnitude(format, bits) - 1n : bits);
  const difference = key(a) - key(b);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** Whether the order of a and b is one that `holds` accepts: never with a NaN, which is invalid if it signals or `ordered` is set. */
function compare(
  format: Format,
  env: Environment,
  a: bigint,
  b: bigint,
  ordered: boolean,
  holds: (order: number) => boolean,
): bigint {
  if (isNan(format, a) || isNan(format, b)) {
    if (ordered || isSignaling(format, a) || isSignaling(format, b)) env.flags |= Flag.invalid;
    return 0n;
  }
  return holds(order(format, a, b)) ? 1n : 0n;
}

export const equal = (format: Format, env: Environment, a: bigint, b: bigint): bigint =>
  compare(format, env, a, b, false, (order) => order === 0);
export const less = (format: Format, env: Environment, a: bigint, b: bigint): bigint =>
  compare(format, env, a, b, true, (order) => order < 0);
export const lessOrEqual = (format: Format, env: Environment, a: bigint, b: bigint): bigint =>
  compare(format, env, a, b, true, (order) => order <= 0);

/** minimumNumber and maximumNumber: a NaN gives way to a number. */
function extreme(format: Format, env: Environment, a: bigint, b: bigint, wanted: 1 | -1): bigint {
  if (isSignaling(format, a) || isSignaling(format, b)) env.flags |= Flag.invalid;
  if (isNan(format, a)) return isNan(format, b) ? format.nan : b;
  if (isNan(format, b)) return a;
  return order(format, a, b, true) === wanted ? a : b;
}
export const minimum = (format: Format, env: Environment, a: bigint, b: bigint): bigint =>
  extreme(format, env, a, b, -1);
export const maximum = (format: Format, env: Environment, a: bigint, b: bigint): bigint =>
  extreme(format, env, a, b, 1);

/** One bit of ten: -infinity, a negative normal number, subnormal, -0, +0, positive ones, +infinity, signaling and quiet NaN. */
export function classify(format: Format, bits: bigint): bigint {
  if (isNan(format, bits)) return isSignaling(format, bits) ? 1n << 8n : 1n << 9n;
  const isSubnormal = magnitude(format, bits) < 1n << BigInt(format.precision - 1);
  const kind = isInfinite(format, bits) ? 0 : isZero(format, bits) ? 3 : isSubnormal ? 2 : 1;
  return 1n << BigInt(isNegative(format, bits) ? kind : 7 - kind);
}
