import assert from 'node:assert/strict';
import fc from 'fast-check';
import { encode } from '../../testing/encode';
import { carrylessProduct } from './bit-manipulation';
import { decode } from './decode';
import { instructionResult } from './evaluate';

const M = (1n << 64n) - 1n;
const u32 = (a: bigint) => BigInt.asUintN(32, a);
const signed = (a: bigint) => BigInt.asIntN(64, a);
/** Bits from the lowest up. */
const bits = (a: bigint, width = 64) => [...a.toString(2).padStart(width, '0').slice(-width)].reverse().map(Number);
const bytes = (a: bigint) => Array.from({ length: 8 }, (_, i) => (a >> BigInt(8 * i)) & 255n);
const joined = (list: bigint[]) => list.reduce((sum, byte, i) => sum | (byte << BigInt(8 * i)), 0n);
const until1 = (list: number[]) => BigInt(list.includes(1) ? list.indexOf(1) : list.length);
const ones = (list: number[]) => BigInt(list.filter((one) => one === 1).length);
const right = (a: bigint, by: bigint, width: bigint) => (a >> by) | (a << ((width - by) % width));

/** What each instruction computes, in the words of the specification. */
const MODEL: Readonly<Record<string, (a: bigint, b: bigint) => bigint>> = {
  'add.uw': (a, b) => u32(a) + b,
  sh1add: (a, b) => a * 2n + b,
  sh2add: (a, b) => a * 4n + b,
  sh3add: (a, b) => a * 8n + b,
  'sh1add.uw': (a, b) => u32(a) * 2n + b,
  'sh2add.uw': (a, b) => u32(a) * 4n + b,
  'sh3add.uw': (a, b) => u32(a) * 8n + b,
  'slli.uw': (a, b) => u32(a) << (b % 64n),
  andn: (a, b) => a & ~b,
  orn: (a, b) => a | (~b & M),
  xnor: (a, b) => ~(a ^ b),
  clz: (a) => until1(bits(a).reverse()),
  ctz: (a) => until1(bits(a)),
  cpop: (a) => ones(bits(a)),
  clzw: (a) => until1(bits(a, 32).reverse()),
  ctzw: (a) => until1(bits(a, 32)),
  cpopw: (a) => ones(bits(a, 32)),
  max: (a, b) => (signed(a) > signed(b) ? a : b),
  maxu: (a, b) => (a > b ? a : b),
  min: (a, b) => (signed(a) < signed(b) ? a : b),
  minu: (a, b) => (a < b ? a : b),
  'sext.b': (a) => BigInt.asIntN(8, a),
  'sext.h': (a) => BigInt.asIntN(16, a),
  'zext.h': (a) => BigInt.asUintN(16, a),
  rol: (a, b) => right(a, (64n - (b % 64n)) % 64n, 64n),
  ror: (a, b) => right(a, b % 64n, 64n),
  rori: (a, b) => right(a, b % 64n, 64n),
  rolw: (a, b) => BigInt.asIntN(32, right(u32(a), (32n - (b % 32n)) % 32n, 32n)),
  rorw: (a, b) => BigInt.asIntN(32, right(u32(a), b % 32n, 32n)),
  roriw: (a, b) => BigInt.asIntN(32, right(u32(a), b % 32n, 32n)),
  'orc.b': (a) => joined(bytes(a).map((byte) => (byte === 0n ? 0n : 255n))),
  rev8: (a) => joined(bytes(a).reverse()),
  bclr: (a, b) => a & ~(1n << (b % 64n)),
  bext: (a, b) => (a >> (b % 64n)) & 1n,
  binv: (a, b) => a ^ (1n << (b % 64n)),
  bset: (a, b) => a | (1n << (b % 64n)),
};
for (const name of ['bclr', 'bext', 'binv', 'bset']) Object.assign(MODEL, { [`${name}i`]: MODEL[name] });

describe('bit manipulation', () => {
  const any = fc.oneof(
    fc.bigInt(0n, M),
    fc.integer({ min: 0, max: 63 }).map((i) => 1n << BigInt(i)),
    fc.constant(0n),
  );
  for (const [name, model] of Object.entries(MODEL)) {
    it(name, () => {
      fc.assert(
        fc.property(any, any, (a, b) => {
          const amount = Number(b % (name.endsWith('w') && name !== 'slli.uw' ? 32n : 64n));
          const decoded = decode(encode(name, { rd: 5, rs1: 6, rs2: 7, imm: amount }) | 0)!;
          const rs2 = decoded.instruction.hasRs2 ? b : BigInt(amount);
          const result = instructionResult(decoded, { rs1: a, rs2: b, pc: 0n });
          assert.equal(result, BigInt.asUintN(64, model(a, rs2)));
        }),
      );
    });
  }

  it('multiplies without carries', () => {
    assert.equal(carrylessProduct(0b101n, 0b11n), 0b1111n);
    assert.equal(carrylessProduct(M, M) >> 64n, 0x5555_5555_5555_5555n);
  });
});
