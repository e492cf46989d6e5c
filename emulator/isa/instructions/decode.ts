/** From instruction words to entries of the table with their operands. */
import { BIT_MANIPULATION } from './bit-manipulation';
import { expand } from './compressed';
import type { ImmediateKind, Instruction } from './instruction';
import { RV64A } from './rv64a';
import { RV64D } from './rv64d';
import { RV64F } from './rv64f';
import { RV64I } from './rv64i';
import { RV64M } from './rv64m';
import { SYSTEM } from './system';

/** Every instruction of the machine, once. */
export const INSTRUCTIONS: readonly Instruction[] = [
  ...[...RV64I, ...RV64M, ...RV64A, ...RV64F, ...RV64D],
  ...[...BIT_MANIPULATION, ...SYSTEM],
];

/** The floating-point registers of an instruction, 0 where it has none, and its field rm. */
export interface FloatOperands {
  readonly fd: number;
  readonly fs1: number;
  readonly fs2: number;
  readonly fs3: number;
  readonly rm: number;
}

export interface Decoded {
  readonly instruction: Instruction;
  /** Bytes: 2 or 4. */
  readonly length: 2 | 4;
  readonly rd: number;
  readonly rs1: number;
  readonly rs2: number;
  /** Sign-extended; for lui and auipc shifted into place; for CSR instructions the CSR's address. */
  readonly imm: number;
  /** Undefined if it has no floating-point registers. */
  readonly floats?: FloatOperands;
}

const byName = new Map(INSTRUCTIONS.map((entry) => [entry.name, entry]));
/** funct3, in bits 14 to 12, and the major opcode, in bits 6 to 0, as an index. */
const FUNCT3 = 7 << 12;
const slotOf = (word: number): number => ((word & FUNCT3) >> 5) | (word & 127);
/** Candidates by that; those without funct3 have all of its values. */
const candidates: Instruction[][] = Array.from({ length: 1024 }, () => []);
for (const entry of INSTRUCTIONS) {
  const open = FUNCT3 & ~entry.mask;
  for (let funct3 = 0; funct3 <= FUNCT3; funct3 += 1 << 12)
    if ((funct3 & ~open) === (entry.match & FUNCT3 & ~open)) candidates[slotOf(entry.match | funct3)]!.push(entry);
}

/** Bytes of the instruction whose first 16 bits these are. Longer encodings than 32 bits are not in use. */
export const lengthOf = (half: number): 2 | 4 => ((half & 3) === 3 ? 4 : 2);

/** What has been decoded lately: programs say few different words over and over. */
const known = new Map<number, Decoded>();
const MOST_KNOWN = 1 << 14;

/** Decodes an instruction word (for a 16-bit one only the low half counts); undefined if it is illegal. */
export function decode(word: number): Decoded | undefined {
  const key = lengthOf(word) === 2 ? word & 0xffff : word | 0;
  let decoded = known.get(key);
  if (decoded !== undefined) return decoded;
  decoded = lengthOf(word) === 2 ? decodeCompressed(key) : decodeFull(key);
  if (decoded === undefined) return undefined;
  if (known.size === MOST_KNOWN) known.clear();
  known.set(key, decoded);
  return decoded;
}

function decodeCompressed(half: number): Decoded | undefined {
  const expansion = expand(half);
  const instruction = expansion && byName.get(expansion.name);
  if (instruction === undefined) return undefined;
  const { rd, rs1, rs2, imm } = expansion!;
  if (!instruction.hasFloats) return { instruction, length: 2, rd, rs1, rs2, imm };
  // Loads and stores: rd and rs2 stand for fd and fs2.
  return { instruction, length: 2, rd: 0, rs1, rs2: 0, imm, floats: { fd: rd, fs1: 0, fs2: rs2, fs3: 0, rm: 0 } };
}

function decodeFull(word: number): Decoded | undefined {
  for (const instruction of candidates[slotOf(word)]!) {
    if ((word & instruction.mask) !== instruction.match) continue;
    const rd = instruction.hasRd ? (word >>> 7) & 31 : 0;
    const rs1 = instruction.hasRs1 ? (word >>> 15) & 31 : 0;
    const rs2 = instruction.hasRs2 ? (word >>> 20) & 31 : 0;
    const imm = immediate(word, instruction.immediate);
    if (!instruction.hasFloats) return { instruction, length: 4, rd, rs1, rs2, imm };
    return { instruction, length: 4, rd, rs1, rs2, imm, floats: floatOperands(word, instruction) };
  }
  return undefined;
}

const floatOperands = (word: number, { hasFd, hasFs1, hasFs2, hasFs3 }: Instruction): FloatOperands => ({
  fd: hasFd ? (word >>> 7) & 31 : 0,
  fs1: hasFs1 ? (word >>> 15) & 31 : 0,
  fs2: hasFs2 ? (word >>> 20) & 31 : 0,
  fs3: hasFs3 ? (word >>> 27) & 31 : 0,
  rm: (word >>> 12) & 7,
});

function immediate(word: number, kind: ImmediateKind): number {
  switch (kind) {
    case 'none':
      return 0;
    case 'I':
      return word >> 20;
    case 'S':
      return ((word >> 25) << 5) | ((word >>> 7) & 31);
    case 'B':
      return (
        ((word >> 31) << 12) | (((word >>> 7) & 1) << 11) | (((word >>> 25) & 63) << 5) | (((word >>> 8) & 15) << 1)
      );
    case 'U':
      return word & ~0xfff;
    case 'J':
      return (
        ((word >> 31) << 20) |
        (((word >>> 12) & 255) << 12) |
        (((word >>> 20) & 1) << 11) |
        (((word >>> 21) & 1023) << 1)
      );
    case 'shamt':
      return (word >>> 20) & 63;
    case 'csr':
      return word >>> 20;
  }
}
