import assert from 'node:assert/strict';
import fc from 'fast-check';
import { CONTEXT, segmentsOf, summed } from './offload';

const TRANSPORT = 2;

/** IP at 0, TCP at 20 with its sum at 36, 40 bytes of headers, 4 of content in each segment; for IPv4 and TCP. */
const context = Uint8Array.of(0, 10, 19, 0, 20, 36, 0, 0, 0, 0, 0, 0x27, 0, 40, 4, 0);

function frameOf(content: readonly number[]): Uint8Array {
  const frame = new Uint8Array(40 + content.length);
  frame.set([0x45, 0, 0, 0, 0, 7]);
  frame.set([0, 0, 0, 100], 24);
  frame[33] = 0x19;
  frame.set(content, 40);
  return frame;
}

describe('the offloads of the e1000', () => {
  it('cut a frame into segments, with their own headers', () => {
    const segments = [...segmentsOf(frameOf([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]), context, TRANSPORT)];
    const told = segments.map((one) => [[...one.slice(2, 6)], [...one.slice(24, 28)], one[33], [...one.slice(40)]]);
    assert.deepEqual(told, [
      [[0, 44, 0, 7], [0, 0, 0, 100], 0x10, [1, 2, 3, 4]],
      [[0, 44, 0, 8], [0, 0, 0, 104], 0x10, [5, 6, 7, 8]],
      [[0, 42, 0, 9], [0, 0, 0, 108], 0x19, [9, 10]],
    ]);
    for (const segment of segments) {
      // With the length, the only part of the pseudo header that is not 0 here, all of TCP sums up to nothing.
      const tcp = [...summed(segment, context, TRANSPORT).slice(20)];
      let sum = tcp.length;
      tcp.forEach((byte, index) => (sum += index % 2 === 0 ? byte * 256 : byte));
      while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
      assert.equal(sum, 0xffff);
    }
  });

  it('leave a frame whole that has no content, or whose context makes no sense', () => {
    assert.equal([...segmentsOf(frameOf([]), context, 0)].length, 1);
    const none = new Uint8Array(CONTEXT);
    assert.deepEqual([...segmentsOf(frameOf([1]), none, TRANSPORT)], [frameOf([1])]);
  });

  it('never throw, nor make segments without end', () => {
    const bytes = fc.uint8Array({ minLength: CONTEXT, maxLength: CONTEXT });
    fc.assert(
      fc.property(bytes, fc.uint8Array({ minLength: 1, maxLength: 3000 }), fc.nat(255), (any, frame, options) => {
        const segments = [...segmentsOf(frame, any, options)];
        assert.ok(segments.length <= 256);
        for (const segment of segments) summed(segment, any, options);
      }),
      { numRuns: 2000 },
    );
  });
});
