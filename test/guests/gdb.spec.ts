/**
 * Compares the whole debugger with gdb: the sample kernel stops at the same places in our machine, queried over stdio as by an
 * editor, and in QEMU, queried by gdb over its remote protocol. Stacks, arguments, locals, globals and structures must agree.
 *
 * Intended differences:
 * - gdb assumes that registers which calls may overwrite are unchanged in callers; we show `<optimized out>`;
 * - where nothing is mapped, gdb reports an error, and we show `<optimized out>`.
 */
import { strict as assert } from 'node:assert';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { askStates, isInstalled, type StateAnswer } from '../../debug-adapter/testing/symbols/gdb';
import { DISK, KERNEL, TestSession } from '../adapter/support';

// All before the first timer interrupt, after which the two runs differ.
const STOPS = [
  'kinit',
  'kvmmake',
  'kvmmap',
  'mappages',
  'walk',
  'procinit',
  'binit',
  'iinit',
  'fileinit',
  'virtio_disk_init',
  'userinit',
];
const END = 'scheduler';
const EACH = 3;
/** Of globals, structures, their members, arrays, enumerators and arithmetic. */
const EXPRESSIONS = [
  'kernel_pagetable',
  '&proc[3]',
  'sizeof(struct proc)',
  'sizeof(proc) / sizeof(proc[0])',
  'proc[0].state',
  'proc[1].pid',
  '&proc[1].name[2]',
  'cpus[0].proc',
  '(char *)&proc[0].context - (char *)&proc[0]',
  '*(int *)&proc[0].lock',
  '&((struct proc *)0)->trapframe',
  'kmem.freelist',
  '(int)proc[0].state + 7 * 3 % 4',
];
const MEMORY = '128M';
const QEMU_OPTIONS = ['-smp', '1', '-global', 'virtio-mmio.force-legacy=false'];

describe('gdb agrees on the running sample', function () {
  this.timeout(120_000);

  it('about stacks, variables and expressions at the same stops', async function () {
    if (!isInstalled('gdb-multiarch') || !isInstalled('qemu-system-riscv64')) {
      console.log('      skipped: gdb-multiarch or qemu-system-riscv64 is not installed');
      this.skip();
    }
    const folder = mkdtempSync(join(tmpdir(), 'gdb-'));
    const session = await TestSession.open();
    try {
      const disk = join(folder, 'fs.img');
      copyFileSync(DISK, disk);
      const drive = ['-drive', `file=${disk},if=none,format=raw,id=x0`];
      const device = ['-device', 'virtio-blk-device,drive=x0,bus=virtio-mmio-bus.0'];
      const states = await askStates(KERNEL, {
        stops: STOPS,
        end: END,
        count: STOPS.length * EACH,
        expressions: EXPRESSIONS,
        machine: [...QEMU_OPTIONS, ...drive, ...device],
      });
      assert.ok(states.length >= STOPS.length, `${states.length} stops`);
      await session.boot({ functions: STOPS, harts: 1, memory: MEMORY });
      const differences: string[] = [];
      let compared = 0;
      const hits = new Map<string, number>();
      for (const state of states) {
        await session.stopped();
        compared += await compare(session, state, differences);
        const name = state.frames[0]!.name!;
        hits.set(name, (hits.get(name) ?? 0) + 1);
        const left = STOPS.filter((stop) => (hits.get(stop) ?? 0) < EACH);
        await session.setFunctionBreakpointsRequest({ breakpoints: left.map((stop) => ({ name: stop })) });
        await session.continueRequest({ threadId: 1 });
      }
      assert.deepEqual(differences, []);
      assert.ok(compared >= states.length * EXPRESSIONS.length, `${compared} values`);
    } finally {
      await session.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

/** Appends the differences. Returns how many values it has compared. */
async function compare(session: TestSession, state: StateAnswer, differences: string[]): Promise<number> {
  const stack = await session.stack();
  const where = `at 0x${BigInt(state.pc).toString(16)} in ${state.frames[0]!.name}`;
  const note = (what: string, theirs: unknown, ours: unknown): void => {
    if (`${theirs}` !== `${ours}`) differences.push(`${where}: ${what} is ${theirs} for gdb, ${ours} for us`);
  };
  // Addresses are shown in hexadecimal, and gdb is asked for decimals.
  const decimal = (text: string): string => (/^0x[0-9a-f]+$/.test(text) ? String(BigInt(text)) : text);
  const ask = (expression: string, frameId: number): Promise<string> =>
    session.value(`(unsigned long)(${expression})`, 'watch', frameId).then(decimal, (error: Error) => error.message);
  note('the program counter', `0x${BigInt(state.pc).toString(16)}`, stack[0]!.instructionPointerReference);
  note(
    'the stack',
    state.frames.map(({ name, line }) => `${name}:${line}`),
    stack.slice(0, state.frames.length).map(({ name, line }) => `${name}:${line}`),
  );
  let compared = 0;
  for (const [index, { variables }] of state.frames.entries()) {
    const names = variables.map(([name]) => name);
    for (const [name, wanted] of variables) {
      // Of variables with the same name, C sees only the innermost.
      if (names.indexOf(name) !== names.lastIndexOf(name)) continue;
      const found = await ask(wanted.address === undefined ? name : `&${name}`, stack[index]!.id);
      const isLost = /optimized out/.test(found);
      const theirs = wanted.address ?? (wanted.value === undefined ? undefined : unsigned(wanted.value));
      if (theirs === undefined ? !isLost : !(isLost && index > 0)) note(`${name} in frame ${index}`, theirs, found);
      compared++;
    }
  }
  for (const [expression, wanted] of state.values) {
    note(expression, wanted, await ask(expression, stack[0]!.id));
    compared++;
  }
  return compared;
}

const unsigned = (value: string): string => BigInt.asUintN(64, BigInt(value)).toString();
