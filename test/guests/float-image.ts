/**
 * A guest that executes floating-point instructions, each in its rounding modes on many operands, and sends what they wrote
 * and the flags that they raised over the UART.
 */
import { Csr } from '../../emulator/isa/csrs';
import { INSTRUCTIONS } from '../../emulator/isa/instructions/decode';
import type { Instruction } from '../../emulator/isa/instructions/instruction';
import { Assembler } from '../../emulator/testing/assembler';
import { BASE } from '../../emulator/testing/elf';
import { R } from '../../emulator/testing/encode';
import type { Random } from '../../emulator/testing/random';

const MIB = 1 << 20;
export const MEMORY = 128 * MIB;
const OUTPUT = BASE + 32 * MIB;
const UART = 0x1000_0000;
const FINISHER = 0x10_0000;
const FS_INITIAL = 1 << 13;
/** Bytes of a result: the 64 bits of the register written, and fflags. */
export const RESULT_SIZE = 9;
const DYNAMIC = 7;

export interface FloatCase {
  instruction: Instruction;
  rm: number;
  frm: number;
  operands: readonly bigint[];
}

const TESTED = INSTRUCTIONS.filter(({ float }) => float !== undefined);
const MODES = [0, 1, 2, 3, 4];

const bitsOf = (value: number, width: 32 | 64): bigint => {
  const view = new DataView(new ArrayBuffer(8));
  if (width === 64) view.setFloat64(0, value);
  else view.setFloat32(0, value);
  return width === 64 ? view.getBigUint64(0) : BigInt(view.getUint32(0));
};

/** The bits of a number: special, of any size, near 1, whole, or at the edge of what is normal. */
function randomFloat(random: Random, width: 32 | 64): bigint {
  const [fraction, exponents] = width === 64 ? [52n, 2048] : [23n, 256];
  const bias = exponents / 2 - 1;
  const mantissa = (): bigint => {
    const word = random.word() & ((1n << fraction) - 1n);
    return random.chance(30) ? word & -(1n << (fraction - BigInt(random.below(12)))) : word;
  };
  const made = (exponent: number): bigint => (BigInt(exponent) << fraction) | mantissa();
  const sign = BigInt(random.below(2)) << BigInt(width - 1);
  return (
    sign |
    random.pick([
      () => made(random.below(exponents)),
      () => made(bias + random.between(-3, 3)),
      () => made(bias + random.between(-30, 30)),
      () => made(bias + random.between(20, 66)),
      () => made(random.below(3)),
      () => made(exponents - 1 - random.below(3)),
      () => made(random.pick([bias / 2, bias + bias / 2 + 1]) | 0),
      () => bitsOf(random.between(0, 20), width),
      () => bitsOf(random.between(0, 40) + 0.5, width),
      () => random.pick([0n, 1n, made(0), BigInt(exponents - 1) << fraction, (BigInt(exponents - 1) << fraction) - 1n]),
    ])()
  );
}

/** Three operands, of which some cancel each other out. */
function operandsOf(random: Random, width: 32 | 64): bigint[] {
  const [a, b, c] = [randomFloat(random, width), randomFloat(random, width), randomFloat(random, width)];
  const near = (bits: bigint): bigint => BigInt.asUintN(width, bits + BigInt(random.between(-2, 2)));
  const view = new DataView(new ArrayBuffer(8));
  const valueOf = (bits: bigint): number => {
    view.setBigUint64(0, width === 64 ? bits : bits << 32n);
    return width === 64 ? view.getFloat64(0) : view.getFloat32(0);
  };
  const related = random.pick([
    () => [a, b, c],
    () => [a, b, c],
    () => [a, near(a ^ (1n << BigInt(width - 1))), c],
    () => [a, near(a), near(b)],
    () => [a, b, near(bitsOf(-valueOf(a) * valueOf(b), width))],
  ])();
  if (width === 64) return related;
  return related.map((bits) => (random.chance(4) ? (bits << 32n) | bits : bits | 0xffff_ffff_0000_0000n));
}

