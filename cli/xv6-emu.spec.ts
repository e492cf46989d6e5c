/** The program as a whole: exit status, messages, console, disk and statistics. */
import assert from 'node:assert/strict';
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { Csr } from '../emulator/isa/csrs';
import { Assembler } from '../emulator/testing/assembler';
import { elf } from '../emulator/testing/elf';
import { R } from '../emulator/testing/encode';
import type { Stats } from './stats';

const ROOT = path.join(__dirname, '..');
const SAMPLE = path.join(ROOT, 'sample', 'prebuilt');
const UART = 0x1000_0000;
const FINISHER = 0x10_0000;
/** Compared with where it is installed. */
const QEMU = spawnSync('qemu-system-riscv64', ['--version']).status === 0;

interface Result {
  status: number | null;
  output: string;
  errors: string;
}

const start = (args: readonly string[]): ChildProcessWithoutNullStreams =>
  spawn(process.execPath, ['-r', 'tsx/cjs', 'cli/program.ts', ...args], { cwd: ROOT });

function finish(child: ChildProcessWithoutNullStreams): Promise<Result> {
  let [output, errors] = ['', ''];
  child.stdout.on('data', (piece: Buffer) => (output += piece.toString()));
  child.stderr.on('data', (piece: Buffer) => (errors += piece.toString()));
  return new Promise((resolve) => child.on('close', (status) => resolve({ status, output, errors })));
}

function emulate(args: readonly string[], typed = ''): Promise<Result> {
  const child = start(args);
  child.stdin.end(typed);
  return finish(child);
}

