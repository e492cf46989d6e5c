/** The sample kernel on this machine: it boots, passes its own tests, and two runs with the same inputs are the same run. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { kernelSymbols } from '../../emulator/boot/elf-image';
import { instructionsFrom } from '../../emulator/isa/instructions/instruction-at';
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

const symbol = (name: string): bigint =>
  kernelSymbols(fs.readFileSync(path.join(PREBUILT, 'kernel'))).find((one) => one.name === name)!.address;

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

  describe('has locks that', () => {
    /** How often harts find which lock taken, by its address, while two programs run. */
    const taken = (harts: number, seed: number): Map<bigint, number> => {
      const guest = boot(harts, { seed });
      const { machine } = guest;
      guest.expect('$ ');
      const acquire = symbol('acquire');
      const code = instructionsFrom((at, length) => machine.memory.read(at, length), acquire, acquire + 256n);
      const swap = [...code].find(({ decoded }) => decoded?.instruction.access?.swaps)!;
      const { rd, rs1 } = swap.decoded!;
      const found = new Map<bigint, number>();
      const count = (lock: bigint): boolean => (found.set(lock, (found.get(lock) ?? 0) + 1), false);
      const counter = machine.subscribe({
        execute: ({ hart }) => machine.harts[hart]!.x(rd) !== 0n && count(machine.harts[hart]!.x(rs1)),
      });
      counter.setAddresses([swap.address + 4n]);
      guest.send('usertests -q & usertests -q');
      guest.run(300_000_000);
      counter.end();
      return found;
    };

    it('are never taken for a hart that is alone', () => {
      assert.deepEqual([...taken(1, 0)], []);
    });

    for (const seed of [0, 1, 2]) {
      it(`harts contend for, with seed ${seed}`, () => {
        const memory = taken(3, seed).get(symbol('kmem')) ?? 0;
        assert.ok(memory > 200, `the lock of the page allocator was found taken ${memory} times`);
      });
    }
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
