/**
 * The same run in every tier: interpreter only, translator wherever possible, and mixed. The sample kernel boots, runs
 * programs and takes faults; at many points the whole state must be equal.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { imageOf } from '../../emulator/testing/disk-image';
import { Machine } from '../../emulator/machine';
import { warmUp } from '../../emulator/testing/tiers';
import type { MachineOptions } from '../../emulator/types';

const prebuilt = join(__dirname, '../../sample/prebuilt');
const kernel = new Uint8Array(readFileSync(join(prebuilt, 'kernel')));
const image = new Uint8Array(readFileSync(join(prebuilt, 'fs.img')));

const POINTS = 20;
const STRIDE = 1_500_000;
const COMMANDS = ['ls\n', 'echo hello | wc\n', 'pagefault null\n', 'forktest\n'];

/** Hashes of the state at every point of the run. */
function run(acceleration: MachineOptions['acceleration'], harts: number): string[] {
  const machine = new Machine({
    ...{ harts, memory: 128 * 2 ** 20, legacyVirtio: false, kernel, acceleration },
    disk: imageOf(image),
  });
  if (acceleration === 'mixed') warmUp(machine);
  const hashes: string[] = [];
  for (let point = 1; point <= POINTS; point++) {
    // Type at the same instants in all runs.
    if (point % 5 === 0) machine.consoleInput(new TextEncoder().encode(COMMANDS[point / 5 - 1]));
    while (machine.executed < point * STRIDE) {
      const stop = machine.run({ instructions: point * STRIDE - machine.executed });
      if (stop.kind !== 'idle') continue;
      if (stop.until === Infinity) break;
      machine.idleUntil(stop.until);
    }
    hashes.push(`${machine.executed} ${machine.stateHash()}`);
  }
  return hashes;
}

describe('interpreter and translator', () => {
  for (const harts of [1, 3]) {
    it(`do the same with ${harts} hart${harts > 1 ? 's' : ''}`, function () {
      this.timeout(180_000);
      const interpreted = run('interp', harts);
      assert.deepEqual(run('mixed', harts), interpreted);
      assert.deepEqual(run('jit', harts), interpreted);
    });
  }
});
