/** CSR instructions within hot code: in a region they do what cpu/csr.ts does, traps and interrupts included. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Csr } from '../isa/csrs';
import type { HartState } from '../cpu/hart';
import { Machine } from '../machine';
import { Assembler, R, csrr, csrw, elf, times, toSupervisor } from '../testing/guests';
import { points, sameInTiers } from '../testing/tiers';
import { Mode } from '../types';

const { s0, s1, s2, s3, s4, t0, t1, t2, a0, a1, a2 } = R;
const SSIP = 2;
const SIE = 2;

const same = (a: Assembler, instructions: number, slices?: number[]): Machine =>
  sameInTiers({ kernel: elf(a.image()), points: points(instructions, 4) }, slices);

/** A handler that counts in s2, adds sepc up in s3, does what is given and returns. */
function handler(a: Assembler, rest: () => void): void {
  a.label('halt').to('halt', 'jal').align(4).label('handler').op('addi', { rd: s2, rs1: s2, imm: 1 });
  csrr(a, t2, Csr.sepc).op('add', { rd: s3, rs1: s3, rs2: t2 });
  rest();
  a.op('sret');
}
/** Has the handler return behind the instruction that trapped. */
const skip = (a: Assembler): Assembler => csrw(a.op('addi', { rd: t2, rs1: t2, imm: 4 }), Csr.sepc, t2);

