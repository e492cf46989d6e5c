/**
 * The M extension, multiplication and division (RISC-V unprivileged specification, chapter 7). Division by zero gives
 * all ones and leaves the dividend as remainder; the one overflow, -2^63 / -1, gives the dividend and remainder 0.
 */
import { type Code, ValueType, choose, i32, i64 } from '../../wasm/assembler';
import { type Builder, type Instruction, instruction } from './instruction';
import { word } from './rv64i';

const multiply = (name: string, funct3: string, meaning: (b: Builder) => Code, opcode = '0110011'): Instruction =>
  instruction(name, `0000001 rs2 rs1 ${funct3} rd ${opcode}`, 'rd, rs1, rs2', (b) => b.write(meaning(b)));

/** A negative first operand adds 2^64 times the second one to the unsigned product: take that away again. */
const correction = (sign: Code, other: Code): Code => i64.and(i64.shr_s(sign, i64.const(63)), other);

const orIfZero = (divisor: Code, whenZero: Code, quotient: Code): Code =>
  choose(ValueType.I64, i64.eqz(divisor), whenZero, quotient);

/** Signed division where -2^63 / -1, on which WebAssembly traps, must wrap: dividing by -1 is negating. */
const divide = (a: Code, b: Code): Code =>
  choose(ValueType.I64, i64.eq(b, i64.const(-1)), i64.sub(i64.const(0), a), i64.div_s(a, b));

const low = (value: Code): Code => i64.extend_u(i32.wrap(value));

export const RV64M: readonly Instruction[] = [
  multiply('mul', '000', (b) => i64.mul(b.rs1, b.rs2)),
  multiply('mulh', '001', (b) =>
    i64.sub(i64.sub(b.mulhu(b.rs1, b.rs2), correction(b.rs1, b.rs2)), correction(b.rs2, b.rs1)),
  ),
  multiply('mulhsu', '010', (b) => i64.sub(b.mulhu(b.rs1, b.rs2), correction(b.rs1, b.rs2))),
  multiply('mulhu', '011', (b) => b.mulhu(b.rs1, b.rs2)),
  multiply('div', '100', (b) => orIfZero(b.rs2, i64.const(-1), divide(b.rs1, b.rs2))),
  multiply('divu', '101', (b) => orIfZero(b.rs2, i64.const(-1), i64.div_u(b.rs1, b.rs2))),
  multiply('rem', '110', (b) => orIfZero(b.rs2, b.rs1, i64.rem_s(b.rs1, b.rs2))),
  multiply('remu', '111', (b) => orIfZero(b.rs2, b.rs1, i64.rem_u(b.rs1, b.rs2))),
  multiply('mulw', '000', (b) => word(i64.mul(b.rs1, b.rs2)), '0111011'),
  // In 64 bits the words' one overflow, -2^31 / -1, does not overflow.
  multiply(
    'divw',
    '100',
    (b) => orIfZero(word(b.rs2), i64.const(-1), word(i64.div_s(word(b.rs1), word(b.rs2)))),
    '0111011',
  ),
  multiply(
    'divuw',
    '101',
    (b) => orIfZero(low(b.rs2), i64.const(-1), word(i64.div_u(low(b.rs1), low(b.rs2)))),
    '0111011',
  ),
  multiply(
    'remw',
    '110',
    (b) => orIfZero(word(b.rs2), word(b.rs1), word(i64.rem_s(word(b.rs1), word(b.rs2)))),
    '0111011',
  ),
  multiply(
    'remuw',
    '111',
    (b) => orIfZero(low(b.rs2), word(b.rs1), word(i64.rem_u(low(b.rs1), low(b.rs2)))),
    '0111011',
  ),
];
