/** A run that is recorded here is done again by another process, from the file alone: at any instant and in any tier. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { inflateSync } from 'node:zlib';
import { FORMAT } from '../emulator/history/recording';
import { encodeRun } from '../emulator/history/recorded-run';
import { Machine } from '../emulator/machine';
import { Assembler } from '../emulator/testing/assembler';
import { imageOf } from '../emulator/testing/disk-image';
import { elf } from '../emulator/testing/elf';
import { R } from '../emulator/testing/encode';
import { Random } from '../emulator/testing/random';

const ROOT = path.join(__dirname, '..');
const SAMPLE = path.join(ROOT, 'sample', 'prebuilt');
const COMMANDS = ['ls\n', 'echo hello > file\n', 'cat file\n', 'wc README\n', 'rm file; ls\n', '\x10', '\x15', 'x'];
/** Sessions for each number of harts; REPLAY_SESSIONS sets how many. */
const SESSIONS = Number(process.env.REPLAY_SESSIONS ?? 1);

interface Result {
  status: number | null;
  output: string;
  errors: string;
}

function emulate(args: readonly string[], env: NodeJS.ProcessEnv = {}, node: readonly string[] = []): Result {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [...node, '-r', 'tsx/cjs', path.join(ROOT, 'cli', 'program.ts'), ...args],
    { cwd: ROOT, encoding: 'utf8', env: { ...process.env, ...env }, input: '' },
  );
  return { status, output: stdout, errors: stderr };
}

/** Ways for Node to run the machine's WebAssembly. */
const ENGINES = [[], ['--liftoff-only'], ['--no-liftoff'], ['--no-wasm-lazy-compilation', '--single-threaded']];

const stateIn = ({ errors }: Result): string | undefined => /^xv6-emu: state (\w{16})$/m.exec(errors)?.[1];
const executedIn = ({ errors }: Result): number => Number(/^xv6-emu: at (\d+) instructions/m.exec(errors)?.[1]);

/** The sample with someone who types by chance, and the states on the way. */
async function session(
  random: Random,
  harts: number,
): Promise<{ bytes: Uint8Array; points: [number, string][]; output: string }> {
  const kernel = new Uint8Array(fs.readFileSync(path.join(SAMPLE, 'kernel')));
  const disk = imageOf(new Uint8Array(fs.readFileSync(path.join(SAMPLE, 'fs.img'))));
  let output = '';
  const consoleOutput = (piece: Uint8Array): void => void (output += Buffer.from(piece).toString('latin1'));
  const options = {
    harts,
    memory: 128 * 2 ** 20,
    legacyVirtio: false,
    kernel,
    disk,
    seed: random.below(3),
    consoleOutput,
  };
  const machine = new Machine(options);
  const points: [number, string][] = [];
  const run = (to: number): void => {
    while (machine.executed < to) {
      const stop = machine.run({ instructions: Math.min(random.between(1, 2_000_000), to - machine.executed) });
      if (stop.kind === 'idle') machine.idleUntil(Math.min(stop.until, machine.now + random.between(1, 3_000)));
    }
  };
  for (let at = random.between(1, 3_000_000), count = 0; count < 10; count++) {
    run(at);
    points.push([machine.executed, machine.stateHash()]);
    if (count > 3) machine.consoleInput(Buffer.from(random.pick(COMMANDS)));
    at += random.between(1, 3_000_000);
  }
  const bytes = await encodeRun({
    ...{ options, inputs: machine.inputs.since(0), end: machine.instant, at: machine.instant },
    ...{ hash: machine.stateHash(), bookmarks: [], futures: [], checkpoints: [], files: [], notes: null },
  });
  return { bytes, points, output };
}

