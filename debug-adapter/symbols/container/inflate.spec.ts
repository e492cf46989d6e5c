import assert from 'node:assert/strict';
import { constants, deflateSync } from 'node:zlib';
import { Random } from '../../../emulator/testing/random';
import { SymbolError } from '../api';
import { inflate } from './inflate';

describe('Decompression', () => {
  const text = new TextEncoder().encode('static inline void release(struct spinlock *lk);\n'.repeat(3000));
  const noise = Uint8Array.from(
    { length: 70_000 },
    (
      (random) => () =>
        random.below(256)
    )(new Random(7)),
  );
  const mixed = Uint8Array.from([...text.subarray(0, 9000), ...noise.subarray(0, 9000), ...new Array<number>(9000)]);

  for (const [what, bytes] of Object.entries({ text, noise, mixed, nothing: new Uint8Array() })) {
    it(`undoes what zlib does to ${what}, at every level and with fixed codes`, () => {
      for (const level of [0, 1, 6, 9])
        assert.deepEqual(inflate(deflateSync(bytes, { level }), bytes.length, 'it'), bytes);
      for (const strategy of [constants.Z_FIXED, constants.Z_HUFFMAN_ONLY, constants.Z_RLE])
        assert.deepEqual(inflate(deflateSync(bytes, { strategy }), bytes.length, 'it'), bytes);
    });
  }

  it('never makes more than was announced', () => {
    const bomb = deflateSync(new Uint8Array(10_000_000));
    assert.throws(() => inflate(bomb, 1000, '.debug_info'), /\.debug_info, decompressed, is longer than 1000 bytes/);
    assert.throws(() => inflate(deflateSync(text), text.length + 1, 'it'), /has 147000 bytes and should have 147001/);
  });

  it('refuses any damage, or survives it', () => {
    const random = new Random(1);
    const whole = deflateSync(mixed);
    assert.throws(() => inflate(whole.subarray(0, whole.length / 2), mixed.length, 'it'), /ends too early/);
    assert.throws(() => inflate(text, 10, 'it'), /is not what zlib writes/);
    for (let round = 0; round < 300; round++) {
      const damaged = Uint8Array.from(whole);
      for (let flips = random.below(4); flips >= 0; flips--) damaged[random.below(damaged.length)] = random.below(256);
      try {
        assert.equal(inflate(damaged, mixed.length, 'it').length, mixed.length);
      } catch (error) {
        assert.ok(error instanceof SymbolError, String(error));
      }
    }
  });
});
