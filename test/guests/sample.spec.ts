/** The sample kernel on this machine: it boots, passes its own tests, and two runs with the same inputs are the same run. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { Guest } from './guest';

const PREBUILT = path.join(__dirname, '..', '..', 'sample', 'prebuilt');
const MIB = 1 << 20;

function boot(harts: number, options: { slice?: number; seed?: number; legacyVirtio?: boolean } = {}): Guest {
  return new Guest({
    harts,
    memory: 128 * MIB,
    kernel: fs.readFileSync(path.join(PREBUILT, 'kernel')),
    disk: fs.readFileSync(path.join(PREBUILT, 'fs.img')),
    legacyVirtio: false,
    ...options,
  });
}

describe('the sample kernel', function () {
  this.timeout(300_000);

  for (const harts of [1, 3, 8]) {
    it(`boots with ${harts} harts and answers ls`, () => {
      const guest = boot(harts);
      guest.expect('$ ');
      guest.send('ls');
      guest.expect('usertests');
      guest.expect('$ ');
      assert.equal(guest.machine.harts.filter(({ retired }) => retired > 10_000).length, harts);
    });
  }

  it('passes its own tests with 3 harts', () => {
    const guest = boot(3);
    guest.expect('$ ');
    guest.send('usertests -q');
    guest.expect('ALL TESTS PASSED');
    guest.expect('$ ');
  });

  describe('runs the same way twice', () => {
    /** Runs to the prompt, then a command that uses the disk, and on, in slices of the given length. */
    const run = (harts: number, slice: number, seed = 0): { executed: number; hash: string; console: string } => {
      const guest = boot(harts, { slice, seed });
      guest.run(20_000_000);
      guest.send('echo hello > file; cat file');
      guest.run(30_000_000);
      return { executed: guest.machine.executed, hash: guest.machine.stateHash(), console: guest.console };
    };

    for (const harts of [1, 3]) {
      it(`with ${harts} harts, in slices of any length`, () => {
        const first = run(harts, 1_000_000);
        assert.match(first.console, /hello\r?\n/);
        assert.deepEqual(run(harts, 1_000_000), first);
        assert.deepEqual(run(harts, 12_345), first);
        assert.deepEqual(run(harts, 777_777), first);
      });
    }

    it('and another way with another seed', () => {
      assert.notEqual(run(3, 1_000_000, 1).hash, run(3, 1_000_000, 2).hash);
    });
  });
});
