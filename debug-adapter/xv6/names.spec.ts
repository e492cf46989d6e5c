/** What the bytes of a word say of the page that it lay in. */
import { strict as assert } from 'node:assert';
import { fillingByte, pageFilling } from './names';

describe('the filling of a page', () => {
  it('is known by the bytes of xv6’s own', () => {
    assert.match(pageFilling(0x0101_0101_0101_0101n)!, /0x01 are what kfree fills a page with/);
    assert.match(pageFilling(0x0505_0505_0505_0505n)!, /0x05 are what kalloc fills a page with/);
  });

  it('of another kernel is known by eight bytes that are all the same', () => {
    assert.match(pageFilling(0x9c9c_9c9c_9c9c_9c9cn)!, /^all of its bytes are 0x9c, as in memory that was filled/);
    assert.equal(fillingByte(0x9c9c_9c9c_9c9c_9c9cn), '0x9c');
  });

  it('is none of an address, of zeroes, nor of -1', () => {
    for (const value of [0n, 0x80001234n, 0x9c9c_9c9c_9c9c_9c9dn, 0x9c9cn, 0xffff_ffff_ffff_ffffn])
      assert.equal(pageFilling(value), undefined);
    assert.equal(fillingByte(0n), undefined);
  });
});
