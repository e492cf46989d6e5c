/** Assembly text of an instruction, as the GNU disassembler writes it without aliases. */
import { CSR_NAMES } from './csrs';
import { decode, lengthOf } from './decode';
import { X_NAMES } from './registers';

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
  const { instruction, length, rd, rs1, rs2, imm } = decoded;
  const target = instruction.control === 'relative' ? BigInt.asUintN(64, pc + BigInt(imm)) : undefined;
  const operands = instruction.operands.replace(/[a-z]+[0-9]?/g, (field) => {
    switch (field) {
      case 'rd':
        return X_NAMES[rd]!;
      case 'rs1':
        return X_NAMES[rs1]!;
      case 'rs2':
        return X_NAMES[rs2]!;
      case 'uimm':
        return String(rs1);
      case 'upper':
        return `0x${((imm >>> 12) & 0xfffff).toString(16)}`;
      case 'target':
        return `0x${(target ?? 0n).toString(16)}`;
      case 'csr':
        return CSR_NAMES.get(imm) ?? `0x${imm.toString(16)}`;
      default:
        return String(imm);
    }
  });
  const text = operands === '' ? instruction.name : `${instruction.name} ${operands}`;
  return target === undefined ? { text, length } : { text, length, target };
}
