import { strict as assert } from 'node:assert';
import { Frames } from './frames';

const START = 0x80000;
const [ALLOCATED, FREED] = [
  { site: 0x8000_0100n, pid: 3 },
  { site: 0x8000_0200n, pid: 0 },
];

describe('the frames of RAM', () => {
  it('are known by the last call of each kind', () => {
    const frames = new Frames(START, 1000);
    assert.deepEqual(
      [frames.state(START), frames.allocation(START), frames.free(START)],
      ['unknown', undefined, undefined],
    );
    frames.allocated(START + 999, ALLOCATED);
    assert.deepEqual([frames.state(START + 999), frames.allocation(START + 999)], ['allocated', ALLOCATED]);
    frames.freed(START + 999, FREED);
    assert.deepEqual(
      [frames.state(START + 999), frames.allocation(START + 999), frames.free(START + 999)],
      ['freed', ALLOCATED, FREED],
    );
    frames.foundFree(START + 1);
    assert.deepEqual([frames.state(START + 1), frames.free(START + 1)], ['freed', undefined]);
    assert.deepEqual(
      [START - 1, START, START + 999, START + 1000].map((page) => frames.has(page)),
      [false, true, true, false],
    );
    frames.clear();
    assert.equal(frames.state(START + 999), 'unknown');
  });

  it('are saved as they were, whatever comes after', () => {
    const frames = new Frames(START, 1000);
    frames.allocated(START, ALLOCATED);
    const saved = frames.save();
    frames.freed(START, FREED);
    const later = frames.save();
    frames.restore(saved);
    assert.deepEqual([frames.state(START), frames.free(START)], ['allocated', undefined]);
    frames.allocated(START, FREED);
    frames.restore(saved);
    assert.deepEqual(frames.allocation(START), ALLOCATED, 'a restored state is not written to');
    frames.restore(later);
    assert.deepEqual([frames.state(START), frames.free(START)], ['freed', FREED]);
  });

  it('are not restored from what no frames have saved', () => {
    const frames = new Frames(START, 256);
    const words = (...values: number[]): Uint8Array => {
      const all = new Int32Array(256 * 5);
      all.set(values);
      return new Uint8Array(all.buffer);
    };
    const restore =
      (sites: bigint[], ...chunks: Uint8Array[]) =>
      () =>
        frames.restore({ sites, chunks });
    restore([0n], words())();
    assert.throws(restore([0n]), /chunks/);
    assert.throws(restore([0n], new Uint8Array(8)), /expected the words of its pages/);
    assert.throws(restore([0n], words(3)), /known states and sites/);
    assert.throws(restore([0n], words(1, 1)), /known states and sites/);
  });
});
