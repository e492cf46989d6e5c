/**
 * The programs of riscv-tests, with physical addresses (-p-) and, where they are built, in virtual memory (-v-), from a build
 * elsewhere: RISCV_TESTS_DIR is its isa folder. A program ends by writing 1 to the word at its symbol `tohost`, or
 * (n << 1) | 1 if its test n failed.
 */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { Machine } from '../../emulator/machine';
import { symbolAddress } from './elf-symbols';

const FOLDER = process.env.RISCV_TESTS_DIR;
const SETS = [
  'rv64ui',
  'rv64um',
  'rv64ua',
  'rv64uc',
  'rv64uf',
  'rv64ud',
  'rv64uzba',
  'rv64uzbb',
  'rv64uzbc',
  'rv64uzbs',
  'rv64mi',
  'rv64si',
];
const MIB = 1 << 20;

describe('riscv-tests', function () {
  this.timeout(60_000);

  if (FOLDER === undefined) {
    it('pass (skipped: RISCV_TESTS_DIR names no built isa folder)', function () {
      this.skip();
    });
    return;
  }
  const names = fs.readdirSync(FOLDER).filter((name) => !name.includes('.'));
  for (const set of SETS) {
    const programs = names.filter((name) => name.startsWith(`${set}-p-`) || name.startsWith(`${set}-v-`));
    it(`${set} is built`, () => assert.notEqual(programs.length, 0, `${FOLDER} has no ${set}-p-*; make ${set} there`));
    for (const name of programs) {
      it(name, () => {
        const kernel = fs.readFileSync(path.join(FOLDER, name));
        const tohost = symbolAddress(kernel, 'tohost');
        const machine = new Machine({ harts: 1, memory: 16 * MIB, kernel, legacyVirtio: true });
        let result = 0n;
        for (let slices = 0; slices < 100 && result === 0n; slices++) {
          const stop = machine.run({ instructions: 10_000 });
          if (stop.kind === 'idle') machine.idleUntil(stop.until);
          result = machine.memory.readU64(tohost)!;
        }
        const pc = machine.harts[0]!.pc.toString(16);
        assert.notEqual(result, 0n, `no result; pc is at 0x${pc}`);
        assert.equal(result, 1n, `test ${result >> 1n} failed`);
      });
    }
  }
});
