import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { frame, Framing } from './framing';

describe('Content-Length framing', () => {
  it('gives back every message, however the bytes are cut', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' })), fc.array(fc.nat(9)), (messages, cuts) => {
        const bytes = Buffer.concat(messages.map(frame));
        const framing = new Framing();
        const got: string[] = [];
        let at = 0;
        for (let turn = 0; at < bytes.length; turn++) {
          const size = (cuts[turn % (cuts.length || 1)] ?? 4) + 1;
          got.push(...framing.push(bytes.subarray(at, at + size)));
          at += size;
        }
        assert.deepEqual(got, messages);
      }),
      { numRuns: 100 },
    );
  });

  it('takes time that grows with the length of a message, and no faster', function () {
    const milliseconds = (size: number): number => {
      const bytes = frame('x'.repeat(size));
      const start = performance.now();
      const framing = new Framing();
      let got = 0;
      for (let at = 0; at < bytes.length; at += 65536)
        for (const text of framing.push(bytes.subarray(at, at + 65536))) got += text.length;
      assert.equal(got, size);
      return performance.now() - start;
    };
    milliseconds(1_000_000);
    // With the square of the length this takes a thousand times as long: much more than this. The best of a few: the machine may be busy.
    assert.ok(Math.min(...Array.from({ length: 3 }, () => milliseconds(60_000_000))) < 8000);
  });

  it('gives back what has no body', () => {
    assert.deepEqual(
      [...new Framing().push(Buffer.from('Content-Length: 0\r\n\r\nContent-Length: 1\r\n\r\nx'))],
      ['', 'x'],
    );
  });

  for (const [name, text] of [
    ['a stream that is no protocol', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['a header without end', 'x'.repeat(5000)],
    ['a message too long to be one', 'Content-Length: 99999999999\r\n\r\n'],
  ] as const) {
    it(`refuses ${name}`, () => {
      assert.throws(() => [...new Framing().push(Buffer.from(text))], Error);
    });
  }
});
