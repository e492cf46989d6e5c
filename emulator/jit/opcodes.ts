/**
 * Opcodes of the predecoded records: every instruction of the table in the forms in which the interpreter has it (as a
 * two- or four-byte instruction, and for relative jumps within the page or out of it), made from the table.
 */
import { Csr } from '../isa/csrs';
import { COMPRESSIBLE } from '../isa/instructions/compressed';
import { INSTRUCTIONS, decode, lengthOf } from '../isa/instructions/decode';
import { type Instruction, isRelative } from '../isa/instructions/instruction';
import type { GuestMemory } from '../mmu/guest-memory';
import { canClose } from './loop-idioms';
import { HartOffset, PAGE, RecordLayout, STRADDLER, CURRENT_HART } from '../layout';

export const enum Opcode {
  /** Not decoded yet, under a breakpoint, or illegal: see `special` in code-cache.ts. */
  special = 0,
  /** Behind the last record of a page. */
  pageEnd = 1,
  /**
   * The last two bytes of a page begin an instruction that ends in the next one. If the next page begins with the upper half
   * of the record's word, the instruction is the one whose record lies STRADDLER bytes further on.
   */
  straddling = 2,
  first = 3,
}

/** Bit of a record's opcode: a translated region begins here. Its index in the table is at `regionIndex`. */
export const REGION = 0x8000;

export interface RecordForm {
  instruction: Instruction;
  length: 2 | 4;
  /** For relative jumps: the target's record is in the same page, and `imm` is the distance in bytes of records. */
  near: boolean;
  /** For near branches: it closes a loop idiom. */
  closesIdiom: boolean;
  /** For CSR instructions: they are on sstatus, which a kernel reads and writes at every lock. */
  status: boolean;
}

/** Offset of a floating-point register in the hart's block. */
export const floatOffset = (register: number): number => HartOffset.f + register * 8;

const PLAIN = { near: false, closesIdiom: false, status: false };

/** The instruction whose forms an instruction has: all those that the interpreter just leaves have one. */
const leaving = INSTRUCTIONS.find(({ float }) => float?.leaves)!;
const representative = (instruction: Instruction): Instruction => (instruction.float?.leaves ? leaving : instruction);

export const FORMS: readonly RecordForm[] = INSTRUCTIONS.filter((one) => representative(one) === one).flatMap(
  (instruction): RecordForm[] =>
    (COMPRESSIBLE.has(instruction.name) ? ([2, 4] as const) : ([4] as const)).flatMap((length): RecordForm[] => [
      { ...PLAIN, instruction, length },
      ...(isRelative(instruction) ? [{ ...PLAIN, instruction, length, near: true }] : []),
      ...(canClose(instruction) ? [{ ...PLAIN, instruction, length, near: true, closesIdiom: true }] : []),
      ...(instruction.csr ? [{ ...PLAIN, instruction, length, status: true }] : []),
    ]),
);

const formIndex = ({ length, near, closesIdiom, status }: Omit<RecordForm, 'instruction'>): number =>
  length * 4 + (status ? 3 : closesIdiom ? 2 : near ? 1 : 0);
const opcodes = new Map<Instruction, number[]>();
FORMS.forEach((form, index) => {
  const forms = opcodes.get(form.instruction) ?? [];
  forms[formIndex(form)] = Opcode.first + index;
  opcodes.set(form.instruction, forms);
});

/**
 * Writes the record of instruction `word` at `at`. `pageOffset` is where in its page the instruction is, or undefined
 * for a single-step record; `closesIdiom` whether it closes a loop idiom, `csrsLeave` whether CSR instructions are to
 * be done outside of the generated code, as they are by a single-step record unless told otherwise. False, and nothing
 * written, if the word is illegal.
 */
export function writeRecord(
  records: DataView,
  at: number,
  word: number,
  pageOffset: number | undefined,
  { closesIdiom = false, csrsLeave = pageOffset === undefined } = {},
): boolean {
  const decoded = decode(word);
  if (decoded === undefined) return false;
  const { instruction, length, rd, rs1, rs2, imm, floats } = decoded;
  const target = pageOffset === undefined ? -1 : pageOffset + imm;
  const near = isRelative(instruction) && target >= 0 && target < PAGE;
  const { hasFd, hasFs1, hasFs2 } = instruction;
  records.setUint16(
    at + RecordLayout.rd,
    hasFd ? floatOffset(floats!.fd) : rd === 0 ? HartOffset.discard : rd * 8,
    true,
  );
  records.setUint16(at + RecordLayout.rs1, hasFs1 ? floatOffset(floats!.fs1) : rs1 * 8, true);
  records.setUint16(at + RecordLayout.rs2, hasFs2 ? floatOffset(floats!.fs2) : rs2 * 8, true);
  records.setInt32(at + RecordLayout.imm, near ? imm * (RecordLayout.size / 2) : imm, true);
  records.setUint32(at + RecordLayout.word, length === 2 ? word & 0xffff : word, true);
  const status = instruction.csr !== undefined && imm === Csr.sstatus && !csrsLeave;
  records.setUint16(
    at + RecordLayout.op,
    opcodes.get(representative(instruction))![formIndex({ length, near, closesIdiom, status })]!,
    true,
  );
  return true;
}

/** Writes the record of the last instruction of a page, which ends in the next one. False if the word is illegal. */
export function writeStraddling(records: DataView, at: number, word: number, csrsLeave: boolean): boolean {
  const own = at + STRADDLER;
  if (!writeRecord(records, own, word, undefined, { csrsLeave })) return false;
  records.setUint16(own + 4 * (RecordLayout.size / 2) + RecordLayout.op, Opcode.pageEnd, true);
  for (let i = 0; i < RecordLayout.size; i += 4) records.setInt32(at + i, records.getInt32(own + i, true), true);
  records.setUint16(at + RecordLayout.op, Opcode.straddling, true);
  return true;
}

/** Records that have been written alone, by instruction word. */
const alone = new Map<number, Uint8Array>();
const MOST_ALONE = 4096;

/** Writes the record of an instruction into the scratch area, followed by what leads back to its successor's own. */
export function writeSingleStep(memory: GuestMemory, word: number): boolean {
  const at = CURRENT_HART + HartOffset.scratch;
  const { view, u8 } = memory;
  view.setUint16(at + lengthOf(word) * (RecordLayout.size / 2) + RecordLayout.op, Opcode.pageEnd, true);
  const known = alone.get(word);
  if (known !== undefined) {
    u8.set(known, at);
    return true;
  }
  if (!writeRecord(view, at, word, undefined)) return false;
  if (alone.size === MOST_ALONE) alone.clear();
  alone.set(word, u8.slice(at, at + RecordLayout.size));
  return true;
}
