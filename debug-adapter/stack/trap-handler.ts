/**
 * How far the kernel's handlers of traps (usertrap, kerneltrap) have come: whether they have read sepc, which the next trap
 * overwrites, and what they keep of it. Told by their code and debug information, so that a frame shows the interrupted pc
 * at every instruction of them.
 */
import type { Guest } from '../code/guest';
import { NAMES } from '../xv6/names';
import { fromBytes, readLocation } from '../expressions/value';
import { ExpressionError } from '../expressions/error';
import { findMember, isInteger, plain, sizeOf } from '../expressions/types';
import type { MappedProgram } from '../code/mapped-program';
import type { Decoded } from '../../emulator/isa/instructions/decode';
import { isCall } from '../../emulator/isa/instructions/calls';
import { Csr } from '../../emulator/isa/csrs';
import { instructionsFrom } from '../../emulator/isa/instructions/instruction-at';
import { X } from '../../emulator/isa/registers';
import type { FrameRegisters, ReadMemory } from '../symbols/api';

/** Instructions of a handler that are looked at. */
const LONGEST = 512;

/** Whether usertrap has put the user's pc into the trap frame; undefined where its code does not tell. */
export function hasSavedPc(
  { image, xv6 }: Pick<Guest, 'image' | 'xv6'>,
  handler: FrameRegisters,
  read: ReadMemory,
): boolean | undefined {
  const member = xv6.trapframe && findMember(xv6.trapframe.record, 'epc');
  if (!member) return undefined;
  // Its own registers it saves relative to sp or s0.
  return isBehind(image, handler, read, ({ instruction: { access }, rs1, imm }) => {
    const stores = access?.kind === 'store' && access.bytes === 8 && imm === member.offset;
    return stores && rs1 !== X.sp && rs1 !== X.s0 ? 0n : undefined;
  });
}

/** What kerneltrap keeps of sepc or scause in a variable of that name; undefined until it has read sepc, or without one. */
export function keptBy(
  image: MappedProgram,
  handler: FrameRegisters,
  read: ReadMemory,
  name: string,
): bigint | undefined {
  const has = isBehind(image, handler, read, (decoded, at) => {
    const { instruction, rd, imm } = decoded;
    if (instruction.csr) return rd !== 0 && imm === Csr.sepc ? 0n : undefined;
    if (instruction.control !== 'jump' || !isCall(decoded)) return undefined;
    // Unoptimized, the inline function that reads it is called, and then its value stored.
    return image.binary.symbolAt(at + BigInt(imm))?.symbol.name === NAMES.readSepc ? 4n : undefined;
  });
  if (has === false) return undefined;
  const { binary } = image;
  const variable = binary
    .scopesAt(image.lookup(handler))
    .flatMap(({ variables }) => variables)
    .find((one) => one.name === name);
  if (!variable || sizeOf(variable.type) !== 8 || !isInteger(plain(variable.type))) return undefined;
  const frame = image.linkedFrame(handler);
  try {
    return fromBytes(readLocation(binary.locate(variable, frame, read), 0, 8, { frame, readMemory: read }));
  } catch (error) {
    if (error instanceof ExpressionError) return undefined;
    throw error;
  }
}

/** Whether a frame is past the first instruction of its function for which `find` gives the bytes that it takes to show. */
function isBehind(
  image: MappedProgram,
  frame: FrameRegisters,
  read: ReadMemory,
  find: (decoded: Decoded, at: bigint) => bigint | undefined,
): boolean | undefined {
  const info = image.binary.functionAt(image.lookup(frame));
  if (!info) return undefined;
  let count = 0;
  for (const { address, decoded } of instructionsFrom(read, info.low, info.high)) {
    if (!decoded || ++count > LONGEST) return undefined;
    const after = find(decoded, address);
    if (after !== undefined) return image.linked(frame.pc) > address + after;
  }
  return undefined;
}
