/** A saved boot is taken back whole or not at all. */
import assert from 'node:assert/strict';
import { Machine } from '../machine';
import type { BlockImage } from '../types';
import { Assembler, laidOut } from '../testing/guests';
import { BootRecorder, SavedBoot, warmStartName } from './warm-start';

const kernel = laidOut(new Assembler().label('halt').to('halt', 'jal'));
const options = { kernel, harts: 1, memory: 2 ** 21, legacyVirtio: false };

const disk = (readOnly: boolean): BlockImage => ({ sectors: 8, readOnly, read: () => undefined });

describe('a saved boot', () => {
  const machine = new Machine(options);
  machine.run({ instructions: 1000 });
  const saved = new BootRecorder().save(machine);

  it('is refused if any bit of it is another one', () => {
    new SavedBoot(saved);
    const step = Math.floor(saved.length / 200);
    for (let at = 0; at < saved.length; at += at < 64 ? 1 : step) {
      const damaged = saved.slice();
      damaged[at]! ^= 1 << (at % 8);
      assert.throws(() => new SavedBoot(damaged), Error, `byte ${at}`);
    }
    for (const length of [0, 3, 4, 19, 20, 100, saved.length - 1])
      assert.throws(() => new SavedBoot(saved.subarray(0, length)), Error, `${length} bytes`);
  });

  it('is that of a disk that may be written, or of one that may not', () => {
    assert.notEqual(warmStartName({ ...options, disk: disk(true) }), warmStartName({ ...options, disk: disk(false) }));
    assert.notEqual(warmStartName(options), warmStartName({ ...options, disk: disk(false) }));
  });
});
