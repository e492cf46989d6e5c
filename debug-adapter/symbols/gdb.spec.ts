/**
 * The symbol reader against gdb-multiarch, on the fixtures, on the sample kernel, and on the kernel of a lab in XV6_DIR. What
 * gdb gets wrong is named beside each comparison in testing/compare-*.ts.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { openBinary } from './binary';
import { compareState } from './testing/compare-states';
import { compareStatic } from './testing/compare-static';
import { fixtureNames, fixturePath } from './testing/fixtures';
import { askStates, askStatic, isInstalled } from './testing/gdb';

const here = import.meta.dirname ?? __dirname;
const sample = resolve(here, '../../sample/prebuilt/kernel');
const lab = process.env.XV6_DIR === undefined ? undefined : resolve(process.env.XV6_DIR, 'kernel/kernel');
const kernels = [sample, ...(lab === undefined ? [] : [lab])].filter((path) => existsSync(path));
const fixtureStops = ['leaf', 'deepest', 'middle', 'fill', 'main.c:36', 'trapped', 'visit', 'limited', 'main.c:22'];

function open(path: string): ReturnType<typeof openBinary> {
  return openBinary(path, new Uint8Array(readFileSync(path)));
}

describe('gdb agrees', () => {
  const programs = [...fixtureNames.map(fixturePath), ...kernels];

  for (const path of programs) {
    it(`on lines, functions, types, globals, breakpoints and scopes of ${path.split('/').slice(-2).join('/')}`, function () {
      this.timeout(120_000);
      if (!isInstalled('gdb-multiarch')) {
        console.log('      skipped: gdb-multiarch is not installed');
        this.skip();
      }
      const gdb = askStatic(path);
      assert.ok(gdb.lines.length > 20 && gdb.functions.length > 5 && gdb.types.length > 5 && gdb.scopes.length > 20);
      assert.deepEqual(compareStatic(open(path), gdb), []);
    });
  }

  for (const name of fixtureNames) {
    it(`on stacks and values while ${name}.elf runs`, async function () {
      this.timeout(120_000);
      if (!isInstalled('gdb-multiarch') || !isInstalled('qemu-system-riscv64')) {
        console.log('      skipped: gdb-multiarch or qemu-system-riscv64 is not installed');
        this.skip();
      }
      const path = join(here, 'testing', `${name}.elf`);
      const states = await askStates(path, fixtureStops, 'spin', 30, []);
      assert.ok(states.length >= 10);
      const binary = open(path);
      assert.deepEqual(
        states.flatMap((state) => compareState(binary, state)),
        [],
      );
    });
  }
});
