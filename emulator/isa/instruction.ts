/**
 * The form in which an instruction is stated, once: its encoding, its assembly text and its meaning, as the Sail model
 * of RISC-V does in one clause. The files rv64i.ts, rv64m.ts, rv64a.ts and system.ts hold the clauses; decoder,
 * disassembler, interpreter and translator are made from them.
 */
import type { Code } from '../wasm/assembler';

/**
 * What a meaning is written against. Values are WebAssembly code that leaves an i64; statements leave nothing.
 * An access that faults leaves the instruction at that point, so whatever a meaning does before is done for good.
 */
export interface Builder {
  readonly rs1: Code;
  readonly rs2: Code;
  readonly imm: Code;
  /** Address of the instruction, and of the one behind it. */
  readonly pc: Code;
  readonly link: Code;
  /** rd := value. */
  write(value: Code): Code;
  /** Memory at an address: `bytes` wide, sign- or zero-extended. */
  load(bytes: 1 | 2 | 4 | 8, signed: boolean, address: Code): Code;
  store(bytes: 1 | 2 | 4 | 8, address: Code, value: Code): Code;
  /** rd := old value (sign-extended); memory := update(old, rs2). `address` must be aligned. */
  atomic(bytes: 4 | 8, address: Code, update: (old: Code, operand: Code) => Code): Code;
  /** To pc + imm if the i32 `condition` is not zero. */
  branch(condition: Code): Code;
  /** rd := link; to pc + imm. */
  jump(): Code;
  /** rd := link; to `target`, evaluated first. */
  jumpTo(target: Code): Code;
  /** Upper 64 bits of the 128-bit product of two unsigned values. */
  mulhu(a: Code, b: Code): Code;
  /** Something rare that is done outside the generated code: see cpu/system-instructions.ts. */
  system(operation: SystemOperation): Code;
}

/** Instructions that are carried out by cpu/system-instructions.ts. */
export const enum SystemOperation {
  csrrw,
  csrrs,
  csrrc,
  csrrwi,
  csrrsi,
  csrrci,
  ecall,
  ebreak,
  mret,
  sret,
  wfi,
  sfenceVma,
  loadReserved32,
  loadReserved64,
  storeConditional32,
  storeConditional64,
}

export type ImmediateKind = 'none' | 'I' | 'S' | 'B' | 'U' | 'J' | 'shamt' | 'csr';

export interface Instruction {
  readonly name: string;
  /** An instruction word w is this one if (w & mask) === match (as signed 32-bit integers). */
  readonly mask: number;
  readonly match: number;
  readonly immediate: ImmediateKind;
  readonly hasRd: boolean;
  readonly hasRs1: boolean;
  readonly hasRs2: boolean;
  /** Operands as written in assembly, e.g. "rd, imm(rs1)". */
  readonly operands: string;
  readonly meaning: (b: Builder) => Code;
  /** It leaves the straight line: relative jumps and branches (to pc + imm), other jumps, or not at all. */
  readonly control: 'relative' | 'indirect' | 'none';
}

/** Widths in bits of the named fields in an encoding. */
const FIELDS: Record<string, number> = {
  ...{ rd: 5, rs1: 5, rs2: 5, imm12: 12, simm7: 7, simm5: 5, bimm7: 7, bimm5: 5, imm20: 20, jimm20: 20 },
  ...{ shamt6: 6, shamt5: 5, csr: 12, uimm5: 5, aq: 1, rl: 1, fm: 4, pred: 4, succ: 4 },
};

const IMMEDIATES: Record<string, ImmediateKind> = {
  ...{ imm12: 'I', simm7: 'S', bimm7: 'B', imm20: 'U', jimm20: 'J', shamt6: 'shamt', shamt5: 'shamt', csr: 'csr' },
};

/**
 * States an instruction. `encoding` is the row of the instruction listing in the RISC-V unprivileged specification,
 * from bit 31 down: runs of 0 and 1, and the names of the fields.
 */
export function instruction(
  name: string,
  encoding: string,
  operands: string,
  meaning: (b: Builder) => Code,
  control: Instruction['control'] = 'none',
): Instruction {
  let mask = 0;
  let match = 0;
  let bit = 32;
  const fields = encoding.split(' ');
  for (const field of fields) {
    const fixed = /^[01]+$/.test(field);
    const width = fixed ? field.length : FIELDS[field];
    if (width === undefined) throw new Error(`${name}: unknown field ${field}`);
    bit -= width;
    if (fixed) {
      mask |= (2 ** width - 1) << bit;
      match |= parseInt(field, 2) << bit;
    }
  }
  if (bit !== 0) throw new Error(`${name}: the encoding has ${32 - bit} bits`);
  const immediateField = fields.find((field) => field in IMMEDIATES);
  return {
    name,
    mask,
    match,
    immediate: immediateField === undefined ? 'none' : IMMEDIATES[immediateField]!,
    hasRd: fields.includes('rd'),
    hasRs1: fields.includes('rs1') || fields.includes('uimm5'),
    hasRs2: fields.includes('rs2'),
    operands,
    meaning,
    control,
  };
}
