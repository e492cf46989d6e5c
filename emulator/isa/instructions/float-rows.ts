/**
 * What the F and D extensions have alike, for one format of numbers (RISC-V unprivileged specification, chapters 11 and 12).
 * Each row has the exact meaning; what generated code does itself is stated beside it.
 */
import type { Code } from '../../wasm/assembler';
import {
  add,
  divide,
  fromInteger,
  fuse,
  multiply,
  squareRoot,
  subtract,
  toInteger,
} from '../floating-point/arithmetic';
import { classify, equal, less, lessOrEqual, maximum, minimum } from '../floating-point/comparison';
import { type Environment, type Format, negated } from '../floating-point/format';
import {
  type Builder,
  type FloatBuilder,
  type FloatOperation,
  type Instruction,
  SystemOperation,
  instruction,
} from './instruction';
import {
  type IntegerKind,
  NATIVE,
  type Native,
  type NativeFormat,
  nativeFromInteger,
  nativeFused,
  nativeToInteger,
} from './native-floats';

/** A format as instructions have it. */
export interface FloatRegisters {
  readonly format: Format;
  readonly native: NativeFormat;
  /** The end of the instructions' names, and the field fmt. */
  readonly letter: 's' | 'd';
  readonly fmt: '00' | '01';
  /** The bits of a number from those of a register, and back. */
  readonly unbox: (register: bigint) => bigint;
  readonly box: (bits: bigint) => bigint;
}

export const OP_FP = '1010011';

type Result = FloatOperation['result'];
type Unary = (format: Format, env: Environment, a: bigint) => bigint;
type Binary = (format: Format, env: Environment, a: bigint, b: bigint) => bigint;

/** A floating-point instruction of which generated code does what is common. */
export const arithmetic = (
  name: string,
  encoding: string,
  operands: string,
  result: Result,
  native: (b: FloatBuilder) => Code,
): Instruction =>
  instruction(name, encoding, operands, (b) => b.float(operands.startsWith('fd') ? 'writes' : 'reads', native), {
    float: { leaves: true, result, rounds: encoding.includes(' rm ') },
  });
/** One that is carried out outside the generated code. */
const outside = (name: string, encoding: string, operands: string, result: Result): Instruction =>
  instruction(name, encoding, operands, (b) => b.system(SystemOperation.float), {
    ...{ system: SystemOperation.float, float: { leaves: true, result, rounds: false } },
  });
/** One that raises no exception and that generated code can do if mstatus.FS lets it. */
export const inline = (
  name: string,
  encoding: string,
  operands: string,
  result: Result,
  meaning: (b: Builder) => Code,
): Instruction =>
  instruction(
    name,
    encoding,
    operands,
    (b) => [b.usesFloats(operands.startsWith('fd') ? 'writes' : 'reads'), meaning(b)],
    { float: { leaves: false, result, rounds: false } },
  );

interface Integers extends IntegerKind {
  readonly name: string;
  /** In the encoding. */
  readonly field: string;
  readonly least: bigint;
  readonly most: bigint;
  /** The integer that the 64 bits of a register are. */
  readonly of: (register: bigint) => bigint;
}

const integers = (name: string, field: string, width: 32 | 64, isUnsigned: boolean): Integers => {
  const end = 1n << BigInt(isUnsigned ? width : width - 1);
  const of = (register: bigint): bigint =>
    isUnsigned ? BigInt.asUintN(width, register) : BigInt.asIntN(width, register);
  return { name, field, width, isUnsigned, least: isUnsigned ? 0n : -end, most: end - 1n, of };
};
const INTEGERS = [
  integers('w', '00000', 32, false),
  integers('wu', '00001', 32, true),
  integers('l', '00010', 64, false),
  integers('lu', '00011', 64, true),
];

/** Whether every integer of the kind is a number of the format. */
const isExact = ({ width }: Integers, { precision }: Format): boolean => width < precision;

