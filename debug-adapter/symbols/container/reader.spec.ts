import assert from 'node:assert/strict';
import fc from 'fast-check';
import { SymbolError } from '../api';
import { Budget, Reader } from './reader';

function encode(value: bigint, signed: boolean): Uint8Array {
  const bytes: number[] = [];
  for (;;) {
    const byte = Number(value & 0x7fn);
    value >>= 7n;
    const done = signed ? value === (byte & 0x40 ? -1n : 0n) : value === 0n;
    bytes.push(done ? byte : byte | 0x80);
    if (done) return Uint8Array.from(bytes);
  }
}

describe('Reader', () => {
  it('reads back every LEB128 number', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), (value) => {
        const bytes = encode(value, false);
        assert.equal(new Reader(bytes, 'b').uleb64(), value);
        if (value <= BigInt(Number.MAX_SAFE_INTEGER)) assert.equal(new Reader(bytes, 'b').uleb(), Number(value));
        else assert.throws(() => new Reader(bytes, 'b').uleb(), SymbolError);
      }),
    );
    fc.assert(
      fc.property(fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }), (value) => {
        assert.equal(new Reader(encode(value, true), 'b').sleb64(), value);
      }),
    );
    for (const value of [0, 1, 63, 64, -1, -64, -65, 127, 128, -(2 ** 40)])
      assert.equal(new Reader(encode(BigInt(value), true), 'b').sleb(), value);
  });

  it('takes padded numbers, and refuses endless ones', () => {
    assert.equal(new Reader(Uint8Array.of(0x85, 0x80, 0x80, 0), 'b').uleb(), 5);
    assert.throws(() => new Reader(new Uint8Array(100).fill(0x80), 'b').uleb64(), /more than 16 bytes/);
    assert.throws(() => new Reader(new Uint8Array(100).fill(0x80), 'b').uleb(), SymbolError);
  });

  it('never leaves its bounds, and says where it would have', () => {
    const bytes = Uint8Array.of(1, 2, 3, 4, 5);
    const reader = new Reader(bytes, '.debug_x', 0, 3);
    assert.equal(reader.u16(), 0x201);
    assert.throws(() => reader.u16(), /\.debug_x ends within a value of 2 bytes at 0x2/);
    assert.throws(() => reader.skip(-1), SymbolError);
    assert.throws(() => reader.skip(NaN), SymbolError);
    assert.throws(() => new Reader(bytes, 'b', 6), SymbolError);
    assert.throws(() => new Reader(bytes, 'b', 0, 9), SymbolError);
    assert.throws(() => new Reader(Uint8Array.of(0x61, 0x62), 'b').string(), /ends within the string/);
    assert.throws(() => new Reader(Uint8Array.of(0x61, 0), 'b', 0, 1).string(), /ends within the string/);
  });

  it('reads both sizes of unit lengths', () => {
    assert.deepEqual(new Reader(Uint8Array.of(7, 0, 0, 0), 'b').initialLength(), { length: 7, offsetSize: 4 });
    const wide = Uint8Array.of(255, 255, 255, 255, 9, 0, 0, 0, 0, 0, 0, 0);
    assert.deepEqual(new Reader(wide, 'b').initialLength(), { length: 9, offsetSize: 8 });
    assert.throws(() => new Reader(Uint8Array.of(0xf5, 255, 255, 255), 'b').initialLength(), /reserved/);
  });
});

describe('Budget', () => {
  it('ends work that the size does not explain', () => {
    const budget = new Budget(10, 'kernel');
    budget.spend(10);
    assert.throws(() => budget.spend(1), /kernel asks for more work/);
  });
});
