/**
 * The F extension, single precision, in registers of 64 bits: a number is NaN-boxed, the upper half all ones, and what is not
 * boxed counts as the NaN (RISC-V unprivileged specification, chapter 11 and section 12.2).
 */
import { type Code, ValueType, choose, f64, i64 } from '../../wasm/assembler';
import { SINGLE, negated } from '../floating-point/format';
import { OP_FP, floatRows, inline } from './float-rows';
import { type Instruction, instruction } from './instruction';
import { NATIVE_SINGLE } from './native-floats';
import { word } from './rv64i';

const BOX = 0xffff_ffff_0000_0000n;

export const boxed = (bits: bigint): bigint => BOX | bits;
export const unboxed = (register: bigint): bigint => (register >= BOX ? BigInt.asUintN(32, register) : SINGLE.nan);

/** The same as code: i64 of which the low half counts, to a register's f64; and a register's f64 to i64. */
const box = (bits: Code): Code => f64.reinterpret(i64.or(bits, i64.const(BigInt.asIntN(64, BOX))));
const unbox = (register: Code): Code =>
  choose(
    ValueType.I64,
    i64.ge_u(i64.reinterpret(register), i64.const(BigInt.asIntN(64, BOX))),
    i64.reinterpret(register),
    i64.const(SINGLE.nan),
  );

const SIGN = i64.const(SINGLE.sign);
const MAGNITUDE = i64.const(SINGLE.sign - 1n);

/** fd := the magnitude of fs1 with a sign made of those of both. */
const sign = (
  name: string,
  rm: string,
  bits: (a: bigint, b: bigint) => bigint,
  code: (a: Code, b: Code) => Code,
): Instruction =>
  inline(
    `${name}.s`,
    `0010000 fs2 fs1 ${rm} fd ${OP_FP}`,
    'fd, fs1, fs2',
    (_, a, b) => boxed((unboxed(a) & ~SINGLE.sign) | (bits(unboxed(a), unboxed(b)) & SINGLE.sign)),
    (b) => {
      const [x, y] = [unbox(b.fs1), unbox(b.fs2)];
      return b.writeFloat(box(i64.or(i64.and(x, MAGNITUDE), i64.and(code(x, y), SIGN))));
    },
  );

export const RV64F: readonly Instruction[] = [
  instruction(
    'flw',
    'imm12 rs1 010 fd 0000111',
    'fd, imm(rs1)',
    (b) => [b.usesFloats('writes'), b.writeFloat(box(b.load(4, false, i64.add(b.rs1, b.imm))))],
    { access: { kind: 'load', bytes: 4, signed: false, float: true } },
  ),
  instruction(
    'fsw',
    'simm7 fs2 rs1 010 simm5 0100111',
    'fs2, imm(rs1)',
    (b) => [b.usesFloats('reads'), b.store(4, i64.add(b.rs1, b.imm), i64.reinterpret(b.fs2))],
    { access: { kind: 'store', bytes: 4, signed: false, float: true } },
  ),
  ...floatRows({ format: SINGLE, native: NATIVE_SINGLE, letter: 's', fmt: '00', unbox: unboxed, box: boxed }),
  sign(
    'fsgnj',
    '000',
    (_, b) => b,
    (_, b) => b,
  ),
  sign(
    'fsgnjn',
    '001',
    (_, b) => negated(SINGLE, b),
    (_, b) => i64.xor(b, i64.const(-1)),
  ),
  sign(
    'fsgnjx',
    '010',
    (a, b) => a ^ b,
    (a, b) => i64.xor(a, b),
  ),
  inline(
    'fmv.x.w',
    `1110000 00000 fs1 000 rd ${OP_FP}`,
    'rd, fs1',
    (_, a) => BigInt.asIntN(32, a),
    (b) => b.write(word(i64.reinterpret(b.fs1))),
  ),
  inline(
    'fmv.w.x',
    `1111000 00000 rs1 000 fd ${OP_FP}`,
    'fd, rs1',
    (_, a) => boxed(BigInt.asUintN(32, a)),
    (b) => b.writeFloat(box(b.rs1)),
  ),
];
