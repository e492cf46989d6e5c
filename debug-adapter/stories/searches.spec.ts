import assert from 'node:assert/strict';
import { PTE, pteOf } from '../../emulator/isa/sv39';
import { changeText, isSweep } from './searches';

describe('a write of a page-table entry in words', () => {
  const leaf = pteOf(0x8000_1000n, PTE.V | PTE.R);

  it('has the entry before and after it', () => {
    assert.match(changeText(0n, leaf), /^0 → 0x20000403 \(PA 0x80001000, V R/);
    assert.match(changeText(leaf, leaf), /, as it was$/);
  });

  it('has no flags of what fills a page, and has them of what only looks like it', () => {
    assert.equal(changeText(0n, 0x0101010101010101n), '0 → bytes of 0x01');
    assert.equal(changeText(0x0505050505050505n, 0n), 'bytes of 0x05 → 0');
    assert.match(changeText(0n, 0x0101010101010103n), /PA 0x4040404040000, V R/);
  });
});

describe('a store that fills a page', () => {
  const FRESH = 0x0505050505050505n;
  const FREED = 0x0101010101010101n;
  const ENTRY = 0x20040007n;
  /** A page whose words before and behind the fifth are these, in which that is stored. */
  const isOne = (below: bigint, before: bigint, after: bigint, above: bigint, index = 5): boolean => {
    const words = BigUint64Array.from({ length: 512 }, (_, at) => (at < index ? below : at > index ? above : after));
    const bytes = new Uint8Array(words.buffer);
    return isSweep({ read: () => bytes }, 0x8000_1000n + BigInt(8 * index), before, after);
  };

  it('has the same before it, and what was there behind it', () => {
    assert.equal(isOne(0n, FRESH, 0n, FRESH), true);
    assert.equal(isOne(FREED, ENTRY, FREED, 0n), true);
    assert.equal(isOne(FREED, ENTRY, FREED, ENTRY), true);
  });

  it('is not one of an entry alone, in a table that was never cleared or is nearly empty', () => {
    assert.equal(isOne(FRESH, FRESH, 0n, FRESH), false);
    assert.equal(isOne(0n, ENTRY, 0n, 0n), false);
    assert.equal(isOne(0n, 0n, 0n, 0n), false);
    assert.equal(isOne(0n, FRESH, 0n, 0n), false);
    assert.equal(isOne(0n, 0n, ENTRY, 0n), false);
    assert.equal(isOne(0n, 0n, FREED, 0n), false);
    // Of the first word it is not known.
    assert.equal(isOne(0n, FRESH, 0n, FRESH, 0), false);
  });
});
