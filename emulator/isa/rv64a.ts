/** The A extension, atomic memory operations (RISC-V unprivileged specification, chapter 8). */
import { type Code, Type, choose, i64 } from '../wasm/assembler';
import { type Instruction, SystemOperation, instruction } from './instruction';
import { word } from './rv64i';

type Update = (old: Code, operand: Code) => Code;

const pick =
  (first: (a: Code, b: Code) => Code): Update =>
  (old, operand) =>
    choose(Type.I64, first(old, operand), old, operand);

/** The .w and .d forms. Old values come sign-extended; a word operand is extended alike, so that comparisons hold. */
const amo = (name: string, funct5: string, update: Update): Instruction[] => [
  instruction(`${name}.w`, `${funct5} aq rl rs2 rs1 010 rd 0101111`, 'rd, rs2, (rs1)', (b) =>
    b.atomic(4, b.rs1, (old, operand) => update(old, word(operand))),
  ),
  instruction(`${name}.d`, `${funct5} aq rl rs2 rs1 011 rd 0101111`, 'rd, rs2, (rs1)', (b) =>
    b.atomic(8, b.rs1, update),
  ),
];

export const RV64A: readonly Instruction[] = [
  instruction('lr.w', '00010 aq rl 00000 rs1 010 rd 0101111', 'rd, (rs1)', (b) =>
    b.system(SystemOperation.loadReserved32),
  ),
  instruction('lr.d', '00010 aq rl 00000 rs1 011 rd 0101111', 'rd, (rs1)', (b) =>
    b.system(SystemOperation.loadReserved64),
  ),
  instruction('sc.w', '00011 aq rl rs2 rs1 010 rd 0101111', 'rd, rs2, (rs1)', (b) =>
    b.system(SystemOperation.storeConditional32),
  ),
  instruction('sc.d', '00011 aq rl rs2 rs1 011 rd 0101111', 'rd, rs2, (rs1)', (b) =>
    b.system(SystemOperation.storeConditional64),
  ),
  ...amo('amoswap', '00001', (_, operand) => operand),
  ...amo('amoadd', '00000', i64.add),
  ...amo('amoxor', '00100', i64.xor),
  ...amo('amoand', '01100', i64.and),
  ...amo('amoor', '01000', i64.or),
  ...amo('amomin', '10000', pick(i64.lt_s)),
  ...amo('amomax', '10100', pick(i64.gt_s)),
  // Sign extension keeps the unsigned order of two words.
  ...amo('amominu', '11000', pick(i64.lt_u)),
  ...amo('amomaxu', '11100', pick(i64.gt_u)),
];
