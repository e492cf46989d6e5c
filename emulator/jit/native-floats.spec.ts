/** What generated code does of floating point by itself is what the exact meaning says: in every tier, mode and state of the flags. */
import assert from 'node:assert/strict';
import { Csr } from '../isa/csrs';
import { INSTRUCTIONS } from '../isa/instructions/decode';
import { Assembler } from '../testing/assembler';
import { elf } from '../testing/elf';
import { R } from '../testing/encode';
import { points, sameInTiers } from '../testing/tiers';

const { t0, t1, t2, s0, s1, s2, s3, a0, a1 } = R;
const FS_DIRTY = 3 << 13;
const NUMBERS = [
  1,
  -1,
  0,
  -0,
  0.1,
  3,
  1e10 + 0.5,
  -2.5,
  2 ** 53 - 1,
  2 ** -1022,
  1.7e308,
  Infinity,
  NaN,
  2 ** 31,
  1 / 3,
];

const bitsOf = (value: number, isSingle: boolean): bigint => {
  const view = new DataView(new ArrayBuffer(8));
  if (!isSingle) view.setFloat64(0, value);
  else view.setFloat32(0, value);
  return isSingle ? 0xffff_ffff_0000_0000n | BigInt(view.getUint32(0)) : view.getBigUint64(0);
};
const TESTED = INSTRUCTIONS.filter(({ float, name }) => float !== undefined && !name.startsWith('fmv'));

/** Each instruction on all pairs of numbers, in the mode of frm; flags are put together, or begin anew with each result. */
function image(frm: number, clears: boolean): Uint8Array {
  const a = new Assembler();
  a.li(t0, FS_DIRTY).op('csrrs', { rs1: t0, imm: Csr.mstatus }).li(t0, frm).op('csrrw', { rs1: t0, imm: Csr.frm });
  a.li(s0, 0);
  for (const [index, instruction] of TESTED.entries()) {
    const pool = instruction.name.endsWith('.d') ? 'doubles' : 'singles';
    a.li(t0, 0).op('csrrw', { rs1: t0, imm: Csr.fflags }).la(s1, pool).la(s3, `${pool}End`);
    a.label(`outer${index}`).la(s2, pool).label(`inner${index}`);
    a.op('fld', { fd: 1, rs1: s1 }).op('fld', { fd: 2, rs1: s2 }).op('ld', { rd: a0, rs1: s1 });
    if (clears) a.op('csrrw', { imm: Csr.fflags });
    const rm = instruction.float!.rounds && index % 2 === 0 ? frm : 7;
    a.op(instruction.name, { rd: a1, rs1: a0, fd: 4, fs1: 1, fs2: 2, fs3: 1, rm });
    a.op('csrrs', { rd: t1, imm: Csr.fflags }).op('slli', { rd: t1, rs1: t1, imm: 59 });
    if (instruction.hasFd) a.op('fmv.x.d', { rd: a1, fs1: 4 });
    // A sum of all results that depends on their order.
    a.op('slli', { rd: t2, rs1: s0, imm: 5 }).op('add', { rd: s0, rs1: s0, rs2: t2 });
    a.op('xor', { rd: s0, rs1: s0, rs2: a1 }).op('xor', { rd: s0, rs1: s0, rs2: t1 });
    a.op('addi', { rd: s2, rs1: s2, imm: 8 }).to(`inner${index}`, 'bne', { rs1: s2, rs2: s3 });
    a.op('addi', { rd: s1, rs1: s1, imm: 8 }).to(`outer${index}`, 'bne', { rs1: s1, rs2: s3 });
  }
  a.label('end').to('end', 'jal').align(8);
  for (const [name, isSingle] of [
    ['doubles', false],
    ['singles', true],
  ] as const) {
    a.label(name);
    for (const value of NUMBERS) a.double(bitsOf(value, isSingle));
    // In the pool of singles, what is not boxed counts as NaN.
    a.double(bitsOf(1.5, false)).label(`${name}End`);
  }
  return a.image();
}

describe('floating point in generated code', function () {
  this.timeout(60_000);
  const instructions = TESTED.length * (NUMBERS.length + 1) ** 2 * 14;

  for (const [frm, clears] of [
    [0, true],
    [0, false],
    [1, true],
    [4, false],
  ] as const) {
    it(`is exact with rounding mode ${frm}, and flags ${clears ? 'that begin anew' : 'that stay set'}`, () => {
      const machine = sameInTiers({ kernel: elf(image(frm, clears)), points: points(instructions, 2) }, []);
      assert.equal(machine.harts[0]!.csr(Csr.frm), BigInt(frm));
    });
  }
});
