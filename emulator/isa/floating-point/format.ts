/**
 * The numbers of IEEE 754: taking them apart, and rounding an exact value to one, with the exceptions that this raises. Exact
 * in every case and written to be plainly right; generated code does what is common. IEEE 754-2019, sections 3.4, 4.3 and 7;
 * RISC-V unprivileged specification, chapter 11.
 */

/** Rounding modes by their encoding in `rm` and `frm` (table 11.1). */
export const enum Rounding {
  nearestEven,
  towardZero,
  down,
  up,
  nearestAway,
}

/** Exceptions, as bits of fflags (table 11.2). */
export const enum Flag {
  inexact = 1,
  underflow = 2,
  overflow = 4,
  divideByZero = 8,
  invalid = 16,
}

/** How operations round, and which exceptions they have raised. */
export interface Environment {
  readonly rounding: Rounding;
  flags: number;
}

export interface Format {
  /** Bits of the significand, the hidden one included. */
  readonly precision: number;
  /** Exponent of the least normal number's lowest bit. */
  readonly lowest: number;
  /** As bits: infinity, the NaN that every operation gives, the sign, the bit of a quiet NaN. */
  readonly infinity: bigint;
  readonly nan: bigint;
  readonly sign: bigint;
  readonly quiet: bigint;
}

function format(precision: number, exponentBits: number): Format {
  const bias = 2 ** (exponentBits - 1) - 1;
  const infinity = ((1n << BigInt(exponentBits)) - 1n) << BigInt(precision - 1);
  const quiet = 1n << BigInt(precision - 2);
  const sign = 1n << BigInt(precision + exponentBits - 1);
  return { precision, lowest: 2 - bias - precision, infinity, nan: infinity | quiet, sign, quiet };
}

export const SINGLE = format(24, 8);
export const DOUBLE = format(53, 11);

/** A finite number: (-1)^negative * significand * 2^exponent. The significand is not negative. */
export interface Finite {
  readonly negative: boolean;
  readonly significand: bigint;
  readonly exponent: number;
}

export const isNegative = ({ sign }: Format, bits: bigint): boolean => (bits & sign) !== 0n;
export const magnitude = ({ sign }: Format, bits: bigint): bigint => bits & (sign - 1n);
export const isNan = (format: Format, bits: bigint): boolean => magnitude(format, bits) > format.infinity;
export const isInfinite = (format: Format, bits: bigint): boolean => magnitude(format, bits) === format.infinity;
export const isZero = (format: Format, bits: bigint): boolean => magnitude(format, bits) === 0n;
export const isSignaling = (format: Format, bits: bigint): boolean =>
  isNan(format, bits) && (bits & format.quiet) === 0n;
export const negated = ({ sign }: Format, bits: bigint): bigint => bits ^ sign;
export const signed = ({ sign }: Format, negative: boolean, bits: bigint): bigint => (negative ? sign | bits : bits);

/** The value of bits that are neither infinite nor no number. */
export function finite(format: Format, bits: bigint): Finite {
  const width = BigInt(format.precision - 1);
  const fraction = bits & ((1n << width) - 1n);
  const biased = Number(magnitude(format, bits) >> width);
  return {
    negative: isNegative(format, bits),
    significand: biased === 0 ? fraction : fraction | (1n << width),
    exponent: format.lowest + Math.max(biased, 1) - 1,
  };
}

/** Bits of a positive number. */
export function widthOf(value: bigint): number {
  const digits = value.toString(16);
  return digits.length * 4 - Math.clz32(parseInt(digits[0]!, 16)) + 28;
}

/** An integer that a value was rounded to, and whether that changed it. */
interface Rounded {
  readonly value: bigint;
  readonly inexact: boolean;
}

/**
 * significand / 2^places as an integer. `more`: the exact value lies above by less than one unit of the significand; at
 * least one place is dropped then.
 */
export function roundOff(
  { significand, negative }: Omit<Finite, 'exponent'>,
  places: number,
  rounding: Rounding,
  more = false,
): Rounded {
  if (places <= 0) return { value: significand << BigInt(-places), inexact: more };
  const shift = BigInt(places);
  const value = significand >> shift;
  const rest = significand - (value << shift);
  const inexact = more || rest !== 0n;
  return { value: inexact && roundsUp() ? value + 1n : value, inexact };

  function roundsUp(): boolean {
    const half = 1n << (shift - 1n);
    switch (rounding) {
      case Rounding.nearestEven:
        return rest > half || (rest === half && (more || (value & 1n) !== 0n));
      case Rounding.towardZero:
        return false;
      case Rounding.down:
        return negative;
      case Rounding.up:
        return !negative;
      case Rounding.nearestAway:
        return rest >= half;
    }
  }
}

/** The bits nearest to a value in the sense of the rounding mode; `more` as for roundOff. Zero keeps its sign. */
export function round(format: Format, exact: Finite, env: Environment, more = false): bigint {
  const { negative, significand, exponent } = exact;
  const { precision, lowest } = format;
  if (significand === 0n) return signed(format, negative, 0n);
  const normal = exponent + widthOf(significand) - precision;
  const at = Math.max(normal, lowest);
  const { value, inexact } = roundOff(exact, at - exponent, env.rounding, more);
  if (inexact) {
    env.flags |= Flag.inexact;
    if (normal < lowest && isTiny()) env.flags |= Flag.underflow;
  }
  // The significand's own carry makes the exponent one more; subnormal numbers have the exponent field 0.
  const biased = BigInt(at - lowest) << BigInt(precision - 1);
  const bits = biased + value;
  if (bits < format.infinity) return signed(format, negative, bits);
  env.flags |= Flag.overflow | Flag.inexact;
  const toInfinity =
    env.rounding === Rounding.nearestEven ||
    env.rounding === Rounding.nearestAway ||
    env.rounding === (negative ? Rounding.down : Rounding.up);
  return signed(format, negative, toInfinity ? format.infinity : format.infinity - 1n);

  /** Whether it would be below the least normal number if exponents had no bound: tininess is detected after rounding. */
  function isTiny(): boolean {
    if (normal < lowest - 1) return true;
    const unbounded = roundOff(exact, normal - exponent, env.rounding, more).value;
    return unbounded < 1n << BigInt(precision);
  }
}
