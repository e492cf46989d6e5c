/**
 * Zba, Zbb, Zbc and Zbs: address generation, basic bit manipulation, carry-less multiplication and single bits (RISC-V
 * Bit-Manipulation ISA-extensions 1.0, chapter 2).
 */
import { type Code, ValueType, choose, i32, i64 } from '../../wasm/assembler';
import { type Builder, type Instruction, SystemOperation, instruction } from './instruction';

type Binary = (a: Code, b: Code) => Code;

const register = (name: string, funct7: string, funct3: string, op: Binary, opcode = '0110011'): Instruction =>
  instruction(name, `${funct7} rs2 rs1 ${funct3} rd ${opcode}`, 'rd, rs1, rs2', (b) => b.write(op(b.rs1, b.rs2)));
const immediate = (name: string, encoding: string, op: Binary): Instruction =>
  instruction(name, encoding, 'rd, rs1, imm', (b) => b.write(op(b.rs1, b.imm)));
const unary = (name: string, funct12: string, op: (a: Code) => Code, funct3 = '001', opcode = '0010011'): Instruction =>
  instruction(name, `${funct12} rs1 ${funct3} rd ${opcode}`, 'rd, rs1', (b) => b.write(op(b.rs1)));
/** Carry-less products take a loop, and nobody needs them often. */
const carryless = (name: string, funct3: string, system: SystemOperation): Instruction =>
  instruction(name, `0000101 rs2 rs1 ${funct3} rd 0110011`, 'rd, rs1, rs2', (b: Builder) => b.system(system), {
    system,
  });

const WORD = '0111011';
const IMMEDIATE_WORD = '0011011';

const low = (value: Code): Code => i64.extend_u(i32.wrap(value));
const not = (value: Code): Code => i64.xor(value, i64.const(-1));
const shiftAdd =
  (amount: number): Binary =>
  (a, b) =>
    i64.add(i64.shl(a, i64.const(amount)), b);
/** Of the low half of the first operand. */
const unsignedWord =
  (op: Binary): Binary =>
  (a, b) =>
    op(low(a), b);
const pick =
  (first: Binary): Binary =>
  (a, b) =>
    choose(ValueType.I64, first(a, b), a, b);
const rotateWord =
  (op: Binary): Binary =>
  (a, b) =>
    i64.extend_s(op(i32.wrap(a), i32.wrap(b)));
const inWord =
  (op: (a: Code) => Code) =>
  (a: Code): Code =>
    i64.extend_u(op(i32.wrap(a)));

/** Swaps groups of `bits` bits with their neighbours; `mask` has those that move up. */
const swap = (value: Code, bits: number, mask: bigint): Code =>
  i64.or(
    i64.and(i64.shr_u(value, i64.const(bits)), i64.const(mask)),
    i64.shl(i64.and(value, i64.const(mask)), i64.const(bits)),
  );
const reverseBytes = (value: Code): Code =>
  i64.rotl(swap(swap(value, 8, 0x00ff_00ff_00ff_00ffn), 16, 0x0000_ffff_0000_ffffn), i64.const(32));

const LOW_BITS = 0x7f7f_7f7f_7f7f_7f7fn;
/** Each byte becomes all ones unless it is 0: a carry out of its low seven bits, or its own top bit, says which. */
const combineBytes = (value: Code): Code => {
  const top = i64.shr_u(
    i64.and(
      i64.or(i64.add(i64.and(value, i64.const(LOW_BITS)), i64.const(LOW_BITS)), value),
      i64.const(BigInt.asIntN(64, ~LOW_BITS)),
    ),
    i64.const(7),
  );
  return i64.mul(top, i64.const(0xff));
};

const bit = (amount: Code): Code => i64.shl(i64.const(1), amount);
/** The register and the immediate form of an instruction on one bit. */
const single = (name: string, funct7: string, funct3: string, op: Binary): Instruction[] => [
  register(name, funct7, funct3, op),
  immediate(`${name}i`, `${funct7.slice(0, 6)} shamt6 rs1 ${funct3} rd 0010011`, op),
];