describe('CSR instructions in hot code', function () {
  for (const how of ['csrrs', 'csrrsi', 'csrrw'] as const) {
    it(`let a pending interrupt in at the very next instruction (sstatus.SIE by ${how})`, () => {
      const a = new Assembler();
      csrw(toSupervisor(a, 0n).la(t0, 'handler'), Csr.stvec, t0);
      csrw(a.li(t0, SSIP), Csr.sie, t0);
      times(a, s0, 2500, 'again', () => {
        a.op('csrrsi', { rs1: SSIP, imm: Csr.sip }).op('addi', { rd: s4, rs1: s2 });
        if (how === 'csrrsi') a.op('csrrsi', { rs1: SIE, imm: Csr.sstatus });
        else a.li(t1, SIE).op(how, { rs1: t1, imm: Csr.sstatus });
        // The count here is what the handler left.
        a.label('here').op('sub', { rd: t0, rs1: s2, rs2: s4 }).op('add', { rd: s1, rs1: s1, rs2: t0 });
        a.op('csrrci', { rs1: SIE, imm: Csr.sstatus });
      });
      handler(a, () => a.op('csrrci', { rs1: SSIP, imm: Csr.sip }));
      const hart = same(a, 45_000).harts[0]!;
      assert.equal(hart.x(s2), 2500n);
      assert.equal(hart.x(s1), 2500n);
      assert.equal(hart.x(s3), 2500n * BigInt(a.addressOf('here')));
    });
  }

  it('switch interrupts off and on as elsewhere where the instruction ends in the next page, without leaving hot code', () => {
    const PAGE = 4096;
    for (const acceleration of ['interp', 'mixed', 'jit'] as const) {
      const a = new Assembler();
      csrw(toSupervisor(a, 0n).la(t0, 'handler'), Csr.stvec, t0);
      csrw(a.li(t0, SSIP), Csr.sie, t0);
      a.op('addi', { rd: s0, imm: 2000 });
      while (a.here % PAGE !== PAGE - 10) a.half(1);
      a.label('again').op('csrrsi', { rd: t0, rs1: SIE, imm: Csr.sstatus }).op('add', { rd: s1, rs1: s1, rs2: t0 });
      a.op('csrrci', { rd: t1, rs1: SIE, imm: Csr.sstatus }).op('add', { rd: s4, rs1: s4, rs2: t1 });
      a.op('addi', { rd: s0, rs1: s0, imm: -1 }).to('again', 'bne', { rs1: s0 });
      a.label('halt').to('halt', 'jal').align(4).label('handler').to('handler', 'jal');
      assert.equal(a.addressOf('again') % PAGE, PAGE - 10);
      same(a, 15_000, [997]);
      const kernel = elf(a.image());
      const machine = new Machine({ harts: 1, memory: 2 ** 21, legacyVirtio: false, kernel, acceleration });
      const { host } = machine.harts[0] as HartState;
      const changed = host.changed.bind(host);
      let left = 0;
      host.changed = (...what) => {
        left++;
        changed(...what);
      };
      machine.run({ instructions: 15_000 });
      assert.equal(BigInt.asUintN(32, machine.harts[0]!.x(s4)), BigInt(2000 * SIE));
      assert.ok(left < 100, `${acceleration}: left ${left} times`);
    }
  });

  it('let the timer in where it falls due, between disabling and enabling', () => {
    const a = new Assembler();
    csrw(a.li(t0, 1n << 63n), Csr.menvcfg, t0);
    csrw(a.li(t0, 7), Csr.mcounteren, t0);
    csrw(toSupervisor(a, 0n).la(t0, 'handler'), Csr.stvec, t0);
    csrw(a, Csr.stimecmp, R.zero);
    csrw(a.li(t0, 32), Csr.sie, t0);
    // As push_off and pop_off do, 8000 times.
    times(a, s0, 8000, 'again', () => {
      a.op('csrrci', { rd: t0, rs1: SIE, imm: Csr.sstatus }).op('andi', { rd: t0, rs1: t0, imm: SIE });
      a.op('addi', { rd: s1, rs1: s1, imm: 1 }).op('csrrsi', { rs1: SIE, imm: Csr.sstatus });
      a.op('addi', { rd: s1, rs1: s1, imm: 1 });
    });
    handler(a, () => csrw(csrr(a, t2, Csr.time).op('addi', { rd: t2, rs1: t2, imm: 9 }), Csr.stimecmp, t2));
    const hart = same(a, 65_000, [997, 61]).harts[0]!;
    assert.equal(hart.x(s1), 16_000n);
    assert.ok(hart.x(s2) > 300n);
  });

  for (const counter of ['cycle', 'mcycle', 'time', 'instret'] as const) {
    it(`read ${counter} as it counts, whatever was written to it`, () => {
      const a = new Assembler();
      csrw(a.li(t0, (1n << 40n) + 5n), Csr.mcycle, t0);
      a.li(t1, 0x200_bff8).li(t0, 0x1234_5678).op('sd', { rs1: t1, rs2: t0 });
      times(a, s0, 3000, 'again', () => {
        csrr(a, t0, Csr[counter]).op('add', { rd: s1, rs1: s1, rs2: t0 }).op('xor', { rd: s2, rs1: s2, rs2: s1 });
        csrr(a, t1, Csr[counter]).op('sub', { rd: t1, rs1: t1, rs2: t0 }).op('add', { rd: s3, rs1: s3, rs2: t1 });
      });
      a.label('halt').to('halt', 'jal');
      const hart = same(a, 27_000, [997, 61]).harts[0]!;
      // Passes of 8 instructions begin at one of five places in a tick, and from two of these the next tick is 3 ahead.
      if (counter === 'time') assert.equal(hart.x(s3), 1200n);
      else assert.equal(hart.x(s3), 9000n);
    });
  }

  it('wait for the clock without leaving hot code', () => {
    const a = new Assembler();
    csrr(a, s0, Csr.cycle).li(t0, 10_000_000).op('add', { rd: s0, rs1: s0, rs2: t0 });
    a.label('again');
    csrr(a, t0, Csr.cycle).to('again', 'bltu', { rs1: t0, rs2: s0 }).label('halt').to('halt', 'jal');
    const machine = new Machine({ harts: 1, memory: 2 ** 21, legacyVirtio: false, kernel: elf(a.image()) });
    const { host } = machine.harts[0] as HartState;
    const cycles = host.cycles.bind(host);
    let left = 0;
    host.cycles = () => {
      left++;
      return cycles();
    };
    machine.run({ instructions: 9_000_000 });
    assert.ok(left > 0 && left < 200_000, `left ${left} times`);
  });

  it('read counters only where every enable says so', () => {
    const a = new Assembler();
    csrw(a.li(t0, 1), Csr.mcounteren, t0);
    csrw(toSupervisor(a, 0n).la(t0, 'handler'), Csr.stvec, t0);
    const read = (count: number, label: string): void =>
      void times(a, s0, count, label, () => {
        csrr(a, a0, Csr.cycle);
        csrr(a, a1, Csr.time).op('addi', { rd: s1, rs1: s1, imm: 1 });
      });
    // In S-mode only time traps; in U-mode both, until scounteren allows cycle.
    read(1500, 'allowed');
    csrw(a.la(t0, 'user'), Csr.sepc, t0).op('sret').label('user');
    read(1500, 'refused');
    handler(a, () => skip(a));
    const hart = same(a, 90_000).harts[0]!;
    assert.equal(hart.x(s1), 3000n);
    assert.equal(hart.x(s2), 1500n + 3000n);
  });

  it('trap where the mode is too low', () => {
    const a = new Assembler();
    csrw(toSupervisor(a, 0n).la(t0, 'handler'), Csr.stvec, t0);
    // In S-mode, then in U-mode.
    times(a, s0, 1500, 'again', () => {
      csrr(a, a0, Csr.mstatus).op('addi', { rd: s1, rs1: s1, imm: 1 });
      csrr(a, a1, Csr.sscratch);
      csrw(a, Csr.mscratch, s1);
    });
    csrw(a.la(t0, 'user'), Csr.sepc, t0).op('sret').label('user');
    a.li(a1, 77);
    times(a, s0, 1500, 'more', () => {
      csrr(a, a0, Csr.sstatus).op('addi', { rd: s1, rs1: s1, imm: 1 });
      a.op('csrrw', { rd: a1, rs1: s1, imm: Csr.sscratch }).op('csrrsi', { rd: a1, rs1: SIE, imm: Csr.sstatus });
      csrr(a, a1, Csr.satp);
    });
    handler(a, () => skip(a));
    const hart = same(a, 150_000).harts[0]!;
    assert.equal(hart.x(s1), 3000n);
    assert.equal(hart.x(s2), 1500n * 2n + 1500n * 4n);
    assert.equal(hart.x(a0), 0n);
    assert.equal(hart.x(a1), 77n);
    assert.equal(hart.csr(Csr.sscratch), 0n);
    assert.equal(hart.mode, Mode.User);
  });

  it('read, set and clear, with rd = rs1 and by immediates', () => {
    const a = new Assembler();
    a.li(a0, 0x1234_5678_9abc_def0n).li(a2, 0);
    times(a, s0, 2000, 'again', () => {
      a.op('csrrw', { rd: a0, rs1: a0, imm: Csr.sscratch }).op('add', { rd: a0, rs1: a0, rs2: s0 });
      a.op('csrrs', { rd: a0, rs1: a0, imm: Csr.mscratch }).op('csrrc', { rd: a0, rs1: a0, imm: Csr.mscratch });
      a.op('csrrwi', { rd: a1, rs1: 21, imm: Csr.scause }).op('csrrsi', { rd: a1, rs1: 10, imm: Csr.scause });
      a.op('csrrci', { rd: a1, rs1: 5, imm: Csr.scause }).op('xor', { rd: a2, rs1: a2, rs2: a1 });
      csrw(a, Csr.sepc, a0);
      csrr(a, a1, Csr.sepc).op('add', { rd: a2, rs1: a2, rs2: a1 });
    });
    a.label('halt').to('halt', 'jal');
    const hart = same(a, 28_000).harts[0]!;
    assert.equal(hart.csr(Csr.scause), 26n);
    assert.notEqual(hart.x(a2), 0n);
  });

  it('leave a trap vector as it was if the mode is reserved', () => {
    const a = new Assembler();
    a.la(s1, 'halt');
    times(a, s0, 2000, 'again', () => {
      a.op('andi', { rd: t0, rs1: s0, imm: 7 }).op('add', { rd: t0, rs1: t0, rs2: s1 });
      for (const csr of [Csr.stvec, Csr.mtvec]) {
        a.op('csrrw', { rd: t1, rs1: t0, imm: csr }).op('add', { rd: s2, rs1: s2, rs2: t1 });
        a.op('csrrsi', { rd: t1, rs1: 1, imm: csr }).op('csrrci', { rd: t1, rs1: 1, imm: csr });
        csrr(a, t1, csr).op('add', { rd: s3, rs1: s3, rs2: t1 });
      }
    });
    csrw(a.op('addi', { rd: t0, rs1: s1, imm: 1 }), Csr.stvec, t0);
    csrw(a.op('addi', { rd: t0, rs1: s1, imm: 2 }), Csr.stvec, t0);
    a.align(8).label('halt').to('halt', 'jal');
    const hart = same(a, 36_000).harts[0]!;
    assert.equal(hart.csr(Csr.stvec), BigInt(a.addressOf('halt')) + 1n);
  });

  it('do the same in every tier, whichever they are', function () {
    this.timeout(60_000);
    const csrs = [
      ...['sstatus', 'mstatus', 'sscratch', 'sepc', 'scause', 'stval', 'mscratch', 'mepc', 'mcause', 'mtval'],
      ...['stvec', 'mie', 'sie', 'sip', 'mip', 'satp', 'scounteren', 'medeleg'],
    ] as const;
    const register = fc.constantFrom(0, a0, a1, a2, s1, s2, s3, s4, t0, t1);
    const instruction = fc.record({
      name: fc.constantFrom('csrrw', 'csrrs', 'csrrc', 'csrrwi', 'csrrsi', 'csrrci'),
      csr: fc.constantFrom(...(csrs as readonly (keyof typeof Csr)[])),
      rd: register,
      rs1: register,
      immediate: fc.integer({ min: 0, max: 31 }),
    });
    const values = fc.array(
      fc.oneof(fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), fc.bigInt({ min: 0n, max: 8191n })),
      {
        minLength: 9,
        maxLength: 9,
      },
    );
    fc.assert(
      fc.property(
        fc.array(instruction, { minLength: 3, maxLength: 14 }),
        values,
        fc.constantFrom(Mode.Machine, Mode.Supervisor),
        (body, initial, mode) => {
          const a = new Assembler();
          // Whatever traps is skipped; M-mode takes it all, so that nothing the body does to S-mode's vector matters.
          csrw(a.la(t0, 'handler'), Csr.mtvec, t0);
          if (mode === Mode.Supervisor) toSupervisor(a, 0n, 0);
          [a0, a1, a2, s1, s2, s3, s4, t0, t1].forEach((to, index) => a.li(to, initial[index]!));
          times(a, s0, 700, 'again', () => {
            for (const { name, csr, rd, rs1, immediate } of body) {
              a.op(name, { rd, rs1: name.endsWith('i') ? immediate : rs1, imm: Csr[csr] }).op('addi', {
                rd: a0,
                rs1: a0,
                imm: 3,
              });
            }
          });
          a.label('halt').to('halt', 'jal').align(4).label('handler');
          csrr(a, t2, Csr.mepc).op('addi', { rd: t2, rs1: t2, imm: 4 });
          csrw(a, Csr.mepc, t2).op('mret');
          same(a, 700 * (body.length * 2 + 2) + 100, [499]);
        },
      ),
      { numRuns: 12 },
    );
  });
});
