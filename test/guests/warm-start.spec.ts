/** A warm start leads to the same state as booting, and is refused where it would not. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { imageOf } from '../../emulator/testing/disk-image';
import { BootRecorder, SavedBoot, warmStartName } from '../../emulator/history/warm-start';
import { Machine } from '../../emulator/machine';
import type { BlockImage, DiskContent, MachineOptions } from '../../emulator/types';
import { symbolAddress } from './elf-symbols';
import { type Lab, labAt } from './lab';

const prebuilt = join(__dirname, '../../sample/prebuilt');
const SAMPLE: Lab = {
  name: 'the sample kernel',
  kernel: join(prebuilt, 'kernel'),
  image: join(prebuilt, 'fs.img'),
  memory: 128 * 2 ** 20,
  legacyVirtio: false,
  quick: '',
};
const LABS = [SAMPLE, ...(process.env.XV6_DIR === undefined ? [] : [labAt(process.env.XV6_DIR)])];

/** Runs to an instant, in slices of an odd length. */
function runTo(machine: Machine, executed: number): void {
  while (machine.executed < executed) {
    const stop = machine.run({ instructions: Math.min(777_777, executed - machine.executed) });
    if (stop.kind !== 'idle') continue;
    if (stop.until === Infinity) return;
    machine.idleUntil(stop.until);
  }
}

/** `change` changes the disk image first. */
function setUp(lab: Lab, harts: number, change: (bytes: Uint8Array) => void = () => undefined) {
  const bytes = new Uint8Array(readFileSync(lab.image));
  change(bytes);
  const disk: BlockImage = imageOf(bytes);
  const options = {
    ...{ harts, memory: lab.memory, legacyVirtio: lab.legacyVirtio, disk },
    kernel: new Uint8Array(readFileSync(lab.kernel)),
  } satisfies MachineOptions;
  return options;
}

function bootAndSave(lab: Lab, harts: number) {
  const options = setUp(lab, harts);
  const recorder = new BootRecorder();
  let console = '';
  const machine = new Machine({
    ...options,
    disk: recorder.watch(options.disk),
    consoleOutput: (bytes) => {
      recorder.output(bytes);
      console += Buffer.from(bytes).toString('latin1');
    },
  });
  while (!recorder.isComplete(machine)) runTo(machine, machine.executed + 1_000_000);
  const at = machine.executed;
  return { machine, console, at, saved: recorder.save(machine) };
}

const type = (machine: Machine, line: string): void => machine.consoleInput(new TextEncoder().encode(line));

describe('warm start', () => {
  for (const lab of LABS) {
    for (const harts of [1, 3]) {
      it(`of ${lab.name} with ${harts} harts is where its boot ends`, () => {
        const cold = bootAndSave(lab, harts);
        const host = new Map<number, Uint8Array>();
        const options = setUp(lab, harts);
        const written = (sector: number, bytes: Uint8Array): void => {
          for (let at = 0; at < bytes.length; at += 512) host.set(sector + at / 512, bytes.slice(at, at + 512));
        };
        const warm = new Machine({ ...options, disk: { ...options.disk, written } });
        const shown = new SavedBoot(cold.saved).restoreBoot(warm);
        assert.equal(Buffer.from(shown!.console).toString('latin1'), cold.console);
        for (const machine of [cold.machine, warm]) {
          type(machine, 'ls\n');
          runTo(machine, cold.at + 5_000_000);
          type(machine, 'echo hello > greeting\n');
          runTo(machine, cold.at + 20_000_000);
        }
        assert.equal(warm.executed, cold.machine.executed);
        assert.equal(warm.stateHash(), cold.machine.stateHash());
        assert.deepEqual(contents(warm.disk!), contents(cold.machine.disk!));
        assert.ok(host.size > 0);
        for (const [sector, bytes] of host) assert.deepEqual(contents(warm.disk!, sector, 1), Buffer.from(bytes));
      });
    }
  }

  it('is refused where the boot would read something else, and only there', () => {
    const { saved } = bootAndSave(SAMPLE, 1);
    const elsewhere = setUp(SAMPLE, 1, (bytes) => bytes.fill(7, bytes.length - 512));
    assert.notEqual(new SavedBoot(saved).restoreBoot(new Machine(elsewhere)), undefined);
    const machine = new Machine(setUp(SAMPLE, 1, (bytes) => bytes.fill(7)));
    const before = machine.stateHash();
    assert.equal(new SavedBoot(saved).restoreBoot(machine), undefined);
    assert.equal(machine.stateHash(), before);
  });

  it('throws what is damaged away, and leaves the machine at power on', () => {
    const { saved } = bootAndSave(SAMPLE, 1);
    for (const damage of [
      (bytes: Uint8Array) => bytes.subarray(0, 3),
      (bytes: Uint8Array) => bytes.subarray(0, 1000),
      (bytes: Uint8Array) => bytes.subarray(0, bytes.length - 1),
      (bytes: Uint8Array) => bytes.fill(0xff, 0, 4),
      (bytes: Uint8Array) => bytes.fill(0x20, 100, 120),
      (bytes: Uint8Array) => bytes.fill(0x55, bytes.length - 200),
    ]) {
      const machine = new Machine(setUp(SAMPLE, 1));
      const before = machine.stateHash();
      assert.throws(() => new SavedBoot(damage(saved.slice())).restoreBoot(machine), Error);
      assert.equal(machine.stateHash(), before);
    }
  });

  it('knows which instructions the boot cannot have executed', () => {
    const { saved } = bootAndSave(SAMPLE, 1);
    const boot = new SavedBoot(saved);
    const kernel = readFileSync(SAMPLE.kernel);
    const reaches = (name: string): boolean => boot.mayHaveReached(symbolAddress(kernel, name));
    for (const name of ['main', 'scheduler', 'sys_exec', 'consoleread']) assert.ok(reaches(name), name);
    for (const name of ['sys_unlink', 'sys_kill', 'sys_pipe']) assert.ok(!reaches(name), name);
  });

  it('is not offered once something was typed', () => {
    const options = setUp(SAMPLE, 1);
    const recorder = new BootRecorder();
    const machine = new Machine({ ...options, consoleOutput: (bytes) => recorder.output(bytes) });
    type(machine, 'x');
    runTo(machine, 40_000_000);
    assert.equal(recorder.isComplete(machine), false);
  });

  it('has a name by kernel and options', () => {
    const options = setUp(SAMPLE, 1);
    const name = warmStartName(options);
    assert.match(name, /^[0-9a-f]{16}$/);
    assert.equal(warmStartName({ ...options, rtcEpoch: 1 }), name);
    assert.notEqual(warmStartName({ ...options, harts: 2 }), name);
    const kernel = options.kernel.slice();
    kernel[kernel.length - 1]! ^= 1;
    assert.notEqual(warmStartName({ ...options, kernel }), name);
  });
});

function contents(disk: DiskContent, sector = 0, count = disk.sectors): Buffer {
  const bytes = new Uint8Array(count * 512);
  disk.read(sector, bytes);
  return Buffer.from(bytes);
}
