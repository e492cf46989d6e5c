/**
 * The form in which an instruction is stated, once: its encoding, its assembly text and its meaning, as the Sail model
 * of RISC-V does in one clause. The files rv64i.ts, rv64m.ts, rv64a.ts, rv64f.ts, rv64d.ts, bit-manipulation.ts and
 * system.ts hold the clauses; decoder, disassembler, interpreter and translator are made from them.
 */
import type { Code } from '../../wasm/assembler';
import type { Environment } from '../floating-point/format';

/**
 * What a meaning is written against. Values are WebAssembly code that leaves an i64; statements leave nothing.
 * An access that faults leaves the instruction at that point, so whatever a meaning does before is done for good.
 */
export interface Builder {
  readonly rs1: Code;
  readonly rs2: Code;
  readonly imm: Code;
  /** Address of the instruction, and of the one after it. */
  readonly pc: Code;
  readonly link: Code;
  /** rd := value. */
  write(value: Code): Code;
  /** Memory at an address: `bytes` wide, sign- or zero-extended. */
  load(bytes: 1 | 2 | 4 | 8, signed: boolean, address: Code): Code;
  store(bytes: 1 | 2 | 4 | 8, address: Code, value: Code): Code;
  /** rd := old value (sign-extended); memory := update(old, rs2). `address` must be aligned. */
  atomic(bytes: 4 | 8, address: Code, update: (old: Code, operand: Code) => Code): Code;
  /** rd := memory, sign-extended, which is reserved from then on. `address` must be aligned. */
  loadReserved(bytes: 4 | 8, address: Code): Code;
  /** If that memory is reserved: memory := rs2 and rd := 0; else rd := 1. Nothing is reserved any more. */
  storeConditional(bytes: 4 | 8, address: Code): Code;
  /** Other harts see what was done before first. */
  order(): Code;
  /** To pc + imm if the i32 `condition` is not zero. */
  branch(condition: Code): Code;
  /** rd := link; to pc + imm. */
  jump(): Code;
  /** rd := link; to `target`, evaluated first. */
  jumpTo(target: Code): Code;
  /** The 64 bits of floating-point registers, as f64; whatever they are, they stay the same. */
  readonly fs1: Code;
  readonly fs2: Code;
  /** fd := 64 bits, as f64. */
  writeFloat(value: Code): Code;
  /**
   * Goes on only if mstatus.FS says that floating-point registers can be read, or also written, without anything else to be
   * done; else the whole instruction is left to cpu/float-instructions.ts.
   */
  usesFloats(access: 'reads' | 'writes'): Code;
  /** As `usesFloats`, and then what the code does; it leaves, too, where it meets what is not common. */
  float(access: 'reads' | 'writes', code: (b: FloatBuilder) => Code): Code;
  /** Upper 64 bits of the 128-bit product of two unsigned values. */
  mulhu(a: Code, b: Code): Code;
  /** Something rare that is done outside the generated code: see cpu/system-instructions.ts. */
  system(operation: SystemOperation): Code;
}

/** What native-floats.ts is written against. */
export interface FloatBuilder extends Pick<Builder, 'rs1' | 'fs1' | 'fs2' | 'write' | 'writeFloat'> {
  readonly fs3: Code;
  /** The field rm, and the CSR fcsr (i32). */
  readonly rm: number;
  readonly fcsr: Code;
  /** The first of six f64 locals, and of two f32 ones. */
  readonly scratch: { readonly f64: number; readonly f32: number };
  /** Leaves the instruction to cpu/float-instructions.ts if the i32 is not 0. */
  leaveIf(condition: Code): Code;
}

/** Instructions that cpu/system-instructions.ts carries out. */
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
  clmul,
  clmulh,
  clmulr,
  /** See FloatOperation. */
  float,
}

export type ImmediateKind = 'none' | 'I' | 'S' | 'B' | 'U' | 'J' | 'shamt' | 'csr';

/** How an instruction reads and writes memory; addresses are rs1 + imm for loads and stores, rs1 for the others. */
export interface OperandAccess {
  readonly kind: 'load' | 'store' | 'amo' | 'lr' | 'sc';
  readonly bytes: 1 | 2 | 4 | 8;
  /** What is read is sign-extended. */
  readonly signed: boolean;
  /** The register is a floating-point one, in which what is narrower than 64 bits is NaN-boxed. */
  readonly float?: true;
  /** An AMO that stores rs2 whatever it finds: amoswap, by which locks are taken. */
  readonly swaps?: true;
}

