import assert from 'node:assert/strict';
import fc from 'fast-check';
import { imageOf } from '../testing/disk-image';
import { Disk, SECTOR_SIZE } from './disk';
import { FakeDisk } from '../testing/fake-board';

const SECTORS = 300;
const filled = (value: number, sectors = 1): Uint8Array => new Uint8Array(sectors * SECTOR_SIZE).fill(value);

function contentOf(disk: Disk): Uint8Array {
  const bytes = new Uint8Array(disk.sectors * SECTOR_SIZE);
  disk.read(0, bytes);
  return bytes;
}

describe('the disk', () => {
  it('reads as a plain array of bytes would, through writes, saved states and their restoring', () => {
    const sector = fc.nat(SECTORS - 1);
    const step = fc.oneof(
      fc.record({ write: sector, count: fc.integer({ min: 1, max: 140 }), value: fc.nat(255) }),
      fc.constant('save' as const),
      fc.record({ restore: fc.nat(7) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 24 }), (steps) => {
        const host = new FakeDisk(SECTORS);
        const disk = new Disk({
          ...{ sectors: SECTORS, readOnly: false },
          read: (first, into) => new FakeDisk(SECTORS).read(first, into),
          written: (first, bytes) => host.written(first, bytes),
        });
        const plain = new FakeDisk(SECTORS);
        const saved = [{ state: disk.save(), content: plain.content.slice() }];
        for (const one of steps) {
          if (one === 'save') {
            saved.push({ state: disk.save(), content: plain.content.slice() });
          } else if ('restore' in one) {
            const { state, content } = saved[one.restore % saved.length]!;
            disk.restore(state);
            plain.content.set(content);
          } else {
            const bytes = filled(one.value, Math.min(one.count, SECTORS - one.write));
            disk.write(one.write, bytes);
            plain.written(one.write, bytes);
          }
          assert.deepEqual(contentOf(disk), plain.content);
          assert.deepEqual(host.content, plain.content, "the host's copy");
        }
      }),
    );
  });

  it('saves what is shared with an earlier state but once', () => {
    const disk = new Disk(imageOf(filled(1, SECTORS)));
    disk.write(5, filled(2));
    disk.write(200, filled(2));
    const first = disk.save() as Record<number, object>;
    disk.write(6, filled(3));
    const second = disk.save() as Record<number, object>;
    assert.equal(first[1], second[1], 'the group of sector 200 is the same');
    assert.deepEqual([Object.keys(first[0]!), Object.keys(second[0]!)], [['5'], ['5', '6']]);
  });

  it('saves the same for the same sectors, in whatever order they were written', () => {
    const states = [
      [5, 200, 6],
      [200, 6, 5],
    ].map((sectors) => {
      const disk = new Disk(imageOf(filled(1, SECTORS)));
      for (const sector of sectors) disk.write(sector, filled(sector));
      return JSON.stringify(disk.save());
    });
    assert.equal(states[0], states[1]);
  });

  it('asks the image only for what the guest has not written, as much as it can at a time', () => {
    const asked: [number, number][] = [];
    const image = imageOf(filled(1, SECTORS));
    const disk = new Disk({
      ...image,
      read: (sector, into) => {
        asked.push([sector, into.length / SECTOR_SIZE]);
        image.read(sector, into);
      },
    });
    disk.write(12, filled(2, 2));
    disk.read(10, new Uint8Array(8 * SECTOR_SIZE));
    assert.deepEqual(asked, [
      [10, 2],
      [14, 4],
    ]);
  });

  it('reads as before where the host could not take a write', () => {
    const host = new FakeDisk(SECTORS);
    const disk = new Disk(host);
    host.failing = true;
    assert.throws(() => disk.write(3, filled(9)), /scratched/);
    host.failing = false;
    assert.deepEqual(contentOf(disk), new FakeDisk(SECTORS).content);
  });

  it('refuses what is beyond its end, what is no whole sector, and a state that is not its own', () => {
    const disk = new Disk(imageOf(filled(1, 2)));
    assert.throws(() => disk.write(2, filled(1)), RangeError);
    assert.throws(() => disk.read(1, filled(1, 2)), RangeError);
    assert.throws(() => disk.write(0, new Uint8Array(100)), RangeError);
    assert.throws(() => disk.restore({ 0: { 2: filled(1) } }), /no such sector 2/);
    assert.throws(() => disk.restore({ 0: { 1: new Uint8Array(5) } }), /no such sector 1/);
    assert.throws(() => new Disk({ ...imageOf(filled(1)), readOnly: true }).write(0, filled(1)), /read-only/);
  });
});
