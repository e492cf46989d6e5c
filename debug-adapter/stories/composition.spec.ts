import assert from 'node:assert/strict';
import { addressOf } from './composition';
import type { FrameValue } from './frame-values';
import type { StoryGuest } from './happened';

describe('the address that a function is about', () => {
  const NOBODY = {} as StoryGuest;
  const one = (name: string, value = 0x1000_0000n, more: Partial<FrameValue> = {}): FrameValue => ({
    ...{ name, kind: 'address', value, isParameter: true, isPointer: false },
    ...more,
  });
  const table = one('pagetable', 0x87f60000n, { kind: 'table' });
  const named = (...values: FrameValue[]): string | undefined => addressOf(NOBODY, values)?.name;

  it('may be a physical one, but not what is called a virtual one', () => {
    for (const name of ['pa', 'pa0', 'mem', 'page', 'phys', 'a', 'value']) assert.equal(named(one(name)), name);
    for (const name of ['va', 'va0', 'srcva', 'dstva', 'uva', 'vaddr', 'va_addr', 'fault_va']) {
      assert.equal(named(one(name)), undefined, name);
      assert.equal(named(one(name), one('pa')), 'pa');
    }
    assert.equal(named(one('pa', 0n)), undefined, 'the first page is a null pointer’s');
    assert.equal(named(one('pa', 1n << 56n)), undefined, 'no physical address has as many bits');
    assert.equal(named(one('length', 0x1234n)), undefined, 'no page begins there');
    assert.equal(named(one('n', 0x1000n, { kind: 'number' })), undefined);
  });

  it('is one that no table can have, where there is a table', () => {
    assert.equal(named(table, one('va', 1n << 38n)), 'va');
    assert.equal(named(one('va', 1n << 38n)), undefined);
    assert.equal(named(table, one('va', (1n << 38n) - 0x1000n)), undefined);
    assert.equal(named(table, one('va', 0xffff_ffc0_0000_0000n)), undefined, 'the upper half is Sv39, too');
  });

  it('is one that an int has become, before all others', () => {
    assert.equal(named(one('pa'), one('n', 0xffff_ffff_8000_1000n)), 'n');
    assert.equal(named(one('pa'), one('n', 0xffff_fffe_8000_1000n)), 'pa');
  });
});
