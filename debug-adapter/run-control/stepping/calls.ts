/**
 * Telling calls from other jumps: jal and jalr that link to ra, and c.jalr. Rests on the RISC-V unprivileged
 * specification, "Control Transfer Instructions" and its return-address hints.
 */
import type { ReadMemory } from '../../symbols/api';

const JAL = 0x6f;
const JALR = 0x67;
const RA = 1;

/** Length in bytes (2 or 4) of the call instruction at `pc`; undefined if it is no call, or cannot be read. */
export function callLength(read: ReadMemory, pc: bigint): 2 | 4 | undefined {
  const low = word(read(pc, 2));
  if (low === undefined) return undefined;
  if ((low & 3) !== 3) {
    // c.jalr rs1: 1001 rs1 00000 10, rs1 not x0.
    return (low & 0xf07f) === 0x9002 && (low & 0xf80) !== 0 ? 2 : undefined;
  }
  const opcode = low & 0x7f;
  return (opcode === JAL || opcode === JALR) && ((low >> 7) & 31) === RA ? 4 : undefined;
}

function word(bytes: Uint8Array | undefined): number | undefined {
  return bytes?.length === 2 ? bytes[0]! | (bytes[1]! << 8) : undefined;
}
