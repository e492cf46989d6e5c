import assert from 'node:assert/strict';
import { encode } from '../../testing/encode';
import { type ReadBytes, instructionAt, instructionsFrom, wordAt } from './instruction-at';

/** Memory that begins at 0x1000 and can be read in pieces that lie in one page. */
function memory(...halves: readonly number[]): ReadBytes {
  const bytes = new Uint8Array(new Uint16Array(halves).buffer);
  return (address, length) => {
    const at = Number(address - 0x1000n);
    const crosses = (Number(address) % 4096) + length > 4096;
    return at < 0 || at + length > bytes.length || crosses ? undefined : bytes.slice(at, at + length);
  };
}
const C_LI = 0x4501;
const WORD = encode('lui', { rd: 10, imm: 0x12345 });
const [low, high] = [WORD & 0xffff, WORD >>> 16];

describe('the instruction at an address', () => {
  it('has two bytes or four', () => {
    const read = memory(C_LI, low, high);
    assert.equal(wordAt(read, 0x1000n), C_LI);
    assert.equal(instructionAt(read, 0x1000n)?.length, 2);
    assert.equal(wordAt(read, 0x1002n), WORD);
    assert.deepEqual(instructionAt(read, 0x1002n)?.imm, 0x12345000);
  });

  it('may be the last two bytes of what can be read, but not half of one', () => {
    assert.equal(instructionAt(memory(C_LI), 0x1000n)?.length, 2);
    assert.equal(instructionAt(memory(low), 0x1000n), undefined);
    assert.equal(instructionAt(memory(C_LI), 0x1002n), undefined);
  });

  it('may lie in two pages', () => {
    const read = memory(...new Array<number>(2047).fill(C_LI), low, high);
    assert.equal(wordAt(read, 0x1ffen), WORD);
  });

  it('is followed by others, illegal ones too, up to an end or to where nothing can be read', () => {
    const read = memory(C_LI, 0, low, high, low);
    const seen = [...instructionsFrom(read, 0x1000n)].map(({ address, decoded }) => [address, decoded?.length]);
    assert.deepEqual(seen, [
      [0x1000n, 2],
      [0x1002n, undefined],
      [0x1004n, 4],
    ]);
    assert.equal([...instructionsFrom(read, 0x1000n, 0x1004n)].length, 2);
  });
});
