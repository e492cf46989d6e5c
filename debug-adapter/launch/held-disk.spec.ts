import { strict as assert } from 'node:assert';
import { HeldDisk } from './held-disk';

const sector = (byte: number): Uint8Array => new Uint8Array(512).fill(byte);

function setUp() {
  const file = new Map<number, number>();
  let flushes = 0;
  const disk = new HeldDisk({
    ...{ sectors: 8, readOnly: false, read: () => undefined, close: () => undefined },
    written: (first, bytes) => {
      for (let at = 0; at < bytes.length; at += 512) file.set(first + at / 512, bytes[at]!);
    },
    flush: () => void flushes++,
  });
  return { file, disk, flushes: () => flushes };
}

describe('the image of a run that can go back', () => {
  it('keeps what the present has on its disk, until the machine is there again or begins another future', () => {
    const { file, disk, flushes } = setUp();
    disk.image.written!(1, sector(1));
    disk.hold();
    disk.image.written!(1, new Uint8Array([...sector(2), ...sector(3)]));
    disk.image.written!(2, sector(4));
    disk.image.flush!();
    assert.deepEqual([...file], [[1, 1]]);
    assert.equal(flushes(), 0);
    disk.release();
    assert.deepEqual(
      [...file],
      [
        [1, 2],
        [2, 4],
      ],
    );
    disk.image.written!(3, sector(5));
    disk.image.flush!();
    assert.equal(file.get(3), 5);
    assert.equal(flushes(), 1);
  });
});
