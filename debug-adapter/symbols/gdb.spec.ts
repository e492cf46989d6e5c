/**
 * Compares the symbol reader with gdb-multiarch: on the fixtures, on the sample kernel and its programs, and on the kernel and
 * the programs of a lab in XV6_DIR. debug-adapter/testing/symbols/compare-*.ts say where gdb is wrong.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { openBinary } from './binary';
import { comparePlaces } from '../testing/symbols/compare-places';
import { compareState } from '../testing/symbols/compare-states';
import { comparePrologues, compareStatic } from '../testing/symbols/compare-static';
import { FIXTURE_NAMES, fixturePath } from '../testing/symbols/fixtures';
import { askPrologues, askStates, askStatic, isInstalled } from '../testing/symbols/gdb';

const here = import.meta.dirname ?? __dirname;
const prebuilt = resolve(here, '../../sample/prebuilt');
const lab = process.env.XV6_DIR;
const fixtures = FIXTURE_NAMES.map(fixturePath);
const kernels = [join(prebuilt, 'kernel'), ...(lab === undefined ? [] : [resolve(lab, 'kernel/kernel')])];
const programs = [join(prebuilt, 'user'), ...(lab === undefined ? [] : [resolve(lab, 'user')])]
  .filter((folder) => existsSync(folder))
  .flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => /^_[a-z]+$/.test(name))
      .map((name) => join(folder, name)),
  );
const fixtureStops = ['leaf', 'deepest', 'middle', 'fill', 'main.c:36', 'trapped', 'visit', 'limited', 'main.c:22'];

function open(path: string): ReturnType<typeof openBinary> {
  return openBinary(path, new Uint8Array(readFileSync(path)));
}

function named(path: string): string {
  return path.split('/').slice(-2).join('/');
}

describe('gdb agrees', function () {
  this.timeout(120_000);

  before(function () {
    const missing = ['gdb-multiarch', 'qemu-system-riscv64'].filter((program) => !isInstalled(program));
    if (missing.length > 0) {
      console.log(`      skipped: ${missing.join(' and ')} not installed`);
      this.skip();
    }
  });

  for (const path of [...fixtures, ...kernels, ...programs]) {
    it(`on lines, functions, types, globals, breakpoints and scopes of ${named(path)}`, () => {
      const binary = open(path);
      const gdb = askStatic(path, binary.typeNames);
      assert.ok(gdb.lines.length > 20 && gdb.functions.length > 5 && gdb.types.length > 5 && gdb.scopes.length > 20);
      assert.deepEqual(compareStatic(binary, gdb), []);
      assert.deepEqual(binary.warnings, []);
    });
  }

  for (const path of [...fixtures, ...kernels]) {
    it(`on where prologues end in ${named(path)}`, () => {
      const binary = open(path);
      const gdb = askPrologues(path);
      assert.ok(gdb.length > 5);
      // At -O2 the optimizer has moved statements to the first instruction of every function of the small program.
      assert.equal(
        gdb.some(({ low, ends }) => !ends.includes(low)),
        !path.endsWith('/dwarf5.elf'),
      );
      assert.deepEqual([...comparePrologues(binary, gdb)], []);
    });
  }

  // Many addresses of a small program, some of a kernel.
  for (const path of [...fixtures, ...kernels, ...programs.filter((program) => program.endsWith('/_sh'))]) {
    it(`on callers and variables at the places of ${named(path)}`, async () => {
      const stride = kernels.includes(path) ? 4 : 1;
      const { places, variables, differences } = await comparePlaces(open(path), path, stride);
      assert.ok(places > 100 && variables > 400, `${places} places, ${variables} variables`);
      assert.deepEqual(differences, []);
    });
  }

  for (const path of fixtures) {
    it(`on stacks and values while ${named(path)} runs`, async () => {
      const stopped = await askStates(path, { stops: fixtureStops, end: 'spin', count: 30 });
      const stepped = await askStates(path, { stops: ['main'], end: 'spin', count: 60, stride: 7 });
      assert.ok(stopped.length >= 10 && stepped.length >= 30, `${stopped.length} and ${stepped.length} states`);
      const binary = open(path);
      // In assembly without frame information, gdb fails between prologue and epilogue.
      const inC = stepped.filter(({ pc }) => binary.functionAt(BigInt(pc))?.type !== undefined);
      assert.ok(inC.length >= 20);
      assert.deepEqual(
        [...stopped, ...inC].flatMap((state) => compareState(binary, state)),
        [],
      );
    });
  }
});
