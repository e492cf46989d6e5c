import assert from 'node:assert/strict';
import { PTE } from '../../emulator/isa/sv39';
import { TestMemory } from '../../emulator/testing/page-tables';
import { hasUserPages, isRootByContent } from './root-content';

const { R, W, X, U, V } = PTE;

describe('the root of a page table by its content', () => {
  const memory = new TestMemory();
  const user = memory.page();
  memory.map(user, 0x1000n, 0x80101000n, R | W | U);
  memory.map(user, 0x3ffffff000n, 0x80002000n, R | X);
  const lowerOf = (table: bigint): bigint => (memory.readU64(table)! >> 10n) << 12n;

  it('is that of a user table and of one of superpages', () => {
    assert.equal(isRootByContent(memory, user, false), true);
    const kernel = memory.page();
    memory.map(kernel, 0x80000000n, 0x80000000n, R | W | X, 2);
    assert.equal(isRootByContent(memory, kernel, false), true);
  });

  it('is no lower table: what is a leaf there would be a misaligned superpage', () => {
    const middle = lowerOf(user);
    assert.equal(isRootByContent(memory, middle, false), false);
    assert.equal(isRootByContent(memory, lowerOf(middle), false), false);
  });

  it('is nothing else: freed pages, data, places outside RAM and between pages', () => {
    const [freed, data] = [memory.page(), memory.page()];
    memory.write(freed, new Uint8Array(4096).fill(1));
    memory.writeU64(data, 0x12345678n);
    for (const page of [freed, data, user + 8n, 0x1000n, 0n]) assert.equal(isRootByContent(memory, page, true), false);
    memory.writeU64(data, (0x200000n << 10n) | BigInt(V));
    assert.equal(isRootByContent(memory, data, true), false, 'it leads outside RAM');
  });

  it('is a page of zeroes only where a table is expected', () => {
    const empty = memory.page();
    assert.equal(isRootByContent(memory, empty, true), true);
    assert.equal(isRootByContent(memory, empty, false), false);
  });

  it('tells whether user mode may use any of it', () => {
    assert.equal(hasUserPages(memory, user), true);
    const kernel = memory.page();
    memory.map(kernel, 0x80000000n, 0x80000000n, R | W | X, 2);
    assert.equal(hasUserPages(memory, kernel), false);
  });
});
