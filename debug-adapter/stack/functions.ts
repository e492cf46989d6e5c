/** Where a program begins, and where a context switch leads from a frame. */
import type { Hart } from '../../emulator/types';
import type { MappedProgram } from '../code/mapped-program';
import type { AddressSpace } from '../memory/address-space';
import type { FrameRegisters, ReadMemory } from '../symbols/api';
import { SystemOperation } from '../../emulator/isa/instructions/instruction';
import { instructionAt } from '../../emulator/isa/instructions/instruction-at';
import { functionOrLabelAt } from '../symbols/named-code';
import { servedSystemCall } from '../xv6/names';
import { acrossContextSwitch, nowOf } from './trap-vector';

/** Whether a frame is in the function at which its program begins: that has no caller, whatever ra and s0 hold. */
export const isEntry = (image: MappedProgram, lookup: bigint): boolean =>
  functionOrLabelAt(image.binary, lookup)?.low === image.binary.entry;

/** Where a context switch returns to: after a call of it, or the start of a thread that has not run yet. */
export function resumed(image: MappedProgram, registers: FrameRegisters): FrameRegisters {
  const begins = image.contains(registers.pc) && functionOrLabelAt(image.binary, registers.pc)?.low === registers.pc;
  return { ...registers, returnAddress: !begins };
}

/**
 * Whether the system call that functions serve, innermost first, has put another pc into the trap frame than that of its
 * caller, as exec does: usertrap only moves it past the ecall.
 */
export const isReplaced = (functions: readonly string[], pc: bigint, read: ReadMemory): boolean =>
  servedSystemCall(functions) !== undefined &&
  instructionAt(read, pc - 4n)?.instruction.system !== SystemOperation.ecall;

export function acrossSwitch(
  image: MappedProgram,
  entry: bigint,
  here: FrameRegisters,
  { read }: AddressSpace,
  hart: Hart | undefined,
): FrameRegisters | undefined {
  const caller = acrossContextSwitch(entry, here, nowOf(here, read, hart));
  return caller && resumed(image, caller);
}