/** What a CSR instruction makes of the value that it finds and its operand: the operand, or with its bits set or cleared. */
export const enum CsrUpdate {
  write,
  set,
  clear,
}

/** What a floating-point instruction computes: exact in every case. */
export interface FloatOperation {
  /** The interpreter leaves it, whatever the operands: it is done outside, or in translated code. */
  readonly leaves: boolean;
  /** The rounding mode is in its field rm. */
  readonly rounds: boolean;
  /** The 64 bits of fd or rd, from those of the registers fs1 (or rs1), fs2 and fs3. */
  readonly result: (env: Environment, a: bigint, b: bigint, c: bigint) => bigint;
}

export interface CsrAccess {
  readonly update: CsrUpdate;
  /** The operand is the number in the field of rs1. */
  readonly immediate: boolean;
}

/** Comparisons of rs1 with rs2, by the names of WebAssembly's operators. */
export type Comparison = 'eq' | 'ne' | 'lt_s' | 'ge_s' | 'lt_u' | 'ge_u';

/** What kind of instruction it is, for those who must know without executing it. */
export interface Kind {
  /**
   * Where the hart may go on if not at the next instruction: at pc + imm, on a condition ('branch') or always ('jump'); at
   * rs1 + imm ('indirect'); at a trap vector, or where a trap was taken ('trap').
   */
  readonly control: 'none' | 'branch' | 'jump' | 'indirect' | 'trap';
  readonly access?: OperandAccess;
  readonly csr?: CsrAccess;
  /** It computes with floating-point registers. */
  readonly float?: FloatOperation;
  /** It is carried out outside the generated code. */
  readonly system?: SystemOperation;
  /** rd is the 64-bit sum of these. */
  readonly sum?: readonly ('rs1' | 'rs2' | 'imm' | 'pc')[];
  /** rd is the sum of two operands as 32 bits, sign-extended. */
  readonly sum32?: true;
  /** A branch's condition. */
  readonly condition?: Comparison;
  /** Instruction words that assembly has another name for, operands included. */
  readonly names?: ReadonlyMap<number, string>;
}

export interface Instruction extends Kind {
  readonly name: string;
  /** An instruction word w is this one if (w & mask) === match (as signed 32-bit integers). */
  readonly mask: number;
  readonly match: number;
  readonly immediate: ImmediateKind;
  readonly hasRd: boolean;
  readonly hasRs1: boolean;
  readonly hasRs2: boolean;
  /** Its floating-point registers, and whether it has any. */
  readonly hasFd: boolean;
  readonly hasFs1: boolean;
  readonly hasFs2: boolean;
  readonly hasFs3: boolean;
  readonly hasFloats: boolean;
  /** It has the ordering bits aq and rl, which assembly appends to the name. */
  readonly hasOrdering: boolean;
  /** Operands as written in assembly, e.g. "rd, imm(rs1)". */
  readonly operands: string;
  readonly meaning: (b: Builder) => Code;
}

/** Whether rd becomes the sum of just these. */
export const isSum = ({ sum }: Instruction, ...terms: NonNullable<Kind['sum']>): boolean =>
  sum?.length === terms.length && terms.every((term) => sum.includes(term));

/** It jumps to pc + imm, always or on a condition. */
export const isRelative = ({ control }: Instruction): boolean => control === 'branch' || control === 'jump';

/** Widths in bits of the named fields in an encoding. */
const FIELDS: Record<string, number> = {
  ...{ rd: 5, rs1: 5, rs2: 5, imm12: 12, simm7: 7, simm5: 5, bimm7: 7, bimm5: 5, imm20: 20, jimm20: 20 },
  ...{ shamt6: 6, shamt5: 5, csr: 12, uimm5: 5, aq: 1, rl: 1, fm: 4, pred: 4, succ: 4 },
  ...{ fd: 5, fs1: 5, fs2: 5, fs3: 5, rm: 3 },
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
  kind: Partial<Kind> = {},
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
    hasFd: fields.includes('fd'),
    hasFs1: fields.includes('fs1'),
    hasFs2: fields.includes('fs2'),
    hasFs3: fields.includes('fs3'),
    hasFloats: fields.some((field) => /^f[ds][123]?$/.test(field)),
    hasOrdering: fields.includes('aq'),
    operands,
    meaning,
    control: 'none',
    ...kind,
  };
}
