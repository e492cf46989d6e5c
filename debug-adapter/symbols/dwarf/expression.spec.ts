import assert from 'node:assert/strict';
import fc from 'fast-check';
import { SymbolError, type Location } from '../api';
import { At, Encoding, Op } from './constants';
import { type ExpressionFrame, Unavailable, evaluateLocation, evaluateValue, NO_UNIT } from './expression';
import { Bytes } from '../../../emulator/testing/bytes';

const MASK = (1n << 64n) - 1n;

/** A frame in which register n is 0x1000 + n, and each word of memory is its own address. */
const frame: ExpressionFrame = {
  register: (number) => 0x1000n + BigInt(number),
  registerLocation: (register) => ({ kind: 'register', register }),
  read: (address, length) => {
    if (address < 0x100n) throw new Unavailable();
    return new Bytes().u64(address).toArray().subarray(0, length);
  },
  frameBase: () => 0x8000n,
  cfa: () => 0x9000n,
  entryValue: (expression) => BigInt(expression.length) + 0x500n,
};

/** At offset 0x20 signed char, at 0x30 unsigned int, at 0x40 float. */
const unit = {
  ...NO_UNIT,
  addressAt: (index: number) => BigInt(index) * 0x10n,
  dieAt: (offset: number) => ({
    number: (name: number) => {
      const [size, encoding] =
        offset === 0x20 ? [1, Encoding.signed] : offset === 0x30 ? [4, Encoding.unsigned] : [4, Encoding.float];
      return name === At.byteSize ? size : encoding;
    },
  }),
};

function locate(...bytes: number[]): Location {
  return evaluateLocation(unit, Uint8Array.from(bytes), frame);
}

function value(...bytes: number[]): bigint {
  return evaluateValue(unit, Uint8Array.from([...bytes, Op.stackValue]), frame);
}

function binary(op: number, left: bigint, right: bigint): bigint {
  return value(Op.const8u, ...new Bytes().u64(left).toArray(), Op.const8u, ...new Bytes().u64(right).toArray(), op);
}