export const BIT_MANIPULATION: readonly Instruction[] = [
  // Zba
  register('add.uw', '0000100', '000', unsignedWord(i64.add), WORD),
  register('sh1add', '0010000', '010', shiftAdd(1)),
  register('sh2add', '0010000', '100', shiftAdd(2)),
  register('sh3add', '0010000', '110', shiftAdd(3)),
  register('sh1add.uw', '0010000', '010', unsignedWord(shiftAdd(1)), WORD),
  register('sh2add.uw', '0010000', '100', unsignedWord(shiftAdd(2)), WORD),
  register('sh3add.uw', '0010000', '110', unsignedWord(shiftAdd(3)), WORD),
  immediate('slli.uw', `000010 shamt6 rs1 001 rd ${IMMEDIATE_WORD}`, unsignedWord(i64.shl)),
  // Zbb
  register('andn', '0100000', '111', (a, b) => i64.and(a, not(b))),
  register('orn', '0100000', '110', (a, b) => i64.or(a, not(b))),
  register('xnor', '0100000', '100', (a, b) => not(i64.xor(a, b))),
  unary('clz', '011000000000', i64.clz),
  unary('ctz', '011000000001', i64.ctz),
  unary('cpop', '011000000010', i64.popcnt),
  unary('clzw', '011000000000', inWord(i32.clz), '001', IMMEDIATE_WORD),
  unary('ctzw', '011000000001', inWord(i32.ctz), '001', IMMEDIATE_WORD),
  unary('cpopw', '011000000010', inWord(i32.popcnt), '001', IMMEDIATE_WORD),
  register('max', '0000101', '110', pick(i64.gt_s)),
  register('maxu', '0000101', '111', pick(i64.gt_u)),
  register('min', '0000101', '100', pick(i64.lt_s)),
  register('minu', '0000101', '101', pick(i64.lt_u)),
  unary('sext.b', '011000000100', i64.extend8_s),
  unary('sext.h', '011000000101', i64.extend16_s),
  unary('zext.h', '000010000000', (a) => i64.and(a, i64.const(0xffff)), '100', WORD),
  register('rol', '0110000', '001', i64.rotl),
  register('ror', '0110000', '101', i64.rotr),
  immediate('rori', '011000 shamt6 rs1 101 rd 0010011', i64.rotr),
  register('rolw', '0110000', '001', rotateWord(i32.rotl), WORD),
  register('rorw', '0110000', '101', rotateWord(i32.rotr), WORD),
  immediate('roriw', `0110000 shamt5 rs1 101 rd ${IMMEDIATE_WORD}`, rotateWord(i32.rotr)),
  unary('orc.b', '001010000111', combineBytes, '101'),
  unary('rev8', '011010111000', reverseBytes, '101'),
  // Zbc
  carryless('clmul', '001', SystemOperation.clmul),
  carryless('clmulh', '011', SystemOperation.clmulh),
  carryless('clmulr', '010', SystemOperation.clmulr),
  // Zbs
  ...single('bclr', '0100100', '001', (a, b) => i64.and(a, not(bit(b)))),
  ...single('bext', '0100100', '101', (a, b) => i64.and(i64.shr_u(a, b), i64.const(1))),
  ...single('binv', '0110100', '001', (a, b) => i64.xor(a, bit(b))),
  ...single('bset', '0010100', '001', (a, b) => i64.or(a, bit(b))),
];

/** All 128 bits of the carry-less product of two 64-bit values. */
export function carrylessProduct(a: bigint, b: bigint): bigint {
  let product = 0n;
  for (; b !== 0n; b >>= 1n, a <<= 1n) if ((b & 1n) !== 0n) product ^= a;
  return product;
}
