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
import { type Builder, type FloatOperation, type Instruction, SystemOperation, instruction } from './instruction';

/** A format as instructions have it. */
export interface FloatRegisters {
  readonly format: Format;
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

/** A floating-point instruction that is carried out outside the generated code. */
export const outside = (name: string, encoding: string, operands: string, result: Result): Instruction =>
  instruction(name, encoding, operands, (b) => b.system(SystemOperation.float), {
    ...{ system: SystemOperation.float, float: { result, rounds: encoding.includes(' rm ') } },
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
    { float: { result, rounds: false } },
  );

const INTEGERS = [
  { name: 'w', field: '00000', least: -(2n ** 31n), most: 2n ** 31n - 1n },
  { name: 'wu', field: '00001', least: 0n, most: 2n ** 32n - 1n },
  { name: 'l', field: '00010', least: -(2n ** 63n), most: 2n ** 63n - 1n },
  { name: 'lu', field: '00011', least: 0n, most: 2n ** 64n - 1n },
];

/** Whether every integer of the kind is a number of the format. */
const isExact = (name: string, format: Format): boolean => name.startsWith('w') && format.precision > 32;

const integer = (name: string, register: bigint): bigint => {
  const width = name.startsWith('w') ? 32 : 64;
  return name.endsWith('u') ? BigInt.asUintN(width, register) : BigInt.asIntN(width, register);
};

export function floatRows({ format, letter, fmt, unbox, box }: FloatRegisters): Instruction[] {
  const unary = (name: string, funct5: string, op: Unary): Instruction =>
    outside(`${name}.${letter}`, `${funct5}${fmt} 00000 fs1 rm fd ${OP_FP}`, 'fd, fs1, rm', (env, a) =>
      box(op(format, env, unbox(a))),
    );
  const binary = (name: string, funct5: string, op: Binary, rm = 'rm'): Instruction =>
    outside(
      `${name}.${letter}`,
      `${funct5}${fmt} fs2 fs1 ${rm} fd ${OP_FP}`,
      rm === 'rm' ? 'fd, fs1, fs2, rm' : 'fd, fs1, fs2',
      (env, a, b) => box(op(format, env, unbox(a), unbox(b))),
    );
  const comparison = (name: string, rm: string, op: Binary): Instruction =>
    outside(`${name}.${letter}`, `10100${fmt} fs2 fs1 ${rm} rd ${OP_FP}`, 'rd, fs1, fs2', (env, a, b) =>
      op(format, env, unbox(a), unbox(b)),
    );
  /** a * b + c with the signs of the product and of c changed. */
  const fused = (name: string, opcode: string, product: boolean, addend: boolean): Instruction =>
    outside(`${name}.${letter}`, `fs3 ${fmt} fs2 fs1 rm fd ${opcode}`, 'fd, fs1, fs2, fs3, rm', (env, a, b, c) => {
      const [x, z] = [unbox(a), unbox(c)];
      return box(fuse(format, env, product ? negated(format, x) : x, unbox(b), addend ? negated(format, z) : z));
    });
  return [
    fused('fmadd', '1000011', false, false),
    fused('fmsub', '1000111', false, true),
    fused('fnmsub', '1001011', true, false),
    fused('fnmadd', '1001111', true, true),
    binary('fadd', '00000', add),
    binary('fsub', '00001', subtract),
    binary('fmul', '00010', multiply),
    binary('fdiv', '00011', divide),
    unary('fsqrt', '01011', squareRoot),
    binary('fmin', '00101', minimum, '000'),
    binary('fmax', '00101', maximum, '001'),
    comparison('fle', '000', lessOrEqual),
    comparison('flt', '001', less),
    comparison('feq', '010', equal),
    outside(`fclass.${letter}`, `11100${fmt} 00000 fs1 001 rd ${OP_FP}`, 'rd, fs1', (_, a) =>
      classify(format, unbox(a)),
    ),
    ...INTEGERS.flatMap(({ name, field, least, most }) => [
      outside(`fcvt.${name}.${letter}`, `11000${fmt} ${field} fs1 rm rd ${OP_FP}`, 'rd, fs1, rm', (env, a) => {
        const value = toInteger(format, env, unbox(a), least, most);
        // Words are sign-extended, unsigned ones too.
        return name.startsWith('w') ? BigInt.asIntN(32, value) : value;
      }),
      outside(
        `fcvt.${letter}.${name}`,
        `11010${fmt} ${field} rs1 rm fd ${OP_FP}`,
        `fd, rs1, ${isExact(name, format) ? 'exact' : 'rm'}`,
        (env, a) => box(fromInteger(format, env, integer(name, a))),
      ),
    ]),
  ];
}
