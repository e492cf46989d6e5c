import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { AddressArea } from '../../../debug-adapter/protocol';
import { shortened, svgFile } from './svg-file';

const text: AddressArea = { va: '0x0', last: '0xfff', pages: 1, flags: 0x1b, region: 'user text' };
const top: AddressArea = { va: '0x1000', last: '0x3fffffffff', pages: 2 ** 26 - 1, flags: 0 };

describe('the drawing as a file', () => {
  it('has the addresses at the borders, names and permissions', () => {
    const file = svgFile('Address space of pid 3 sh', [text, top]);
    const words = [...file.matchAll(/<text[^>]*>([^<]*)</g)].map(([, one]) => one);
    assert.deepEqual(words, [
      ...['Address space of pid 3 sh', '0x4000000000'],
      ...['0x1000', 'not mapped', '', '256 GiB'],
      ...['0x0', 'text', 'R-XU', '4 KiB → scattered frames'],
    ]);
    assert.equal(file.match(/<rect/g)?.length, 3);
  });

  it('keeps what a guest says from being markup', () => {
    const region = '</text><script>alert("&")</script>\u0000\ud800';
    const file = svgFile(region, [{ ...text, region }]);
    assert.doesNotMatch(file, /<script|\u0000|\ud800/);
    assert.match(file, /&#60;script&#62;alert\(&#34;&#38;&#34;\)/);
  });

  it('cuts a name that does not fit', () => {
    assert.equal(shortened('text'), 'text');
    assert.equal(shortened('x'.repeat(100)).length, 36);
  });

  it('is whole also where there is nothing to draw', () => {
    assert.match(svgFile('nothing', []), /<svg[^]*<\/svg>/);
  });
});
