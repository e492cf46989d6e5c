/**
 * A kernel over firmware: sbi-kernel/, which asks OpenSBI for console, timer, harts and interrupts between them, prints the same here
 * as in QEMU, replays exactly, and is debugged. It is built here; skipped where there is no compiler or no OpenSBI.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isInstalled } from '../../debug-adapter/testing/symbols/gdb';
import { decodeRun, encodeRun } from '../../emulator/history/recorded-run';
import { Machine } from '../../emulator/machine';
import type { MachineOptions } from '../../emulator/types';
import { findFirmware } from '../../host/firmware';
import { TestSession } from '../adapter/support';
import { haveQemu, outputHere, runQemu } from './qemu';

const GCC = 'riscv64-unknown-elf-gcc';
const SOURCES = join(__dirname, 'sbi-kernel');
const FLAGS = ['-march=rv64imac_zicsr', '-mabi=lp64', '-mcmodel=medany', '-O1', '-g', '-ffreestanding', '-nostdlib'];
const LINKING = ['-static', '-fno-omit-frame-pointer', '-Wl,--no-warn-rwx-segments', '-T', join(SOURCES, 'kernel.ld')];
const HARTS = 3;
const COMMAND_LINE = 'root=/dev/vda quiet';

function openSbi(): string | undefined {
  try {
    return findFirmware('default');
  } catch {
    return undefined;
  }
}

describe('a kernel over OpenSBI', function () {
  this.timeout(120_000);
  const firmware = openSbi();
  if (firmware === undefined || !isInstalled(GCC)) {
    it(`runs (skipped: ${firmware === undefined ? 'OpenSBI' : GCC} is not installed)`, function () {
      this.skip();
    });
    return;
  }
  let folder: string;
  let kernel: string;
  let initrd: string;
  let options: MachineOptions;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'sbi-'));
    kernel = join(folder, 'kernel');
    initrd = join(folder, 'initrd');
    writeFileSync(initrd, 'a RAM disk\0');
    execFileSync(GCC, [...FLAGS, ...LINKING, 'entry.S', 'kernel.c', '-o', kernel], { cwd: SOURCES });
    const boot = { firmware: readFileSync(firmware), initrd: readFileSync(initrd), commandLine: COMMAND_LINE };
    options = { harts: HARTS, memory: 2 ** 27, kernel: readFileSync(kernel), boot, legacyVirtio: true };
  });
  after(() => rmSync(folder, { recursive: true }));

  /** What the kernel printed, after the firmware. */
  const printed = (output: Uint8Array): string => {
    const text = Buffer.from(output).toString().replaceAll('\r', '');
    return text.slice(text.indexOf('sbi kernel'));
  };

  it('prints what it was given and what it was answered, as in QEMU', async function () {
    const here = Buffer.from(outputHere(options)).toString();
    assert.match(here, /^\s*OpenSBI v/);
    assert.match(here, /Domain0 Next Address {6}: 0x0000000080200000/);
    assert.equal(
      printed(Buffer.from(here)),
      `sbi kernel on hart 0\nbootargs: ${COMMAND_LINE}\ninitrd: a RAM disk\n3 ticks\n` +
        'hart 1 was given 101 and has stopped\nhart 2 was given 102 and has stopped\nbye\n',
    );
    if (!haveQemu()) {
      console.log('      not compared: qemu-system-riscv64 is not installed');
      return;
    }
    // With one hart: in QEMU any of several may be the one that OpenSBI boots on.
    const machine = ['-machine', 'virt', '-smp', '1', '-m', '128M', '-bios', firmware];
    const given = ['-kernel', kernel, '-initrd', initrd, '-append', COMMAND_LINE];
    const streams = ['-display', 'none', '-monitor', 'none', '-serial', 'stdio'];
    const { output } = await runQemu([...machine, ...given, ...streams], 60);
    assert.equal(printed(output), printed(Buffer.from(here)).replace(/^hart .*\n/gm, ''));
  });

  it('does the same from its recording, in any tier, and as a raw image', async () => {
    const machine = new Machine(options);
    machine.run({ instructions: 10_000_000 });
    const [end, hash] = [machine.instant, machine.stateHash()];
    const run = await decodeRun(
      await encodeRun({
        ...{ options, inputs: machine.inputs.since(0), end, hash, at: end },
        ...{ bookmarks: [], futures: [], checkpoints: [], files: [], notes: null },
      }),
    );
    const again = new Machine({ ...run.options, acceleration: 'interp' });
    again.run({ instructions: 10_000_000 });
    assert.equal(again.stateHash(), hash);
    const raw = join(folder, 'raw');
    execFileSync('riscv64-unknown-elf-objcopy', ['-O', 'binary', kernel, raw]);
    assert.equal(printed(outputHere({ ...options, kernel: readFileSync(raw) })), printed(outputHere(options)));
  });

  it('is debugged: breakpoints, stacks and steps in supervisor mode, and the page table', async () => {
    const session = await TestSession.open();
    try {
      const attributes = { kernel, bios: firmware, initrd, append: COMMAND_LINE, harts: HARTS, legacyVirtio: true };
      await session.boot({ ...attributes, disk: undefined, functions: ['tick', 'hart_main'], filters: [] });
      const names = async (thread: number): Promise<string[]> => (await session.stack(thread)).map(({ name }) => name);
      let stop = await session.stopped();
      assert.deepEqual(await names(stop.threadId!), [
        'tick',
        'on_interrupt',
        'trap_vector',
        '[timer interrupt]',
        'sbi',
        'main',
        '_start',
      ]);
      const table = await session.ask('xv6.pageTable', {});
      assert.deepEqual(
        table.entries.map(({ va, pa }) => [va, pa]),
        [
          ['0x40000000', '0x80000000'],
          ['0x80000000', '0x80000000'],
        ],
      );
      const [frame] = await session.stack(stop.threadId);
      const value = async (expression: string): Promise<string> =>
        (await session.evaluateRequest({ expression, frameId: frame!.id, context: 'watch' })).body.result;
      assert.equal(await value('ticks'), '0');
      await session.step('next', stop.threadId);
      const { line } = (await session.stack(stop.threadId))[0]!;
      assert.ok(line > frame!.line, `${line} is after ${frame!.line}`);
      for (let count = 1; count < 3; count++) stop = await session.goOn();
      stop = await session.goOn();
      assert.equal((await names(stop.threadId!))[0], 'hart_main');
    } finally {
      await session.stop();
    }
  });
});
