/** For tests: the words of instructions, from the machine's own table, which is held against QEMU and so may serve here. */
import { INSTRUCTIONS } from '../isa/instructions/decode';

export { X as R } from '../isa/registers';

export interface Operands {
  rd?: number;
  rs1?: number;
  rs2?: number;
  /** As assembly has it: bytes from here for jumps and branches, the upper 20 bits for lui and auipc. */
  imm?: number;
  /** Floating-point registers, and the rounding mode; default: the dynamic one. */
  fd?: number;
  fs1?: number;
  fs2?: number;
  fs3?: number;
  rm?: number;
}

const table = new Map(INSTRUCTIONS.map((entry) => [entry.name, entry]));

/** The instruction word, unsigned. */
export function encode(name: string, { rd = 0, rs1 = 0, rs2 = 0, imm = 0, ...floats }: Operands = {}): number {
  const entry = table.get(name);
  if (!entry) throw new Error(`no instruction ${name}`);
  let word = entry.match;
  if (entry.hasRd) word |= rd << 7;
  if (entry.hasRs1) word |= rs1 << 15;
  if (entry.hasRs2) word |= rs2 << 20;
  const { fd = 0, fs1 = 0, fs2 = 0, fs3 = 0, rm = 7 } = floats;
  if (entry.hasFd) word |= fd << 7;
  if (entry.hasFs1) word |= fs1 << 15;
  if (entry.hasFs2) word |= fs2 << 20;
  if (entry.hasFs3) word |= fs3 << 27;
  if (entry.float?.rounds) word |= rm << 12;
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
