import assert from 'node:assert/strict';
import fc from 'fast-check';
import { add, convert, divide, fromInteger, fuse, multiply, squareRoot, subtract, toInteger } from './arithmetic';
import { DOUBLE, Flag, Rounding, SINGLE } from './format';

const view = new DataView(new ArrayBuffer(8));
const bitsOf = (value: number): bigint => (view.setFloat64(0, value), view.getBigUint64(0));
const valueOf = (bits: bigint): number => (view.setBigUint64(0, bits), view.getFloat64(0));
const singleOf = (value: number): bigint => (view.setFloat32(0, value), BigInt(view.getUint32(0)));
const nearest = () => ({ rounding: Rounding.nearestEven, flags: 0 });
const ONE = bitsOf(1);
const LEAST_NORMAL = 1n << 52n;
const GREATEST = DOUBLE.infinity - 1n;

describe('floating-point arithmetic', () => {
  const any = fc.oneof(fc.double(), fc.bigInt(0n, (1n << 64n) - 1n).map(valueOf), fc.integer());
  const canonical = (value: number): bigint => (Number.isNaN(value) ? DOUBLE.nan : bitsOf(value));

  it("rounds doubles to nearest as the host's does", () => {
    fc.assert(
      fc.property(any, any, (x, y) => {
        const [a, b] = [bitsOf(x), bitsOf(y)];
        assert.equal(add(DOUBLE, nearest(), a, b), canonical(x + y));
        assert.equal(subtract(DOUBLE, nearest(), a, b), canonical(x - y));
        assert.equal(multiply(DOUBLE, nearest(), a, b), canonical(x * y));
        assert.equal(divide(DOUBLE, nearest(), a, b), canonical(x / y));
        assert.equal(squareRoot(DOUBLE, nearest(), a), canonical(Math.sqrt(x)));
        if (!Number.isNaN(x)) assert.equal(convert(SINGLE, DOUBLE, nearest(), a), singleOf(x));
      }),
      { numRuns: 500 },
    );
  });

  it('rounds once where a product is added to', () => {
    // (1 + 2^-52)^2 - (1 + 2^-51) = 2^-104, which multiplying first would lose.
    const env = nearest();
    assert.equal(valueOf(fuse(DOUBLE, env, ONE + 1n, ONE + 1n, bitsOf(-1 - 2 ** -51))), 2 ** -104);
    assert.equal(env.flags, 0);
  });

  it('detects tininess after rounding', () => {
    const half = bitsOf(0.5);
    // Just below the least normal number: with one more bit it would not be rounded up to it.
    const above = { rounding: Rounding.up, flags: 0 };
    assert.equal(multiply(DOUBLE, above, 2n * LEAST_NORMAL - 1n, half), LEAST_NORMAL);
    assert.equal(above.flags, Flag.inexact | Flag.underflow);
    // 2^-1022 (1 - 2^-106): rounded to 53 bits without a bound of exponents it is 2^-1022.
    const product = nearest();
    const [a, b] = [bitsOf(2 ** -511) + 1n, bitsOf(2 ** -511) - 2n];
    assert.equal(multiply(DOUBLE, product, a, b), LEAST_NORMAL);
    assert.equal(product.flags, Flag.inexact);
  });

  it('goes to infinity, or not, by the rounding mode', () => {
    for (const [rounding, result] of [
      [Rounding.nearestEven, DOUBLE.infinity],
      [Rounding.towardZero, GREATEST],
      [Rounding.down, GREATEST],
      [Rounding.up, DOUBLE.infinity],
      [Rounding.nearestAway, DOUBLE.infinity],
    ] as const) {
      const env = { rounding, flags: 0 };
      assert.equal(add(DOUBLE, env, GREATEST, GREATEST), result);
      assert.equal(env.flags, Flag.overflow | Flag.inexact);
    }
  });

  it('tells invalid operations and divisions by zero', () => {
    const flagsOf = (make: (env: { rounding: Rounding; flags: number }) => bigint): number => {
      const env = nearest();
      make(env);
      return env.flags;
    };
    const [zero, infinity, quiet] = [0n, DOUBLE.infinity, DOUBLE.nan];
    assert.equal(
      flagsOf((env) => divide(DOUBLE, env, ONE, zero)),
      Flag.divideByZero,
    );
    assert.equal(
      flagsOf((env) => divide(DOUBLE, env, zero, zero)),
      Flag.invalid,
    );
    assert.equal(
      flagsOf((env) => subtract(DOUBLE, env, infinity, infinity)),
      Flag.invalid,
    );
    assert.equal(
      flagsOf((env) => add(DOUBLE, env, quiet, ONE)),
      0,
    );
    assert.equal(
      flagsOf((env) => add(DOUBLE, env, infinity + 1n, ONE)),
      Flag.invalid,
    );
    // Infinity times zero is invalid with a quiet NaN to be added, too.
    assert.equal(
      flagsOf((env) => fuse(DOUBLE, env, infinity, zero, quiet)),
      Flag.invalid,
    );
  });

  it('takes integers, and gives them within their bounds', () => {
    const [least, most] = [-(2n ** 31n), 2n ** 31n - 1n];
    const word = (value: number, rounding: Rounding): [bigint, number] => {
      const env = { rounding, flags: 0 };
      return [toInteger(DOUBLE, env, bitsOf(value), least, most), env.flags];
    };
    assert.deepEqual(word(2.5, Rounding.nearestEven), [2n, Flag.inexact]);
    assert.deepEqual(word(2.5, Rounding.nearestAway), [3n, Flag.inexact]);
    assert.deepEqual(word(-2.5, Rounding.up), [-2n, Flag.inexact]);
    assert.deepEqual(word(-2.5, Rounding.down), [-3n, Flag.inexact]);
    assert.deepEqual(word(2 ** 31 - 0.5, Rounding.towardZero), [most, Flag.inexact]);
    assert.deepEqual(word(2 ** 31 - 0.5, Rounding.up), [most, Flag.invalid]);
    assert.deepEqual(word(-Infinity, Rounding.up), [least, Flag.invalid]);
    assert.deepEqual(word(NaN, Rounding.up), [most, Flag.invalid]);
    assert.equal(fromInteger(SINGLE, { rounding: Rounding.down, flags: 0 }, 2n ** 64n - 1n), singleOf(2 ** 64) - 1n);
  });
});