/** An image that executes every floating-point instruction in each mode, at least `total` times together. */
export function floatImage(random: Random, total: number): { image: Uint8Array; cases: FloatCase[] } {
  const { s0, s1, s2, t0, t1, t2, t3 } = R;
  const [a0, a1] = [R.a0, R.a1];
  const a = new Assembler();
  const cases: FloatCase[] = [];
  const modesOf = ({ float }: Instruction): number[] => (float!.rounds ? MODES : [DYNAMIC]);
  const count = Math.ceil(total / TESTED.flatMap(modesOf).length);
  const pools = [64, 32].map((width) => Array.from({ length: count }, () => operandsOf(random, width as 32 | 64)));
  pools.push(Array.from({ length: count }, () => [random.word(), 0n, 0n]));
  /** Numbers of the format that the instruction reads, or integers. */
  const poolOf = ({ name, hasFs1 }: Instruction): number => (!hasFs1 ? 2 : name.endsWith('.d') ? 0 : 1);

  a.li(t0, FS_INITIAL).op('csrrs', { rs1: t0, imm: Csr.mstatus }).li(s0, OUTPUT);
  TESTED.forEach((instruction, index) => {
    for (const mode of modesOf(instruction)) {
      const isStatic = random.chance(50);
      const rm = isStatic ? mode : DYNAMIC;
      const frm = !instruction.float!.rounds ? 0 : isStatic ? random.below(5) : mode;
      const pool = poolOf(instruction);
      for (const operands of pools[pool]!) cases.push({ instruction, rm, frm, operands });
      const loop = `loop${index}.${mode}`;
      a.li(t0, frm).op('csrrw', { rs1: t0, imm: Csr.frm });
      a.la(s1, `pool${pool}`).li(s2, count).label(loop);
      a.op('ld', { rd: a0, rs1: s1 }).op('fld', { fd: 1, rs1: s1 }).op('fld', { fd: 2, rs1: s1, imm: 8 });
      a.op('fld', { fd: 3, rs1: s1, imm: 16 });
      // Every other time inexactness has been noted before.
      a.op('andi', { rd: t0, rs1: s2, imm: 1 }).op('csrrw', { rs1: t0, imm: Csr.fflags });
      a.op(instruction.name, { rd: a1, rs1: a0, fd: 4, fs1: 1, fs2: 2, fs3: 3, rm });
      a.op('csrrs', { rd: t0, imm: Csr.fflags });
      if (instruction.hasFd) a.op('fsd', { rs1: s0, fs2: 4 });
      else a.op('sd', { rs1: s0, rs2: a1 });
      a.op('sb', { rs1: s0, rs2: t0, imm: 8 }).op('addi', { rd: s0, rs1: s0, imm: RESULT_SIZE });
      a.op('addi', { rd: s1, rs1: s1, imm: 24 }).op('addi', { rd: s2, rs1: s2, imm: -1 }).to(loop, 'bne', { rs1: s2 });
    }
  });
  a.li(t0, OUTPUT).li(t2, UART).label('sendByte').op('lbu', { rd: t3, rs1: t0 }).op('sb', { rs1: t2, rs2: t3 });
  a.label('busy').op('lbu', { rd: t3, rs1: t2, imm: 5 }).op('andi', { rd: t3, rs1: t3, imm: 0x20 });
  a.to('busy', 'beq', { rs1: t3 });
  a.op('addi', { rd: t0, rs1: t0, imm: 1 }).to('sendByte', 'bne', { rs1: t0, rs2: s0 });
  a.li(t0, FINISHER).li(t1, 0x5555).op('sw', { rs1: t0, rs2: t1 }).label('stop').to('stop', 'jal');
  pools.forEach((pool, index) => {
    a.align(8).label(`pool${index}`);
    for (const bits of pool.flat()) a.double(bits);
  });
  return { image: a.image(), cases };
}