describe('DWARF expressions', () => {
  it('tell places', () => {
    assert.deepEqual(locate(), { kind: 'optimized-out' });
    assert.deepEqual(locate(Op.reg0 + 10), { kind: 'register', register: 10 });
    assert.deepEqual(locate(Op.regx, 33), { kind: 'register', register: 33 });
    assert.deepEqual(locate(Op.breg0 + 2, 0x70), { kind: 'memory', address: 0x1002n - 16n });
    assert.deepEqual(locate(Op.bregx, 8, 4), { kind: 'memory', address: 0x100cn });
    assert.deepEqual(locate(Op.fbreg, 0x68), { kind: 'memory', address: 0x8000n - 24n });
    assert.deepEqual(locate(Op.callFrameCfa), { kind: 'memory', address: 0x9000n });
    assert.deepEqual(locate(Op.addr, 1, 2, 0, 0, 0, 0, 0, 0), { kind: 'memory', address: 0x201n });
    assert.deepEqual(locate(Op.addrx, 3), { kind: 'memory', address: 0x30n });
    assert.deepEqual(locate(Op.lit0 + 5, Op.stackValue), { kind: 'value', value: 5n });
    assert.deepEqual(locate(Op.implicitValue, 2, 7, 8), { kind: 'bytes', bytes: Uint8Array.of(7, 8) });
    assert.deepEqual(locate(Op.entryValue, 1, Op.reg0 + 10, Op.stackValue), { kind: 'value', value: 0x501n });
    assert.deepEqual(evaluateLocation(unit, Uint8Array.of(Op.plusUconst, 4), frame, 0x100n), {
      kind: 'memory',
      address: 0x104n,
    });
  });

  it('tell values in pieces', () => {
    assert.deepEqual(locate(Op.reg0 + 10, Op.piece, 4, Op.piece, 2, Op.lit0 + 1, Op.stackValue, Op.piece, 2), {
      kind: 'pieces',
      pieces: [
        { location: { kind: 'register', register: 10 }, size: 4 },
        { location: { kind: 'optimized-out' }, size: 2 },
        { location: { kind: 'value', value: 1n }, size: 2 },
      ],
    });
    assert.throws(() => locate(Op.lit0, Op.bitPiece, 3, 0), Unavailable);
  });

  it('push constants of every size and sign', () => {
    assert.equal(value(Op.const1u, 0xff), 0xffn);
    assert.equal(value(Op.const1s, 0xff), MASK);
    assert.equal(value(Op.const2u, 0xfe, 0xff), 0xfffen);
    assert.equal(value(Op.const2s, 0xfe, 0xff), MASK - 1n);
    assert.equal(value(Op.const4u, 0, 0, 0, 0x80), 0x80000000n);
    assert.equal(value(Op.const4s, 0, 0, 0, 0x80), 0xffffffff80000000n);
    assert.equal(value(Op.const8s, 255, 255, 255, 255, 255, 255, 255, 255), MASK);
    assert.equal(value(Op.constu, 0x80, 1), 128n);
    assert.equal(value(Op.consts, 0x7f), MASK);
    assert.equal(value(Op.constx, 2), 0x20n);
    assert.equal(value(Op.lit0 + 31), 31n);
  });

  it('rearrange the stack', () => {
    const three = [Op.lit0 + 1, Op.lit0 + 2, Op.lit0 + 3];
    assert.equal(value(...three, Op.drop), 2n);
    assert.equal(value(...three, Op.dup, Op.plus), 6n);
    assert.equal(value(...three, Op.over), 2n);
    assert.equal(value(...three, Op.pick, 2), 1n);
    assert.equal(value(...three, Op.swap), 2n);
    assert.equal(value(...three, Op.rot), 2n);
    assert.equal(value(...three, Op.rot, Op.drop, Op.drop), 3n);
    assert.equal(value(Op.lit0 + 4, Op.nop), 4n);
  });

  it('compute as 64-bit machines do', () => {
    const any = fc.bigInt({ min: 0n, max: MASK });
    const signed = (bits: bigint): bigint => BigInt.asIntN(64, bits);
    fc.assert(
      fc.property(any, any, (a, b) => {
        assert.equal(binary(Op.plus, a, b), (a + b) & MASK);
        assert.equal(binary(Op.minus, a, b), (a - b) & MASK);
        assert.equal(binary(Op.mul, a, b), (a * b) & MASK);
        assert.equal(binary(Op.and, a, b), a & b);
        assert.equal(binary(Op.or, a, b), a | b);
        assert.equal(binary(Op.xor, a, b), a ^ b);
        assert.equal(binary(Op.shl, a, b % 64n), (a << (b % 64n)) & MASK);
        assert.equal(binary(Op.shr, a, b % 64n), a >> (b % 64n));
        assert.equal(binary(Op.shra, a, b % 64n), (signed(a) >> (b % 64n)) & MASK);
        assert.equal(binary(Op.shl, a, 64n + (b % 64n)), 0n);
        assert.equal(binary(Op.lt, a, b), signed(a) < signed(b) ? 1n : 0n);
        assert.equal(binary(Op.le, a, b), signed(a) <= signed(b) ? 1n : 0n);
        assert.equal(binary(Op.gt, a, b), signed(a) > signed(b) ? 1n : 0n);
        assert.equal(binary(Op.ge, a, b), signed(a) >= signed(b) ? 1n : 0n);
        assert.equal(binary(Op.eq, a, b), a === b ? 1n : 0n);
        assert.equal(binary(Op.ne, a, b), a === b ? 0n : 1n);
        if (b !== 0n) {
          assert.equal(binary(Op.div, a, b), (signed(a) / signed(b)) & MASK);
          assert.equal(binary(Op.mod, a, b), a % b);
        }
      }),
    );
    assert.throws(() => binary(Op.div, 1n, 0n), Unavailable);
    assert.equal(value(Op.consts, 0x7b, Op.abs), 5n);
    assert.equal(value(Op.lit0 + 5, Op.neg), MASK - 4n);
    assert.equal(value(Op.lit0, Op.not), MASK);
  });

  it('compute with base types', () => {
    const signedChar = 0x20;
    const unsignedInt = 0x30;
    assert.equal(value(Op.const1u, 0xff, Op.convert, signedChar, Op.convert, 0), MASK, 'a char of 0xff is -1');
    assert.equal(value(Op.const1u, 0xff, Op.gnuConvert, signedChar, Op.gnuConvert, unsignedInt), 0xffffffffn);
    assert.equal(value(Op.constType, signedChar, 1, 0x80, Op.lit0, Op.lt), 1n);
    assert.equal(value(Op.regvalType, 3, unsignedInt), 0x1003n);
    assert.equal(value(Op.const2u, 0x34, 0x12, Op.derefType, 1, signedChar), 0x34n);
    assert.throws(() => value(Op.lit0, Op.convert, 0x40), Unavailable, 'no floating point');
  });

  it('read memory, and say so where there is none', () => {
    assert.equal(value(Op.const2u, 0x34, 0x12, Op.deref), 0x1234n);
    assert.equal(value(Op.const2u, 0x34, 0x12, Op.derefSize, 1), 0x34n);
    assert.throws(() => value(Op.lit0, Op.deref), Unavailable);
  });

  it('branch, and do not run forever', () => {
    assert.equal(value(Op.lit0 + 1, Op.lit0, Op.bra, 1, 0, Op.not, Op.neg), 2n);
    assert.equal(value(Op.lit0 + 1, Op.lit0 + 1, Op.bra, 1, 0, Op.not, Op.neg), MASK);
    assert.equal(value(Op.lit0 + 1, Op.skip, 1, 0, Op.not), 1n);
    assert.throws(() => value(Op.skip, 0xfd, 0xff), /does not come to an end/);
    assert.throws(() => value(Op.lit0, Op.skip, 0xfb, 0xff), /jumps out of itself|does not come to an end/);
    assert.throws(() => value(Op.lit0, Op.dup, Op.skip, 0xfc, 0xff), SymbolError);
  });

  it('are refused where they take what is not there', () => {
    assert.throws(() => value(Op.plus), /takes more than it has/);
    assert.throws(() => value(Op.lit0, Op.pick, 9), /takes more than it has/);
    assert.throws(() => locate(Op.const8u, 1), SymbolError);
    assert.throws(() => locate(Op.lit0, 0xfe), Unavailable, 'what a vendor adds');
    assert.throws(() => locate(Op.implicitPointer, 0, 0, 0, 0, 0), Unavailable);
  });
});
