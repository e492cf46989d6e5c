/** Where a program begins, and where a context switch leads from a frame. */
import type { Hart } from '../../emulator/types';
import type { MappedProgram } from '../code/mapped-program';
import type { AddressSpace } from '../memory/address-space';
import type { FrameRegisters } from '../symbols/api';
import { functionOrLabelAt } from '../symbols/named-code';
import { acrossContextSwitch, nowOf } from './trap-vector';

/** Whether a frame is in the function at which its program begins: that has no caller, whatever ra and s0 hold. */
export const isEntry = (image: MappedProgram, lookup: bigint): boolean =>
  functionOrLabelAt(image.binary, lookup)?.low === image.binary.entry;

/** Where a context switch returns to: after a call of it, or the start of a thread that has not run yet. */
export function resumed(image: MappedProgram, registers: FrameRegisters): FrameRegisters {
  const begins = image.contains(registers.pc) && functionOrLabelAt(image.binary, registers.pc)?.low === registers.pc;
  return { ...registers, returnAddress: !begins };
}

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
