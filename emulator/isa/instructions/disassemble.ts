/**
 * Assembly text of an instruction, as the GNU disassembler writes it without aliases; of a compressed one, that of the
 * instruction it is short for. Shift amounts are decimal, and reserved fences, which the machine executes, are no data.
 */
import { CSR_NAMES } from '../csrs';
import { decode, lengthOf } from './decode';
import { isRelative } from './instruction';
import { F_NAMES, X_NAMES } from '../registers';

export interface Disassembled {
  text: string;
  /** Bytes: 2 or 4. */
  length: 2 | 4;
  /** Where a jump or branch relative to pc goes. */
  target?: bigint;
}

/** Disassembles the instruction word at `pc`. An illegal one becomes data. */
export function disassemble(word: number, pc: bigint): Disassembled {
  const decoded = decode(word);
  if (decoded === undefined) {
    const length = lengthOf(word);
    const text = length === 2 ? `.2byte 0x${(word & 0xffff).toString(16)}` : `.4byte 0x${(word >>> 0).toString(16)}`;
    return { text, length };
  }
  const { instruction, length, rd, rs1, rs2, imm, floats } = decoded;
  const other = instruction.names?.get(word | 0);
  if (other !== undefined) return { text: other, length };
  const target = isRelative(instruction) ? BigInt.asUintN(64, pc + BigInt(imm)) : undefined;
  const operands = instruction.operands.replace(/[a-z]+[0-9]?/g, (field) => {
    switch (field) {
      case 'rd':
        return X_NAMES[rd]!;
      case 'rs1':
        return X_NAMES[rs1]!;
      case 'rs2':
        return X_NAMES[rs2]!;
      case 'fd':
        return F_NAMES[floats!.fd]!;
      case 'fs1':
        return F_NAMES[floats!.fs1]!;
      case 'fs2':
        return F_NAMES[floats!.fs2]!;
      case 'fs3':
        return F_NAMES[floats!.fs3]!;
      case 'rm':
        return floats!.rm === DYNAMIC ? '' : ROUNDINGS[floats!.rm]!;
      case 'exact':
        return floats!.rm === 0 ? '' : ROUNDINGS[floats!.rm]!;
      case 'uimm':
        return String(rs1);
      case 'upper':
        return `0x${((imm >>> 12) & 0xfffff).toString(16)}`;
      case 'target':
        return `0x${(target ?? 0n).toString(16)}`;
      case 'csr':
        return CSR_NAMES.get(imm) ?? `0x${imm.toString(16)}`;
      case 'pred':
        return fenced(word >>> 24);
      case 'succ':
        return fenced(word >>> 20);
      default:
        return String(imm);
    }
  });
  const name = instruction.hasOrdering ? `${instruction.name}${ORDERINGS[(word >>> 25) & 3]!}` : instruction.name;
  // The usual rounding mode goes without saying.
  const text = operands === '' ? name : `${name} ${operands.replace(/, $/, '')}`;
  return target === undefined ? { text, length } : { text, length, target };
}

/** By the bits aq and rl of an atomic instruction (RISC-V unprivileged specification, section 8.1). */
const ORDERINGS = ['', '.rl', '.aq', '.aqrl'];

/** Rounding modes by their encoding (table 11.1). Where nothing is ever rounded, the first one is usual. */
const ROUNDINGS = ['rne', 'rtz', 'rdn', 'rup', 'rmm', 'unknown', 'unknown', 'dyn'];
const DYNAMIC = 7;

/** The accesses that a fence orders, by four bits: device input and output, memory reads and writes (section 2.7). */
const fenced = (bits: number): string =>
  [...'iorw'].filter((_, i) => ((bits >> (3 - i)) & 1) !== 0).join('') || 'unknown';