describe('a recorded run on the command line', function () {
  this.timeout(120_000 * SESSIONS);
  let folder: string;
  const file = (name: string, content: string | Uint8Array): string => {
    const at = path.join(folder, name);
    fs.mkdirSync(path.dirname(at), { recursive: true });
    fs.writeFileSync(at, content);
    return at;
  };
  beforeEach(() => (folder = fs.mkdtempSync(path.join(os.tmpdir(), 'xv6-replay-'))));
  afterEach(() => fs.rmSync(folder, { recursive: true }));

  /** Prints "ready", then each byte that is typed. */
  const echo = (): string => {
    const a = new Assembler().li(R.t0, 0x1000_0000);
    for (const letter of 'ready\n') a.li(R.t1, letter.charCodeAt(0)).op('sb', { rs1: R.t0, rs2: R.t1 });
    a.label('poll').op('lbu', { rd: R.t1, rs1: R.t0, imm: 5 });
    a.op('andi', { rd: R.t1, rs1: R.t1, imm: 1 }).to('poll', 'beq', { rs1: R.t1 });
    a.op('lbu', { rd: R.t1, rs1: R.t0 }).op('sb', { rs1: R.t0, rs2: R.t1 }).to('poll', 'jal');
    return file('kernel/kernel', elf(a.image()));
  };

  for (const harts of [1, 3]) {
    it(`with ${harts} harts has the same states in another process, at any instant, in each tier, however Node runs it`, async () => {
      for (let seed = 1; seed <= SESSIONS; seed++) {
        const random = new Random(seed * 2 + harts);
        const { bytes, points, output } = await session(random, harts);
        const recording = file('run.xv6run', bytes);
        for (const tier of ['interp', 'jit', 'mixed']) {
          const [executed, hash] = random.pick(points);
          const at = emulate(
            ['-replay', recording, '--goto', String(executed), '-accel', tier],
            {},
            random.pick(ENGINES),
          );
          assert.equal(at.status, 0, at.errors);
          assert.deepEqual([executedIn(at), stateIn(at)], [executed, hash], `seed ${seed}, ${tier}`);
          assert.ok(output.startsWith(at.output));
        }
        const end = emulate(['-replay', recording, '-accel', random.pick(['interp', 'jit'])]);
        assert.equal(end.status, 0, end.errors);
        assert.equal(end.output, output);
      }
    });
  }

  it('is recorded with its input, and needs no file but itself, whatever becomes of the disk', () => {
    const kernel = file('lab/kernel', fs.readFileSync(path.join(SAMPLE, 'kernel')));
    const image = file('lab/fs.img', fs.readFileSync(path.join(SAMPLE, 'fs.img')));
    const script = file(
      'script',
      'expect $ \nsend echo kept > note\nexpect $ \nsend cat note\nexpect kept\nexpect $ \n',
    );
    const recording = path.join(folder, 'run.xv6run');
    const machine = ['-kernel', kernel, '-smp', '3', '-global', 'virtio-mmio.force-legacy=false'];
    const drive = ['-drive', `file=${image},if=none,format=raw,id=x0`];
    const device = ['-device', 'virtio-blk-device,drive=x0,bus=virtio-mmio-bus.0'];
    const live = emulate([...machine, ...drive, ...device, '--script', script, '--record', recording]);
    assert.equal(live.status, 0, live.errors);
    assert.match(live.output, /kept/);
    assert.notDeepEqual(fs.readFileSync(image), fs.readFileSync(path.join(SAMPLE, 'fs.img')), 'the disk was written');
    fs.rmSync(path.join(folder, 'lab'), { recursive: true });
    const again = emulate(['--replay', recording]);
    assert.equal(again.status, 0, again.errors);
    assert.equal(again.output, live.output);
    assert.match(again.errors, /^xv6-emu: hart 2: pc 0x8000\w+ \(\w+(\+0x\w+)?\), supervisor mode/m);
    assert.match(again.errors, /^xv6-emu: at \d+ instructions, [\d.]+ ms of virtual time$/m);
    // The place that is told can be given.
    const [, milliseconds] = /, ([\d.]+) ms/.exec(emulate(['--replay', recording, '--goto', '3000000']).errors)!;
    const there = emulate(['--replay', recording, '--goto', `${milliseconds}ms`]);
    assert.match(there.errors, new RegExp(`, ${milliseconds} ms`));
    assert.ok(again.output.startsWith(there.output) && there.output.length < again.output.length);
  });

  it('begins at power on, also after a warm start', () => {
    const script = file('script', 'expect $ \nsend echo warm\nexpect warm\nexpect $ \n');
    const recording = path.join(folder, 'run.xv6run');
    const warm = path.join(folder, 'warm');
    const all = ['--script', script, '--warm-start', warm, '--record', recording];
    const [cold, live] = [emulate(all), emulate(all)];
    assert.deepEqual([live.status, live.output], [0, cold.output], live.errors);
    const again = emulate(['--replay', recording]);
    assert.deepEqual([again.status, again.output], [0, live.output], again.errors);
  });

  it('names no folder, no user and nothing of the environment', () => {
    const kernel = echo();
    const image = file('zaphod/disk.img', new Uint8Array(1024));
    const recording = path.join(folder, 'run.xv6run');
    const device = ['-device', 'virtio-blk-device,drive=x0,bus=virtio-mmio-bus.0'];
    const script = file('script', 'expect ready\nsend HAL\\c\nexpect HAL\n');
    const env = { USER: 'beeblebrox', LOGNAME: 'beeblebrox', HOME: '/home/beeblebrox', XV6_SECRET: 'slartibartfast' };
    const drive = ['-drive', `file=${image},if=none,format=raw,id=x0`];
    const live = emulate(['-kernel', kernel, ...drive, ...device, '-script', script, '-record', recording], env);
    assert.equal(live.status, 0, live.errors);
    const bytes = fs.readFileSync(recording);
    const content = inflateSync(bytes.subarray(FORMAT.length + 5, -16));
    const words = [folder, path.basename(folder), 'zaphod', 'disk.img', 'beeblebrox', 'slartibartfast', 'XV6_', 'PATH'];
    for (const word of [...words, os.hostname(), os.tmpdir(), ROOT, os.homedir(), process.execPath, 'script'])
      for (const text of [bytes, content]) assert.equal(text.includes(word), false, word);
    // What was typed is there, and so is the kernel.
    assert.ok(content.includes(Buffer.from('HAL').toString('hex')));
    assert.ok(content.includes(fs.readFileSync(kernel)));
  });

  it('is refused in one line if it is none, damaged, of another version, or has no such instant', () => {
    const recording = path.join(folder, 'run.xv6run');
    const script = file('script', 'expect ready\n');
    assert.equal(emulate(['-kernel', echo(), '-script', script, '-record', recording]).status, 0);
    const bytes = fs.readFileSync(recording);
    const other = Buffer.from(
      bytes.toString('latin1').replace(/^xv6-debug recording \d+/, 'xv6-debug recording 1'),
      'latin1',
    );
    const cases: [string[], RegExp][] = [
      [[file('kernel.bin', 'x')], /kernel.bin is no recording of a run/],
      [[path.join(folder, 'none')], /none cannot be read: there is no such file/],
      [[folder], /cannot be read: it is a folder/],
      [[file('cut', bytes.subarray(0, -9))], /cut is damaged/],
      [[file('old', other)], /old was made by another version of the machine/],
      [[recording, '--goto', 'nowhere'], /"nowhere" is no instant of the run; write instructions, or 12\.5ms, or end/],
      [[recording, '--goto', '99999999999'], /the run has ended before 99999999999 instructions, after \d+/],
      [[recording, '--goto', '99999ms'], /the run has ended before 99999 ms/],
    ];
    for (const [args, message] of cases) {
      const { status, errors } = emulate(['--replay', ...args]);
      assert.equal(status, 2, errors);
      assert.match(errors, message);
      assert.match(errors, /^xv6-emu: --replay.*\n$/, 'one line');
    }
  });

  it('is written over no other file, and the want of a place for it is told at once', () => {
    const precious = file('fs.img', 'precious');
    const cases: [string, RegExp][] = [
      [precious, /another file, which is no recording/],
      [path.join(folder, 'none', 'run'), /cannot be written \(no such file or directory/],
      [folder, /cannot be written/],
    ];
    for (const [name, message] of cases) {
      const { status, output, errors } = emulate(['-kernel', echo(), '--record', name]);
      assert.deepEqual([status, output], [2, '']);
      assert.match(errors, message);
    }
    assert.equal(fs.readFileSync(precious, 'utf8'), 'precious');
  });

  it('is recorded when a signal or a time limit ends the run, and replayed up to a time limit', () => {
    const recording = path.join(folder, 'run.xv6run');
    const live = emulate([
      '-kernel',
      echo(),
      '-script',
      file('script', 'expect never\n'),
      '--timeout',
      '1',
      '-record',
      recording,
    ]);
    assert.equal(live.status, 1, live.errors);
    const stats = path.join(folder, 'stats.json');
    const again = emulate(['--replay', recording, '--stats', stats]);
    assert.deepEqual([again.status, again.output], [0, 'ready\n'], again.errors);
    const { instructions } = JSON.parse(fs.readFileSync(stats, 'utf8')) as { instructions: number };
    assert.equal(instructions, executedIn(again));
    const late = emulate(['--replay', recording, '--timeout', '0.001', '-accel', 'interp']);
    assert.equal(late.status, 1);
    assert.ok(executedIn(late) < instructions);
  });
});