describe('xv6-emu', function () {
  this.timeout(60_000);
  let folder: string;
  const file = (name: string, content: string | Uint8Array): string => {
    const at = path.join(folder, name);
    fs.writeFileSync(at, content);
    return at;
  };
  const kernel = (write: (a: Assembler) => void, name = 'kernel'): string => {
    const a = new Assembler();
    write(a);
    return file(name, elf(a.image()));
  };
  const print = (a: Assembler, text: string): Assembler => {
    a.li(R.t0, UART);
    for (const letter of text) a.li(R.t1, letter.charCodeAt(0)).op('sb', { rs1: R.t0, rs2: R.t1 });
    return a;
  };
  const powerOff = (a: Assembler, value: number): Assembler =>
    a.li(R.t0, FINISHER).li(R.t1, value).op('sw', { rs1: R.t0, rs2: R.t1 });
  const spin = (a: Assembler): Assembler => a.label('spin').to('spin', 'jal');

  beforeEach(() => (folder = fs.mkdtempSync(path.join(os.tmpdir(), 'xv6-emu-'))));
  afterEach(() => fs.rmSync(folder, { recursive: true }));

  it('says who it is in the words that Makefiles look for', async () => {
    const version = await emulate(['--version']);
    assert.match(version.output, /^QEMU emulator version (7\.[2-9]|[89]|\d\d)\S* \(xv6-emu \d+\.\d+\.\d+\)\n$/);
    const help = await emulate(['-help']);
    assert.match(help.output, /^-gdb/m);
    assert.equal(help.status, 0);
  });

  it('answers what every make asks first without loading the machine', () => {
    const alone = path.join(folder, 'xv6-emu.js');
    fs.copyFileSync(path.join(ROOT, 'dist', 'xv6-emu.js'), alone);
    // By its first line.
    const ask = (...args: string[]) => spawnSync(alone, args, { encoding: 'utf8' });
    for (const word of ['--version', '-version']) assert.match(ask(word).stdout, /^QEMU emulator version /);
    for (const word of ['-h', '-help', '--help']) assert.match(ask(word).stdout, /^-gdb /m);
    assert.match(ask('-nographic').stderr, /xv6-emulator\.js'/);
  });

  it('ends with the guest: power off is 0, a failure its code', async () => {
    const off = kernel((a) => spin(powerOff(print(a, 'bye'), 0x5555)), 'off');
    assert.deepEqual(await emulate(['-kernel', off]), { status: 0, output: 'bye', errors: '' });
    const fail = kernel((a) => spin(powerOff(a, 0x0007_3333)), 'fail');
    assert.equal((await emulate(['-kernel', fail])).status, 7);
  });

  it('runs the same in every tier', async () => {
    const counting = kernel((a) => {
      a.li(R.s0, 50_000).label('again').op('addi', { rd: R.s0, rs1: R.s0, imm: -1 }).to('again', 'bne', { rs1: R.s0 });
      spin(powerOff(a, 0x5555));
    });
    const counts = ['interp', 'jit', 'mixed'].map(async (tier) => {
      const stats = path.join(folder, `${tier}.json`);
      const { status, errors } = await emulate(['-kernel', counting, '-accel', tier, '--stats', stats]);
      assert.deepEqual([status, errors], [0, '']);
      return (JSON.parse(fs.readFileSync(stats, 'utf8')) as Stats).instructions;
    });
    const [interp, jit, mixed] = (await Promise.all(counts)) as [number, number, number];
    assert.ok(interp > 100_000);
    assert.deepEqual([jit, mixed], [interp, interp]);
  });

  it('runs a script against the guest, and tells by its status how it ended', async () => {
    // Echoes each byte with one added.
    const echo = kernel((a) => {
      print(a, 'ready\n').label('poll').op('lbu', { rd: R.t1, rs1: R.t0, imm: 5 });
      a.op('andi', { rd: R.t1, rs1: R.t1, imm: 1 }).to('poll', 'beq', { rs1: R.t1 });
      a.op('lbu', { rd: R.t1, rs1: R.t0 }).op('addi', { rd: R.t1, rs1: R.t1, imm: 1 });
      a.op('sb', { rs1: R.t0, rs2: R.t1 }).to('poll', 'jal');
    });
    const script = file('script', 'expect ready\nsend HAL\\c\nexpect IBM\n');
    const stats = path.join(folder, 'stats.json');
    const done = await emulate(['-kernel', echo, '--script', script, '--timeout', '20', '--stats', stats]);
    assert.deepEqual([done.status, done.output], [0, 'ready\nIBM']);
    const { status, instructionsPerHart, instructions, mips, wallSeconds, secondsToPrompt } = JSON.parse(
      fs.readFileSync(stats, 'utf8'),
    ) as Stats;
    assert.deepEqual([status, instructionsPerHart.length, secondsToPrompt], [0, 1, null]);
    assert.ok(instructions >= instructionsPerHart[0]! && instructionsPerHart[0]! > 50);
    assert.ok(mips > 0 && wallSeconds > 0);

    const never = file('never', 'expect ready\nexpect never\n');
    const late = await emulate(['-kernel', echo, '--script', never, '--timeout', '1']);
    assert.equal(late.status, 1);
    assert.match(late.errors, /timed out after 1 s; .*never:2 was still waiting for "never"/);
  });

  it('sees a panic, a sleep without end, and traps without end', async () => {
    const panic = kernel((a) => spin(print(a, 'panic: oops\n')), 'panic');
    const panicked = await emulate(['-kernel', panic, '--timeout', '30']);
    assert.equal(panicked.status, 3);
    assert.match(panicked.errors, /the guest panicked/);

    const worded = kernel((a) => spin(print(a, 'PANIC: oops\n')), 'worded');
    const told = await emulate(['-kernel', worded, '--timeout', '30']);
    assert.equal(told.status, 3);
    assert.match(
      told.errors,
      /the guest panicked: hart 0 at 0x8000\w+ goes round .* with interrupts disabled; the console says "PANIC: oops"/,
    );

    const ended = kernel((a) => spin(print(a, 'So long.\n')), 'ended');
    const hung = await emulate(['-kernel', ended, '--timeout', '30']);
    assert.equal(hung.status, 3);
    assert.match(hung.errors, /the guest hangs: hart 0 at .*the console says "So long\."/);

    const sleeper = kernel((a) => a.label('sleep').op('wfi').to('sleep', 'jal'), 'sleeper');
    const asleep = await emulate(['-kernel', sleeper, '--timeout', '30']);
    assert.equal(asleep.status, 3);
    assert.match(asleep.errors, /all harts wait and nothing will wake them/);

    const lost = kernel((a) => a.li(R.t0, 0x1234_5678).op('jalr', { rs1: R.t0 }), 'lost');
    const trapping = await emulate(['-kernel', lost, '--timeout', '30']);
    assert.equal(trapping.status, 3);
    assert.match(trapping.errors, /hart 0 traps without end at pc 0x0 \(mcause 0x1, mtvec 0x0\)/);
  });

  it('records a run that fails, and no other, if that is asked for; what fails there changes no exit status', async () => {
    const recording = path.join(folder, 'run.xv6run');
    const on = ['--record-on-failure', recording];
    const replayed = (): Promise<Result> => emulate(['--replay', recording]);
    const left = (): string[] => fs.readdirSync(folder).filter((name) => name.includes('run.xv6run'));

    const off = kernel((a) => spin(powerOff(print(a, 'bye'), 0x5555)), 'off');
    assert.deepEqual(await emulate(['-kernel', off, ...on]), { status: 0, output: 'bye', errors: '' });
    assert.deepEqual(left(), []);

    const panic = kernel((a) => spin(print(a, 'panic: oops\n')), 'panic');
    const panics = await Promise.all([1, 2, 3].map(() => emulate(['-kernel', panic, '--timeout', '30', ...on])));
    for (const { status, errors } of panics) assert.deepEqual([status, errors.split('\n').length], [3, 2], errors);
    assert.deepEqual(left(), ['run.xv6run']);
    const again = await replayed();
    assert.deepEqual([again.status, again.output], [0, 'panic: oops\n'], again.errors);

    const fail = kernel((a) => spin(powerOff(print(a, 'failed'), 0x0007_3333)), 'fail');
    assert.equal((await emulate(['-kernel', fail, ...on])).status, 7);
    assert.equal((await replayed()).output, 'failed');

    const polls = kernel((a) =>
      print(a, 'on').label('poll').op('lbu', { rd: R.t1, rs1: R.t0, imm: 5 }).to('poll', 'jal'),
    );
    const child = start(['-kernel', polls, ...on]);
    child.stdout.once('data', () => child.kill('SIGTERM'));
    assert.equal((await finish(child)).status, 143);
    assert.equal((await replayed()).output, 'on');

    const precious = file('precious', 'precious');
    const cases: [string, RegExp][] = [
      [precious, /another file, which is no recording; it is left alone/],
      [path.join(folder, 'none', 'run'), /the recording cannot be written \(no such file or directory, ENOENT\)/],
    ];
    for (const [name, message] of cases) {
      const { status, errors } = await emulate(['-kernel', fail, '--record-on-failure', name]);
      const lines = errors.trimEnd().split('\n');
      assert.deepEqual([status, lines.length], [7, 2], errors);
      assert.match(lines[0]!, /^xv6-emu: warning: --record-on-failure /);
      assert.match(lines[1]!, /^xv6-emu: --record-on-failure /);
      for (const text of lines) assert.match(text, message);
    }
    assert.equal(fs.readFileSync(precious, 'utf8'), 'precious');
  });

  it('says in one line where QEMU would do something else', async () => {
    const leave = kernel((a) =>
      powerOff(
        a
          .li(R.t2, 0x8000_0000 + 24)
          .op('csrrw', { rs1: R.t2, imm: Csr.mepc })
          .op('mret'),
        0x5555,
      ),
    );
    const { errors } = await emulate(['-kernel', leave, '--timeout', '30']);
    assert.match(errors, /^xv6-emu: warning: hart 0 leaves M-mode at 0x8000\w+ with no PMP entry on\. .*\n/);
  });

  it('has the disk in the slot where the same words put it in QEMU', async () => {
    // Prints the numbers of the slots with a block device.
    const slots = kernel((a) => {
      a.li(R.s1, UART + 0x1000)
        .li(R.s2, '0'.charCodeAt(0))
        .li(R.s3, '8'.charCodeAt(0))
        .li(R.s4, 2)
        .li(R.t0, UART);
      a.label('next').op('lw', { rd: R.t1, rs1: R.s1, imm: 8 }).to('other', 'bne', { rs1: R.t1, rs2: R.s4 });
      a.op('sb', { rs1: R.t0, rs2: R.s2 }).label('other').op('addi', { rd: R.s2, rs1: R.s2, imm: 1 });
      a.li(R.t1, 0x1000).op('add', { rd: R.s1, rs1: R.s1, rs2: R.t1 }).to('next', 'bne', { rs1: R.s2, rs2: R.s3 });
      spin(powerOff(a, 0x5555));
    });
    const image = file('disk.img', new Uint8Array(1024));
    const shown = async (bus: string): Promise<string> => {
      const words = [...['-machine', 'virt', '-bios', 'none', '-kernel', slots, '-nographic'], '-drive'];
      words.push(`file=${image},if=none,format=raw,id=x0`, '-device', `virtio-blk-device,drive=x0${bus}`);
      const { output } = await emulate(words);
      if (QEMU)
        assert.equal(spawnSync('qemu-system-riscv64', words, { encoding: 'utf8', input: '' }).stdout, output, bus);
      return output;
    };
    assert.equal(await shown(''), '7');
    assert.equal(await shown(',bus=virtio-mmio-bus.0'), '0');
    assert.equal(await shown(',bus=virtio-mmio-bus.5'), '5');
  });

  it('refuses bad input in one line that says what to do', async () => {
    const good = kernel((a) => spin(a));
    const bytes = fs.readFileSync(good);
    const patched = (name: string, offset: number, value: number): string => {
      const copy = Uint8Array.from(bytes);
      copy[offset] = value;
      return file(name, copy);
    };
    const drive = (image: string): string[] => [
      ...['-kernel', good, '-drive', `file=${image},if=none,format=raw,id=x0`],
      ...['-device', 'virtio-blk-device,drive=x0,bus=virtio-mmio-bus.0'],
    ];
    const big = new Assembler();
    spin(big);
    const cases: [string[], RegExp][] = [
      [['-vga', 'std'], /-vga: unknown option/],
      [['-kernel', path.join(folder, 'none')], /the kernel .*none cannot be read: there is no such file/],
      [['-kernel', folder], /the kernel .* cannot be read: it is a folder/],
      [['-kernel', patched('x86', 18, 62)], /x86: the kernel is an x86 ELF/],
      [['-kernel', patched('rv32', 4, 1)], /rv32: the kernel is a 32-bit RISC-V ELF/],
      [['-kernel', file('short', bytes.subarray(0, bytes.length - 1))], /short: the kernel is cut short/],
      [['-kernel', file('text', 'int main(void) {}')], /text: the kernel is not an ELF file/],
      [
        ['-m', '2M', '-kernel', file('huge', elf(big.image(), { memorySize: 3 << 20 }))],
        /huge: the kernel takes .* memory is 2 MiB/,
      ],
      [
        drive(path.join(folder, 'none.img')),
        /none.img cannot be opened to write: there is no such file. make fs.img makes one/,
      ],
      [drive(file('odd.img', 'x'.repeat(777))), /odd.img .*777 bytes, which is not a multiple of 512/],
      [['-kernel', good, '--script', path.join(folder, 'none')], /the script .*none cannot be read/],
      [['-kernel', good, '--script', file('bad', 'type ls\n')], /bad:1: "type ls"/],
    ];
    for (const [args, message] of cases) {
      const { status, output, errors } = await emulate(args);
      assert.equal(status, 2, errors);
      assert.equal(output, '');
      assert.match(errors, message);
      assert.match(errors, /^xv6-emu: .*\n$/, 'one line');
    }
  });

  it('boots the sample, types on a pipe, and leaves with Ctrl-A X', async () => {
    const child = start([]);
    const result = finish(child);
    let [seen, answered] = ['', false];
    child.stdout.on('data', (piece: Buffer) => {
      seen += piece.toString();
      if (!answered && seen.includes('$ ')) {
        answered = true;
        child.stdin.write('echo typed by hand\n');
      }
      if (/\ntyped by hand\r?\n\$ /.test(seen)) child.stdin.write('\x01x');
    });
    const { status, output } = await result;
    assert.equal(status, 0);
    assert.match(output, /\ntyped by hand/);
  });

  it('keeps what the guest writes to its disk, as make qemu does, but for -snapshot', async () => {
    const image = path.join(folder, 'fs.img');
    fs.copyFileSync(path.join(SAMPLE, 'fs.img'), image);
    const machine = [
      '-machine',
      'virt',
      '-bios',
      'none',
      '-kernel',
      path.join(SAMPLE, 'kernel'),
      '-m',
      '128M',
      '-smp',
      '3',
    ];
    const drive = ['-drive', `file=${image},if=none,format=raw,id=x0`];
    const device = ['-device', 'virtio-blk-device,drive=x0,bus=virtio-mmio-bus.0'];
    const all = [...machine, '-nographic', '-global', 'virtio-mmio.force-legacy=false', ...drive, ...device];
    const write = file('write', 'expect $ \nsend echo kept > note\nexpect $ \n');
    assert.equal((await emulate([...all, '--script', write, '--timeout', '50'])).status, 0);
    const read = file('read', 'expect $ \nsend cat note\nexpect kept\nexpect $ \n');
    assert.equal((await emulate([...all, '--script', read, '--timeout', '50'])).status, 0);
    const lost = file('lost', 'expect $ \nsend rm note\nexpect $ \nsend cat note\nexpect cannot open\nexpect $ \n');
    assert.equal((await emulate([...all, '-snapshot', '--script', lost, '--timeout', '50'])).status, 0);
    assert.equal(
      (await emulate([...all, '--script', read, '--timeout', '50'])).status,
      0,
      'kept in spite of -snapshot',
    );
  });
});