export function floatRows({ format, native, letter, fmt, unbox, box }: FloatRegisters): Instruction[] {
  const unary = (name: string, funct5: string, op: Unary, common: Native): Instruction =>
    arithmetic(
      `${name}.${letter}`,
      `${funct5}${fmt} 00000 fs1 rm fd ${OP_FP}`,
      'fd, fs1, rm',
      (env, a) => box(op(format, env, unbox(a))),
      (b) => common(b, native),
    );
  const binary = (name: string, funct5: string, op: Binary, common: Native, rm = 'rm'): Instruction =>
    arithmetic(
      `${name}.${letter}`,
      `${funct5}${fmt} fs2 fs1 ${rm} fd ${OP_FP}`,
      rm === 'rm' ? 'fd, fs1, fs2, rm' : 'fd, fs1, fs2',
      (env, a, b) => box(op(format, env, unbox(a), unbox(b))),
      (b) => common(b, native),
    );
  const comparison = (name: string, rm: string, op: Binary, common: Native): Instruction =>
    arithmetic(
      `${name}.${letter}`,
      `10100${fmt} fs2 fs1 ${rm} rd ${OP_FP}`,
      'rd, fs1, fs2',
      (env, a, b) => op(format, env, unbox(a), unbox(b)),
      (b) => common(b, native),
    );
  /** a * b + c with the signs of the product and of c changed. */
  const fused = (name: string, opcode: string, product: boolean, addend: boolean): Instruction =>
    arithmetic(
      `${name}.${letter}`,
      `fs3 ${fmt} fs2 fs1 rm fd ${opcode}`,
      'fd, fs1, fs2, fs3, rm',
      (env, a, b, c) => {
        const [x, z] = [unbox(a), unbox(c)];
        return box(fuse(format, env, product ? negated(format, x) : x, unbox(b), addend ? negated(format, z) : z));
      },
      (b) => nativeFused(b, native, product, addend),
    );
  return [
    fused('fmadd', '1000011', false, false),
    fused('fmsub', '1000111', false, true),
    fused('fnmsub', '1001011', true, false),
    fused('fnmadd', '1001111', true, true),
    binary('fadd', '00000', add, NATIVE.add),
    binary('fsub', '00001', subtract, NATIVE.subtract),
    binary('fmul', '00010', multiply, NATIVE.multiply),
    binary('fdiv', '00011', divide, NATIVE.divide),
    unary('fsqrt', '01011', squareRoot, NATIVE.squareRoot),
    binary('fmin', '00101', minimum, NATIVE.minimum, '000'),
    binary('fmax', '00101', maximum, NATIVE.maximum, '001'),
    comparison('fle', '000', lessOrEqual, NATIVE.lessOrEqual),
    comparison('flt', '001', less, NATIVE.less),
    comparison('feq', '010', equal, NATIVE.equal),
    outside(`fclass.${letter}`, `11100${fmt} 00000 fs1 001 rd ${OP_FP}`, 'rd, fs1', (_, a) =>
      classify(format, unbox(a)),
    ),
    ...INTEGERS.flatMap((kind) => [
      arithmetic(
        `fcvt.${kind.name}.${letter}`,
        `11000${fmt} ${kind.field} fs1 rm rd ${OP_FP}`,
        'rd, fs1, rm',
        (env, a) => {
          const value = toInteger(format, env, unbox(a), kind.least, kind.most);
          // Words are sign-extended, unsigned ones too.
          return kind.width === 32 ? BigInt.asIntN(32, value) : value;
        },
        (b) => nativeToInteger(b, native, kind),
      ),
      arithmetic(
        `fcvt.${letter}.${kind.name}`,
        `11010${fmt} ${kind.field} rs1 rm fd ${OP_FP}`,
        `fd, rs1, ${isExact(kind, format) ? 'exact' : 'rm'}`,
        (env, a) => box(fromInteger(format, env, kind.of(a))),
        (b) => nativeFromInteger(b, native, kind),
      ),
    ]),
  ];
}
