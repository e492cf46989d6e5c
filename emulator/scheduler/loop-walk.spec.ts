/** A hart that spins can be stepped and stopped, and the guest's history is the same as if nobody had looked. */
import assert from 'node:assert/strict';
import { Machine } from '../machine';
import { Csr } from '../isa/csrs';
import { setBreakpoints } from '../testing/breakpoints';
import { Assembler, BASE, R, csrr, csrw, laidOut, toSupervisor } from '../testing/guests';
import { TIERS, type Tier } from '../testing/tiers';
import type { Stop } from '../types';

const { s0, s1, t0, t1, zero } = R;
const FLAG = BASE + 0x1_0000;
const LOCK = FLAG + 64;
/** More instructions than it takes to find any of these loops out. */
const MOST = 100_000_000;

/** All harts end in the loop at `spin`. */
function guest(loop: (a: Assembler) => Assembler): Assembler {
  const a = new Assembler();
  csrr(a, t0, Csr.mhartid).li(s0, FLAG).li(s1, LOCK).li(t1, 1);
  a.op('amoswap.w', { rd: zero, rs1: s1, rs2: t1 });
  // A loop that changes memory is found out only where interrupts are enabled.
  if (loop === toAndFro) csrs(a.li(t0, 8), Csr.mstatus, t0);
  return loop(a.label('spin'));
}

const csrs = (a: Assembler, csr: number, rs1: number): Assembler => a.op('csrrs', { rs1, imm: csr });

/** `for(;;);` at the end of panic. */
const forever = (a: Assembler): Assembler => a.to('spin', 'jal');
/** `while(flag == 0);` */
const forFlag = (a: Assembler): Assembler => a.op('ld', { rd: t0, rs1: s0 }).to('spin', 'beq', { rs1: t0 }).op('wfi');
/** A loop that changes memory on its way, and changes it back. */
const toAndFro = (a: Assembler): Assembler =>
  a
    .op('sd', { rs1: s0, rs2: t1, imm: 8 })
    .op('addi', { rd: t0, imm: 5 })
    .op('sd', { rs1: s0, rs2: zero, imm: 8 })
    .op('addi', { rd: t0, imm: 0 })
    .to('spin', 'jal');

function settled(a: Assembler, harts: number, acceleration: Tier = 'mixed'): Machine {
  const machine = new Machine({
    ...{ harts, memory: 2 ** 21, legacyVirtio: false, kernel: laidOut(a), acceleration },
  });
  runFree(machine, MOST);
  return machine;
}

/** Runs to a count of instructions, or until nothing will happen. */
function runFree(machine: Machine, executed: number, meanwhile: (stop: Stop) => void = () => undefined): void {
  while (machine.executed < executed) {
    const stop = machine.run({ instructions: Math.min(5000, executed - machine.executed) });
    meanwhile(stop);
    if (stop.kind !== 'idle') continue;
    if (stop.until === Infinity) return;
    machine.idleUntil(stop.until);
  }
}

const step = (machine: Machine, id: number): Stop =>
  machine.run({ instructions: 1_000_000, hart: { id, instructions: 1 } });

