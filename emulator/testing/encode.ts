/** For tests: the words of instructions, from the machine's own table, which is held against QEMU and so may serve here. */
import { INSTRUCTIONS } from '../isa/instructions/decode';

export { X as R } from '../isa/registers';

export interface Operands {
  rd?: number;
  rs1?: number;
  rs2?: number;
  /** As assembly has it: bytes from here for jumps and branches, the upper 20 bits for lui and auipc. */
  imm?: number;
}

const table = new Map(INSTRUCTIONS.map((entry) => [entry.name, entry]));

/** The instruction word, unsigned. */
export function encode(name: string, { rd = 0, rs1 = 0, rs2 = 0, imm = 0 }: Operands = {}): number {
  const entry = table.get(name);
  if (!entry) throw new Error(`no instruction ${name}`);
  let word = entry.match;
  if (entry.hasRd) word |= rd << 7;
  if (entry.hasRs1) word |= rs1 << 15;
  if (entry.hasRs2) word |= rs2 << 20;
  switch (entry.immediate) {
    case 'I':
    case 'csr':
      word |= imm << 20;
      break;
    case 'shamt':
      word |= (imm & 63) << 20;
      break;
    case 'S':
      word |= ((imm >> 5) << 25) | ((imm & 31) << 7);
      break;
    case 'B':
      word |=
        (((imm >> 12) & 1) << 31) | (((imm >> 5) & 63) << 25) | (((imm >> 1) & 15) << 8) | (((imm >> 11) & 1) << 7);
      break;
    case 'U':
      word |= imm << 12;
      break;
    case 'J':
      word |=
        (((imm >> 20) & 1) << 31) |
        (((imm >> 1) & 1023) << 21) |
        (((imm >> 11) & 1) << 20) |
        (((imm >> 12) & 255) << 12);
      break;
    case 'none':
      break;
  }
  return word >>> 0;
}
