import assert from 'node:assert/strict';
import { Machine } from '../emulator/machine';
import { Assembler } from '../emulator/testing/assembler';
import { elf } from '../emulator/testing/elf';
import { R } from '../emulator/testing/encode';
import { GuestOutput } from './guest-output';
import { ConsoleRun } from './run';

const CLINT_MTIME = 0x200_bff8;
const CLINT_MTIMECMP = 0x200_4000;
const UART = 0x1000_0000;

/** A guest that wakes every so many ticks, writes a dot, and sleeps again. */
function ticker(ticks: number): Uint8Array {
  const a = new Assembler();
  a.li(R.s0, CLINT_MTIME).li(R.s1, CLINT_MTIMECMP).li(R.s2, ticks).li(R.s3, UART).li(R.t0, 0x80);
  a.op('csrrs', { rs1: R.t0, imm: 0x304 }).label('next').op('ld', { rd: R.t0, rs1: R.s0 });
  a.op('add', { rd: R.t0, rs1: R.t0, rs2: R.s2 }).op('sd', { rs1: R.s1, rs2: R.t0 }).op('wfi');
  a.li(R.t0, '.'.charCodeAt(0)).op('sb', { rs1: R.s3, rs2: R.t0 }).to('next', 'jal');
  return elf(a.image());
}

describe('a run with a console', function () {
  const run = (
    kernel: Uint8Array,
    milliseconds: number,
    harts = 1,
  ): { run: ConsoleRun; machine: Machine; shown: () => string } => {
    const output = new GuestOutput();
    const machine = new Machine({ harts, memory: 2 ** 21, kernel, legacyVirtio: true, consoleOutput: output.write });
    let text = '';
    const show = (bytes: Uint8Array): void => void (text += Buffer.from(bytes).toString());
    const settings = { timeout: milliseconds, noReboot: false, interactive: true, show, note: () => undefined };
    return { run: new ConsoleRun(machine, output, settings), machine, shown: () => text };
  };

  it('lets a waiting guest sleep by the clock on the wall, and sleeps itself', async () => {
    const { run: console, machine, shown } = run(ticker(1_000_000), 2000);
    const before = process.cpuUsage();
    const { status } = await console.run();
    const { user, system } = process.cpuUsage(before);
    assert.equal(status, 1, 'timed out');
    const seconds = machine.now / 1e7;
    assert.ok(seconds > 0.5 && seconds < 2.5, `the guest's clock went on by ${seconds} s in 2 s`);
    assert.ok(shown().length >= 5 && shown().length <= 25, `${shown().length} ticks`);
    // One that waits by turning round takes all of the two seconds.
    assert.ok(user + system < 1_000_000, `it took ${(user + system) / 1000} ms of processor time`);
  });

  it('does not take a hart that has just woken for one that hangs', async () => {
    const a = new Assembler();
    a.op('csrrs', { rd: R.t0, imm: 0xf14 }).to('sleeper', 'bne', { rs1: R.t0 });
    // Hart 0 counts, and then powers off.
    a.li(R.t0, 60_000_000)
      .label('count')
      .op('addi', { rd: R.t0, rs1: R.t0, imm: -1 })
      .to('count', 'bne', { rs1: R.t0 });
    a.li(R.s0, 0x10_0000).li(R.t1, 0x5555).op('sw', { rs1: R.s0, rs2: R.t1 }).label('end').to('end', 'jal');
    // Hart 1 sleeps a little longer each time than a slice.
    a.label('sleeper').li(R.s0, CLINT_MTIME).li(R.s1, CLINT_MTIMECMP).li(R.s2, 101_000).li(R.t0, 0x80);
    a.op('csrrs', { rs1: R.t0, imm: 0x304 }).label('next').op('ld', { rd: R.t0, rs1: R.s0 });
    a.op('add', { rd: R.t0, rs1: R.t0, rs2: R.s2 }).op('sd', { rs1: R.s1, rs2: R.t0, imm: 8 }).op('wfi');
    a.to('next', 'jal');
    const { run: console } = run(elf(a.image()), 15_000, 2);
    assert.deepEqual(await console.run(), { status: 0, message: '' });
  });

  it('wakes at once for a key', async () => {
    const a = new Assembler();
    const PLIC = 0xc00_0000;
    // The UART's interrupt through the PLIC wakes the hart, which then echoes the input.
    a.li(R.s0, UART).li(R.t0, 1).op('sb', { rs1: R.s0, rs2: R.t0, imm: 1 });
    a.li(R.t1, PLIC + 10 * 4).op('sw', { rs1: R.t1, rs2: R.t0 });
    a.li(R.t1, PLIC + 0x2000)
      .li(R.t0, 1 << 10)
      .op('sw', { rs1: R.t1, rs2: R.t0 });
    a.li(R.t0, 0x800).op('csrrs', { rs1: R.t0, imm: 0x304 }).op('wfi');
    a.op('lbu', { rd: R.t0, rs1: R.s0 }).op('sb', { rs1: R.s0, rs2: R.t0 });
    a.li(R.t0, 0x10_0000).li(R.t1, 0x5555).op('sw', { rs1: R.t0, rs2: R.t1 }).label('end').to('end', 'jal');
    const { run: console, shown } = run(elf(a.image()), 10_000);
    const began = performance.now();
    setTimeout(() => console.input(Buffer.from('k')), 200);
    const { status } = await console.run();
    assert.deepEqual([status, shown()], [0, 'k']);
    const took = performance.now() - began;
    assert.ok(took >= 190 && took < 9000, `${took} ms`);
  });
});
