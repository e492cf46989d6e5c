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
