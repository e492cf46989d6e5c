/** The A extension, atomic memory operations (RISC-V unprivileged specification, chapter 8). */
import { type Code, ValueType, choose, i64 } from '../../wasm/assembler';
import { type Instruction, instruction } from './instruction';
import { word } from './rv64i';

type Update = (old: Code, operand: Code) => Code;

const pick =
  (first: (a: Code, b: Code) => Code): Update =>
  (old, operand) =>
    choose(ValueType.I64, first(old, operand), old, operand);

/** The .w and .d forms. Old values come sign-extended; a word operand is extended alike, so that comparisons hold. */
const amo = (name: string, funct5: string, update: Update, swaps?: 'swaps'): Instruction[] =>
  (
    [
      ['w', '010', 4, (old, operand) => update(old, word(operand))],
      ['d', '011', 8, update],
    ] as const satisfies readonly [string, string, number, Update][]
  ).map(([width, funct3, bytes, extended]) =>
    instruction(
      `${name}.${width}`,
      `${funct5} aq rl rs2 rs1 ${funct3} rd 0101111`,
      'rd, rs2, (rs1)',
      (b) => b.atomic(bytes, b.rs1, extended),
      { access: { kind: 'amo', bytes, signed: true, ...(swaps && { swaps: true }) } },
    ),
  );

const loadReserved = (name: string, funct3: string, bytes: 4 | 8): Instruction =>
  instruction(name, `00010 aq rl 00000 rs1 ${funct3} rd 0101111`, 'rd, (rs1)', (b) => b.loadReserved(bytes, b.rs1), {
    access: { kind: 'lr', bytes, signed: true },
  });
const storeConditional = (name: string, funct3: string, bytes: 4 | 8): Instruction =>
  instruction(
    name,
    `00011 aq rl rs2 rs1 ${funct3} rd 0101111`,
    'rd, rs2, (rs1)',
    (b) => b.storeConditional(bytes, b.rs1),
    { access: { kind: 'sc', bytes, signed: false } },
  );

export const RV64A: readonly Instruction[] = [
  loadReserved('lr.w', '010', 4),
  loadReserved('lr.d', '011', 8),
  storeConditional('sc.w', '010', 4),
  storeConditional('sc.d', '011', 8),
  ...amo('amoswap', '00001', (_, operand) => operand, 'swaps'),
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
