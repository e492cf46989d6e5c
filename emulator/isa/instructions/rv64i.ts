/** RV64I, the base integer instructions (RISC-V unprivileged specification, chapters 2 and 5). */
import { type Code, i32, i64 } from '../../wasm/assembler';
import { type Builder, type Comparison, type Instruction, type Kind, instruction } from './instruction';

/** Sign-extends the low 32 bits: the result of every *W instruction. */
export const word = (value: Code): Code => i64.extend_s(i32.wrap(value));

const address = (b: Builder): Code => i64.add(b.rs1, b.imm);

type Binary = (a: Code, b: Code) => Code;
/** Shifts of words: the amount is taken modulo 32, as WebAssembly's i32 shifts do. */
const shiftWord =
  (op: Binary): Binary =>
  (a, amount) =>
    i64.extend_s(op(i32.wrap(a), i32.wrap(amount)));
const asWord =
  (op: Binary): Binary =>
  (a, b) =>
    word(op(a, b));
const flag =
  (op: Binary): Binary =>
  (a, b) =>
    i64.extend_u(op(a, b));

const register = (name: string, funct7: string, funct3: string, op: Binary, opcode = '0110011'): Instruction =>
  instruction(name, `${funct7} rs2 rs1 ${funct3} rd ${opcode}`, 'rd, rs1, rs2', (b) => b.write(op(b.rs1, b.rs2)));
const immediate = (name: string, funct3: string, op: Binary, opcode = '0010011'): Instruction =>
  instruction(name, `imm12 rs1 ${funct3} rd ${opcode}`, 'rd, rs1, imm', (b) => b.write(op(b.rs1, b.imm)));
const sum32 = (row: Instruction): Instruction => ({ ...row, sum32: true });
const shiftImmediate = (name: string, encoding: string, op: Binary): Instruction =>
  instruction(name, encoding, 'rd, rs1, imm', (b) => b.write(op(b.rs1, b.imm)));
/** rd := the sum of the terms. */
const sum = (name: string, encoding: string, operands: string, ...terms: NonNullable<Kind['sum']>): Instruction =>
  instruction(name, encoding, operands, (b) => b.write(terms.map((term) => b[term]).reduce(i64.add)), { sum: terms });
const load = (name: string, funct3: string, bytes: 1 | 2 | 4 | 8, signed: boolean): Instruction =>
  instruction(
    name,
    `imm12 rs1 ${funct3} rd 0000011`,
    'rd, imm(rs1)',
    (b) => b.write(b.load(bytes, signed, address(b))),
    { access: { kind: 'load', bytes, signed } },
  );
const store = (name: string, funct3: string, bytes: 1 | 2 | 4 | 8): Instruction =>
  instruction(
    name,
    `simm7 rs2 rs1 ${funct3} simm5 0100011`,
    'rs2, imm(rs1)',
    (b) => b.store(bytes, address(b), b.rs2),
    { access: { kind: 'store', bytes, signed: false } },
  );
const branch = (name: string, funct3: string, condition: Comparison): Instruction =>
  instruction(
    name,
    `bimm7 rs2 rs1 ${funct3} bimm5 1100011`,
    'rs1, rs2, target',
    (b) => b.branch(i64[condition](b.rs1, b.rs2)),
    { control: 'branch', condition },
  );

export const RV64I: readonly Instruction[] = [
  sum('lui', 'imm20 rd 0110111', 'rd, upper', 'imm'),
  sum('auipc', 'imm20 rd 0010111', 'rd, upper', 'pc', 'imm'),
  instruction('jal', 'jimm20 rd 1101111', 'rd, target', (b) => b.jump(), { control: 'jump' }),
  instruction('jalr', 'imm12 rs1 000 rd 1100111', 'rd, imm(rs1)', (b) => b.jumpTo(i64.and(address(b), i64.const(-2))), {
    control: 'indirect',
  }),

  branch('beq', '000', 'eq'),
  branch('bne', '001', 'ne'),
  branch('blt', '100', 'lt_s'),
  branch('bge', '101', 'ge_s'),
  branch('bltu', '110', 'lt_u'),
  branch('bgeu', '111', 'ge_u'),

  load('lb', '000', 1, true),
  load('lh', '001', 2, true),
  load('lw', '010', 4, true),
  load('ld', '011', 8, true),
  load('lbu', '100', 1, false),
  load('lhu', '101', 2, false),
  load('lwu', '110', 4, false),
  store('sb', '000', 1),
  store('sh', '001', 2),
  store('sw', '010', 4),
  store('sd', '011', 8),

  sum('addi', 'imm12 rs1 000 rd 0010011', 'rd, rs1, imm', 'rs1', 'imm'),
  immediate('slti', '010', flag(i64.lt_s)),
  immediate('sltiu', '011', flag(i64.lt_u)),
  immediate('xori', '100', i64.xor),
  immediate('ori', '110', i64.or),
  immediate('andi', '111', i64.and),
  shiftImmediate('slli', '000000 shamt6 rs1 001 rd 0010011', i64.shl),
  shiftImmediate('srli', '000000 shamt6 rs1 101 rd 0010011', i64.shr_u),
  shiftImmediate('srai', '010000 shamt6 rs1 101 rd 0010011', i64.shr_s),

  sum('add', '0000000 rs2 rs1 000 rd 0110011', 'rd, rs1, rs2', 'rs1', 'rs2'),
  register('sub', '0100000', '000', i64.sub),
  register('sll', '0000000', '001', i64.shl),
  register('slt', '0000000', '010', flag(i64.lt_s)),
  register('sltu', '0000000', '011', flag(i64.lt_u)),
  register('xor', '0000000', '100', i64.xor),
  register('srl', '0000000', '101', i64.shr_u),
  register('sra', '0100000', '101', i64.shr_s),
  register('or', '0000000', '110', i64.or),
  register('and', '0000000', '111', i64.and),

  sum32(immediate('addiw', '000', asWord(i64.add), '0011011')),
  shiftImmediate('slliw', '0000000 shamt5 rs1 001 rd 0011011', shiftWord(i32.shl)),
  shiftImmediate('srliw', '0000000 shamt5 rs1 101 rd 0011011', shiftWord(i32.shr_u)),
  shiftImmediate('sraiw', '0100000 shamt5 rs1 101 rd 0011011', shiftWord(i32.shr_s)),
  sum32(register('addw', '0000000', '000', asWord(i64.add), '0111011')),
  register('subw', '0100000', '000', asWord(i64.sub), '0111011'),
  register('sllw', '0000000', '001', shiftWord(i32.shl), '0111011'),
  register('srlw', '0000000', '101', shiftWord(i32.shr_u), '0111011'),
  register('sraw', '0100000', '101', shiftWord(i32.shr_s), '0111011'),

  // Harts share one thread and every cache of the machine is kept coherent, so fences order nothing further.
  // Reserved fences (another fm, or registers in it) are to be taken as the ordinary one.
  instruction('fence', 'fm pred succ rs1 000 rd 0001111', 'pred,succ', (b) => b.order(), {
    names: new Map([[0x8330000f | 0, 'fence.tso']]),
  }),
  instruction('fence.i', 'imm12 rs1 001 rd 0001111', '', () => []),
];
