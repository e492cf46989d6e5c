/**
 * Calls, returns and where jumps lead: what the encodings of jal and jalr say by convention (RISC-V unprivileged
 * specification, section 2.5, the return-address stack; psABI, "Integer Register Convention").
 */
import type { Decoded } from './decode';
import { SystemOperation, isRelative, isSum } from './instruction';
import { X } from '../registers';

/** An unconditional jump, direct or not. */
export const isJump = ({ instruction: { control } }: Decoded): boolean => control === 'jump' || control === 'indirect';

/** A jump that leaves the return address in ra. */
export const isCall = (decoded: Decoded): boolean => isJump(decoded) && decoded.rd === X.ra;

/** A jump to ra: `ret`. */
export const isReturn = ({ instruction, rd, rs1, imm }: Decoded): boolean =>
  instruction.control === 'indirect' && rd === 0 && rs1 === X.ra && imm === 0;

/** A return from a trap: sret or mret. */
export const isTrapReturn = ({ instruction: { system } }: Decoded): boolean =>
  system === SystemOperation.sret || system === SystemOperation.mret;

/** Whether the instruction puts pc plus a constant into a register, as the first half of a far call or address: auipc. */
export const isPcRelative = ({ instruction }: Decoded): boolean => isSum(instruction, 'pc', 'imm');

/**
 * The address that an instruction makes of its immediate and the register which the auipc straight `before` it has set, as a
 * distance in bytes from the instruction itself; undefined unless the two belong together.
 */
export function pairedDistance({ instruction, rs1, imm }: Decoded, before: Decoded | undefined): number | undefined {
  if (before === undefined || !isPcRelative(before) || !instruction.hasRs1 || before.rd !== rs1) return undefined;
  return before.imm - before.length + imm;
}

/**
 * How far an instruction jumps, in bytes from itself: as it says, or as it says together with the auipc straight `before`
 * it. Undefined if it does not jump, or where to is not known.
 */
export function jumpDistance(decoded: Decoded, before: Decoded | undefined): number | undefined {
  const { instruction, imm } = decoded;
  if (isRelative(instruction)) return imm;
  if (instruction.control !== 'indirect') return undefined;
  const distance = pairedDistance(decoded, before);
  // The lowest bit of the sum is cleared.
  return distance === undefined ? undefined : distance - (distance & 1);
}
