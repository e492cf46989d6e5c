/**
 * Which instruction words belong to F and D, which this machine does not have (RISC-V unprivileged specification, chapters
 * 11 to 13 and 16): for saying so where one is illegal.
 */
import { lengthOf } from './decode';

/** Why one of them is illegal. */
export const NO_FLOATING_POINT =
  'this machine has no floating point (F and D) yet; under QEMU the instruction works once mstatus.FS is not 0';

/** Major opcodes: fused multiply-adds, and OP-FP. */
const OPCODES: readonly number[] = [0x43, 0x47, 0x4b, 0x4f, 0x53];
const [LOAD_FP, STORE_FP, SYSTEM] = [0x07, 0x27, 0x73];

/** Whether an instruction word (16 bits or 32) is one of F or D, or reads or writes fflags, frm or fcsr. */
export function isFloatingPoint(word: number): boolean {
  if (lengthOf(word) === 2) {
    // c.fld and c.fsd, c.fldsp and c.fsdsp.
    const [quadrant, funct3] = [word & 3, (word >> 13) & 7];
    return quadrant !== 1 && (funct3 === 1 || funct3 === 5);
  }
  const [opcode, funct3] = [word & 0x7f, (word >> 12) & 7];
  if (opcode === SYSTEM) {
    const csr = word >>> 20;
    return (funct3 & 3) !== 0 && csr >= 1 && csr <= 3;
  }
  // The other widths of LOAD-FP and STORE-FP are those of vectors.
  if (opcode === LOAD_FP || opcode === STORE_FP) return funct3 >= 1 && funct3 <= 4;
  return OPCODES.includes(opcode);
}
