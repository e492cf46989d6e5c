/** The D extension, double precision (RISC-V unprivileged specification, chapter 12). */
import { f64, i64 } from '../../wasm/assembler';
import { convert } from '../floating-point/arithmetic';
import { DOUBLE, SINGLE, negated } from '../floating-point/format';
import { OP_FP, arithmetic, floatRows, inline } from './float-rows';
import { NATIVE_DOUBLE, doubleToSingle, singleToDouble } from './native-floats';
import { type Instruction, instruction } from './instruction';
import { boxed, unboxed } from './rv64f';

/** What a register holds is the number. */
const same = (bits: bigint): bigint => bits;

export const RV64D: readonly Instruction[] = [
  instruction(
    'fld',
    'imm12 rs1 011 fd 0000111',
    'fd, imm(rs1)',
    (b) => [b.usesFloats('writes'), b.writeFloat(f64.reinterpret(b.load(8, false, i64.add(b.rs1, b.imm))))],
    { access: { kind: 'load', bytes: 8, signed: false, float: true } },
  ),
  instruction(
    'fsd',
    'simm7 fs2 rs1 011 simm5 0100111',
    'fs2, imm(rs1)',
    (b) => [b.usesFloats('reads'), b.store(8, i64.add(b.rs1, b.imm), i64.reinterpret(b.fs2))],
    { access: { kind: 'store', bytes: 8, signed: false, float: true } },
  ),
  ...floatRows({ format: DOUBLE, native: NATIVE_DOUBLE, letter: 'd', fmt: '01', unbox: same, box: same }),
  inline(
    'fsgnj.d',
    `0010001 fs2 fs1 000 fd ${OP_FP}`,
    'fd, fs1, fs2',
    (_, a, b) => (a & ~DOUBLE.sign) | (b & DOUBLE.sign),
    (b) => b.writeFloat(f64.copysign(b.fs1, b.fs2)),
  ),
  inline(
    'fsgnjn.d',
    `0010001 fs2 fs1 001 fd ${OP_FP}`,
    'fd, fs1, fs2',
    (_, a, b) => (a & ~DOUBLE.sign) | (negated(DOUBLE, b) & DOUBLE.sign),
    (b) => b.writeFloat(f64.copysign(b.fs1, f64.neg(b.fs2))),
  ),
  inline(
    'fsgnjx.d',
    `0010001 fs2 fs1 010 fd ${OP_FP}`,
    'fd, fs1, fs2',
    (_, a, b) => a ^ (b & DOUBLE.sign),
    (b) =>
      b.writeFloat(
        f64.reinterpret(
          i64.xor(i64.reinterpret(b.fs1), i64.and(i64.reinterpret(b.fs2), i64.const(BigInt.asIntN(64, DOUBLE.sign)))),
        ),
      ),
  ),
  inline(
    'fmv.x.d',
    `1110001 00000 fs1 000 rd ${OP_FP}`,
    'rd, fs1',
    (_, a) => a,
    (b) => b.write(i64.reinterpret(b.fs1)),
  ),
  inline(
    'fmv.d.x',
    `1111001 00000 rs1 000 fd ${OP_FP}`,
    'fd, rs1',
    (_, a) => a,
    (b) => b.writeFloat(f64.reinterpret(b.rs1)),
  ),
  arithmetic(
    'fcvt.s.d',
    `0100000 00001 fs1 rm fd ${OP_FP}`,
    'fd, fs1, rm',
    (env, a) => boxed(convert(SINGLE, DOUBLE, env, a)),
    doubleToSingle,
  ),
  arithmetic(
    'fcvt.d.s',
    `0100001 00000 fs1 rm fd ${OP_FP}`,
    'fd, fs1, exact',
    (env, a) => convert(DOUBLE, SINGLE, env, unboxed(a)),
    singleToDouble,
  ),
];