describe('a hart that spins', function () {
  for (const tier of TIERS) {
    for (const harts of [1, 3]) {
      describe(`(${tier}, ${harts} harts)`, () => {
        const id = harts - 1;

        it('is stepped in its loop', () => {
          for (const [loop, places] of [
            [forever, 1],
            [forFlag, 2],
            [toAndFro, 5],
          ] as const) {
            const a = guest(loop);
            const machine = settled(a, harts, tier);
            const hart = machine.harts[id]!;
            assert.ok(hart.spinning);
            const begin = BigInt(a.addressOf('spin'));
            const { executed, now } = machine;
            const hash = machine.stateHash();
            const offset = Number(hart.pc - begin) / 4;
            for (let i = 1; i <= 3 * places; i++) {
              assert.deepEqual(step(machine, id), { kind: 'step', hart: id });
              assert.equal(hart.pc, begin + BigInt(4 * ((offset + i) % places)), `${loop.name}, step ${i}`);
              assert.equal(machine.stateHash(), hash);
            }
            assert.deepEqual([machine.executed, machine.now], [executed, now]);
          }
        });

        it('shows registers and memory as they are on the way', () => {
          const a = guest(toAndFro);
          const machine = settled(a, harts, tier);
          const word = (): bigint => machine.memory.readU64(BigInt(FLAG + 8))!;
          const hart = machine.harts[id]!;
          const begin = hart.pc;
          const seen = new Map<bigint, [bigint, bigint]>();
          for (let i = 0; i < 5; i++) {
            step(machine, id);
            seen.set(hart.pc - BigInt(a.addressOf('spin')), [hart.x(t0), word()]);
          }
          assert.deepEqual(seen.get(8n), [5n, 1n], 'both have been written');
          assert.deepEqual(seen.get(12n), [5n, 0n]);
          assert.deepEqual(seen.get(16n), [0n, 0n]);
          step(machine, id);
          assert.notEqual(hart.pc, begin);
          machine.run({ instructions: 1 });
          assert.equal(hart.pc, begin, 'the pass is over');
        });

        it('is stopped by a breakpoint on an instruction of the loop, and once each time that passes', () => {
          for (const [loop, at] of [
            [forever, 0],
            [forFlag, 4],
            [toAndFro, 12],
          ] as const) {
            const a = guest(loop);
            const machine = settled(a, harts, tier);
            const pc = BigInt(a.addressOf('spin') + at);
            setBreakpoints(machine, [pc]);
            const met = new Set<number>();
            for (let i = 0; i < harts; i++) {
              const stop = machine.run({ instructions: 1_000_000 });
              assert.ok(stop.kind === 'breakpoint' && stop.pc === pc, `${loop.name}: ${stop.kind}`);
              assert.equal(machine.harts[stop.hart]!.pc, pc);
              met.add(stop.hart);
            }
            assert.equal(met.size, harts);
            assert.equal(machine.run({ instructions: 1_000_000 }).kind, 'idle', 'time must pass');
            machine.idleUntil(machine.now + 1000);
          }
        });

        it('meets two breakpoints of a pass one after the other', () => {
          const a = guest(toAndFro);
          const machine = settled(a, harts, tier);
          const begin = BigInt(a.addressOf('spin'));
          setBreakpoints(machine, [begin + 4n, begin + 12n]);
          const met = Array.from({ length: 2 }, () => machine.run({ instructions: 1_000_000 }));
          assert.ok(met.every((stop) => stop.kind === 'breakpoint' && stop.hart === (met[0] as { hart: number }).hart));
          assert.equal(new Set(met.map((stop) => (stop as { pc: bigint }).pc)).size, 2);
        });

        it('is not stopped by a breakpoint elsewhere, or that is meant for another address space', () => {
          const a = guest(forFlag);
          const machine = settled(a, harts, tier);
          setBreakpoints(machine, [BigInt(a.addressOf('spin') + 8)]);
          assert.equal(machine.run({ instructions: 1_000_000 }).kind, 'idle');
          setBreakpoints(machine, [BigInt(a.addressOf('spin'))], () => false);
          assert.equal(machine.run({ instructions: 1_000_000 }).kind, 'idle');
        });

        it('goes on when what it waits for comes, from a stop in the middle too', () => {
          const a = guest(forFlag);
          const machine = settled(a, harts, tier);
          const begin = machine.harts[id]!.pc;
          step(machine, id);
          machine.apply({ kind: 'memory', address: BigInt(FLAG), bytes: Uint8Array.of(1) });
          assert.equal(machine.harts[id]!.pc, begin, 'what is written, is written before the pass');
          runFree(machine, machine.executed + 10_000);
          assert.ok(machine.harts[id]!.waiting, 'it has left the loop');
        });
      });
    }
  }

  for (const tier of TIERS) {
    it(`takes an interrupt that came while it is shown where interrupts are off (${tier})`, () => {
      // PLIC and UART: a key is an external interrupt of hart 0 in S-mode.
      const a = new Assembler();
      const put = (address: number, value: number, op: 'sw' | 'sb' = 'sw') =>
        a.li(t0, address).li(t1, value).op(op, { rs1: t0, rs2: t1 });
      put(0x0c00_0028, 1);
      put(0x0c00_2080, 1 << 10);
      put(0x0c20_1000, 0);
      put(0x1000_0001, 1, 'sb');
      csrw(a.li(t0, 1 << 9), Csr.mie, t0);
      csrw(a.la(t0, 'handler'), Csr.stvec, t0);
      toSupervisor(a, 0n);
      a.li(s0, FLAG).li(t1, 2);
      a.label('spin').op('csrrc', { rs1: t1, imm: Csr.sstatus }).op('ld', { rd: t0, rs1: s0 });
      a.label('on').op('csrrs', { rs1: t1, imm: Csr.sstatus }).to('spin', 'jal').op('addi');
      a.label('handler').to('handler', 'jal');
      const machine = settled(a, 1, tier);
      const hart = machine.harts[0]!;
      assert.ok(hart.spinning);
      const at = (label: string, offset = 0): bigint => BigInt(a.addressOf(label) + offset);
      for (let i = 0; i < 4 && hart.pc !== at('on'); i++) step(machine, 0);
      assert.equal(hart.pc, at('on'));
      machine.consoleInput(Uint8Array.of(65));
      // The loop was found to begin where interrupts are off: it is gone through to where they are on.
      for (let i = 0; i < 4 && hart.pc !== at('handler'); i++) assert.equal(step(machine, 0).kind, 'step');
      assert.equal(hart.pc, at('handler'));
      assert.equal(hart.csr(Csr.sepc), at('on', 4));
    });
  }

  it('is not shown in its loop where only what it executes counts', () => {
    const a = guest(forFlag);
    const machine = settled(a, 1);
    const hart = machine.harts[0]!;
    const begin = hart.pc;
    step(machine, 0);
    assert.notEqual(hart.pc, begin);
    const limit = { instructions: 1_000_000, hart: { id: 0, instructions: 1, executes: true } };
    const { executed } = machine;
    assert.equal(machine.run(limit).kind, 'idle');
    assert.deepEqual([hart.pc, machine.executed], [begin, executed]);
    machine.apply({ kind: 'memory', address: BigInt(FLAG), bytes: Uint8Array.of(1) });
    assert.deepEqual(machine.run(limit), { kind: 'step', hart: 0 });
    assert.equal(machine.executed, executed + 1);
  });

  it('leaves the same history, whoever steps and stops it', () => {
    // Hart 0 works, and sets the flag now and then; the others wait for it.
    const a = new Assembler();
    csrr(a, t0, Csr.mhartid).li(s0, FLAG).li(t1, 3_000).to('spin', 'bne', { rs1: t0 });
    a.label('work').op('addi', { rd: s1, rs1: s1, imm: 1 }).op('addi', { rd: t1, rs1: t1, imm: -1 });
    a.to('work', 'bne', { rs1: t1 }).op('ld', { rd: t0, rs1: s0 }).op('addi', { rd: t0, rs1: t0, imm: 1 });
    a.op('sd', { rs1: s0, rs2: t0 }).li(t1, 200_000).to('work', 'jal');
    a.label('spin').op('ld', { rd: t0, rs1: s0 }).to('spin', 'beq', { rs1: t0, rs2: s1 });
    a.op('addi', { rd: s1, rs1: t0 }).to('spin', 'jal');
    for (const acceleration of TIERS) {
      const run = (looks: boolean): { trace: string[]; stops: number } => {
        const machine = new Machine({
          ...{ harts: 3, memory: 2 ** 21, legacyVirtio: false, kernel: laidOut(a), acceleration },
        });
        const trace: string[] = [];
        let stops = 0;
        for (let point = 100_000; point <= 3_000_000; point += 100_000) {
          runFree(machine, point, (stop) => {
            if (stop.kind === 'breakpoint') stops++;
          });
          trace.push(`${machine.executed} ${machine.stateHash()}`);
          if (!looks) continue;
          // Steps that execute nothing, and breakpoints, as long as the count stays below the next point.
          setBreakpoints(machine, point % 200_000 === 0 ? [BigInt(a.addressOf('spin') + 4)] : []);
          for (const hart of [1, 2]) {
            for (let i = 0; i < 5; i++)
              stops += machine.run({ instructions: 2000, hart: { id: hart, instructions: 1 } }).kind === 'step' ? 1 : 0;
          }
        }
        return { trace, stops };
      };
      const looked = run(true);
      assert.ok(looked.stops > 50, `${looked.stops}`);
      assert.deepEqual(looked.trace, run(false).trace);
    }
  });
});
