import assert from 'node:assert/strict';
import { Csr } from '../isa/csrs';
import { Machine } from '../machine';
import { Assembler } from '../testing/assembler';
import { elf } from '../testing/elf';
import { R } from '../testing/encode';

const { t0, t1, a0, a1, a2, a3 } = R;
const [FS_INITIAL, FS_DIRTY] = [1 << 13, 3 << 13];
const [OFF, INITIAL, DIRTY] = [0n, 1n, 3n];
const DATA = 0x8000_0800;
const ONE = 0x3ff0_0000_0000_0000n;

function machineOf(write: (a: Assembler) => unknown, harts = 1): Machine {
  const a = new Assembler();
  a.la(t0, 'trap').op('csrrw', { rs1: t0, imm: Csr.mtvec });
  write(a);
  a.label('end').to('end', 'jal').align(4).label('trap');
  // After the instruction that trapped, whose cause is kept in a3.
  a.op('csrrs', { rd: a3, imm: Csr.mcause }).op('csrrs', { rd: t1, imm: Csr.mepc });
  a.op('addi', { rd: t1, rs1: t1, imm: 4 }).op('csrrw', { rs1: t1, imm: Csr.mepc }).op('mret');
  return new Machine({ harts, memory: 2 ** 21, legacyVirtio: true, kernel: elf(a.image()) });
}

function run(write: (a: Assembler) => unknown): Machine {
  const machine = machineOf(write);
  machine.run({ instructions: 2000 });
  return machine;
}
const turnOn = (a: Assembler, bits = FS_INITIAL): Assembler =>
  a.li(t0, bits).op('csrrs', { rs1: t0, imm: Csr.mstatus });
const statusOf = ({ harts }: Machine): bigint => (harts[0]!.csr(Csr.mstatus)! >> 13n) & 3n;

describe('floating-point state', () => {
  it('cannot be used while it is off', () => {
    for (const write of [
      (a: Assembler) => a.op('fadd.d'),
      (a: Assembler) => a.op('fsd', { rs1: t0 }),
      (a: Assembler) => a.op('fmv.x.d', { rd: a0 }),
      (a: Assembler) => a.op('csrrs', { rd: a0, imm: Csr.fcsr }),
    ]) {
      const machine = run((a) => write(a.li(t0, DATA)));
      assert.equal(machine.harts[0]!.x(a3), 2n);
      assert.equal(statusOf(machine), OFF);
    }
  });

  it('is made dirty by writing a register or fcsr, and not by reading or by flags alone', () => {
    const cases: [(a: Assembler) => unknown, bigint][] = [
      [(a) => a.op('fmv.x.d', { rd: a0 }), INITIAL],
      [(a) => a.op('fsd', { rs1: t1 }), INITIAL],
      [(a) => a.li(a0, -1n).op('fmv.x.w', { rd: a0 }).op('fcvt.w.d', { rd: a0, fs1: 1, rm: 0 }), INITIAL],
      [(a) => a.op('csrrs', { rd: a0, imm: Csr.fcsr }), INITIAL],
      [(a) => a.op('fmv.d.x', { fd: 1 }), DIRTY],
      [(a) => a.op('fld', { fd: 1, rs1: t1 }), DIRTY],
      [(a) => a.op('flw', { fd: 1, rs1: t1 }), DIRTY],
      [(a) => a.op('fadd.d', { fd: 1 }), DIRTY],
      [(a) => a.op('csrrwi', { rs1: 1, imm: Csr.frm }), DIRTY],
    ];
    for (const [write, status] of cases) {
      const machine = run((a) => write(turnOn(a).li(t1, DATA)));
      assert.equal(machine.harts[0]!.x(a3), 0n);
      assert.equal(statusOf(machine), status);
      assert.equal(machine.harts[0]!.csr(Csr.sstatus)! >> 63n, status === DIRTY ? 1n : 0n);
    }
  });

  it('refuses reserved rounding modes, in the instruction and in frm', () => {
    assert.equal(run((a) => turnOn(a).op('fadd.d', { rm: 5 })).harts[0]!.x(a3), 2n);
    const dynamic = run((a) => turnOn(a).op('csrrwi', { rs1: 6, imm: Csr.frm }).op('fadd.s', { rm: 7 }));
    assert.equal(dynamic.harts[0]!.x(a3), 2n);
    // A sign is nothing to be rounded.
    assert.equal(run((a) => turnOn(a).op('csrrwi', { rs1: 6, imm: Csr.frm }).op('fsgnj.d')).harts[0]!.x(a3), 0n);
  });

  it('boxes what is loaded in 32 bits, also where the TLB has no answer', () => {
    const machine = run((a) => {
      turnOn(a, FS_DIRTY).li(t1, DATA).li(t0, 0x3f80_0000).op('sw', { rs1: t1, rs2: t0 });
      a.op('flw', { fd: 1, rs1: t1 }).op('flw', { fd: 2, rs1: t1 });
      // Across two pages.
      a.li(t1, 0x8000_1ffe).op('sw', { rs1: t1, rs2: t0 }).op('flw', { fd: 3, rs1: t1 });
    });
    for (const register of [1, 2, 3]) assert.equal(machine.harts[0]!.f(register), 0xffff_ffff_3f80_0000n);
  });

  it('outlives being off, other harts, and a checkpoint', () => {
    const machine = machineOf((a) => {
      a.op('csrrs', { rd: a0, imm: Csr.mhartid });
      turnOn(a).op('fcvt.d.w', { fd: 5, rs1: a0, rm: 0 });
      a.li(t0, FS_DIRTY).op('csrrc', { rs1: t0, imm: Csr.mstatus }).li(a2, 30_000);
      a.label('wait').op('addi', { rd: a2, rs1: a2, imm: -1 }).to('wait', 'bne', { rs1: a2 });
      turnOn(a).op('fmv.x.d', { rd: a1, fs1: 5 });
    }, 3);
    machine.run({ instructions: 40_000 });
    const { harts } = machine;
    const saved = machine.save();
    const hash = machine.stateHash();
    machine.run({ instructions: 300_000 });
    const values = harts.map((hart) => hart.x(a1));
    assert.deepEqual(values, [0n, ONE, 2n ** 62n]);
    machine.restore(saved);
    assert.equal(machine.stateHash(), hash);
    machine.run({ instructions: 300_000 });
    assert.deepEqual(
      harts.map((hart) => hart.x(a1)),
      values,
    );
  });

  it('is what a hart does, though its integer registers and memory stay the same', () => {
    // Both count to 50,000 in a register that is no integer one.
    const machine = machineOf((a) => {
      turnOn(a, FS_DIRTY).li(t0, 1).op('fcvt.d.w', { fd: 1, rs1: t0, rm: 0 });
      a.li(t0, 50_000).op('fcvt.d.w', { fd: 2, rs1: t0, rm: 0 }).label('count');
      a.op('fadd.d', { fd: 0, fs1: 0, fs2: 1 }).op('flt.d', { rd: t0, fs1: 0, fs2: 2 }).to('count', 'bne', { rs1: t0 });
      a.li(a0, 1);
    }, 2);
    machine.run({ instructions: 1_000_000 });
    assert.deepEqual(
      machine.harts.map((hart) => hart.x(a0)),
      [1n, 1n],
    );
  });
});
