import assert from 'node:assert/strict';
import { PTE, pteOf } from '../../emulator/isa/sv39';
import { changeText } from './searches';

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
