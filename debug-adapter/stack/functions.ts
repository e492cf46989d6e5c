/** Which function a frame is in, of C or of assembly, and where a context switch leads from it. */
import type { Hart } from '../../emulator/types';
import type { MappedProgram } from '../code/mapped-program';
import type { AddressSpace } from '../memory/address-space';
import type { FrameRegisters } from '../symbols/api';
import { acrossContextSwitch, nowOf } from './trap-vector';

/** A function of C or of assembly. */
export function functionAt({ binary }: MappedProgram, linked: bigint): { name: string; low: bigint } | undefined {
  const info = binary.functionAt(linked);
  if (info) return info;
  const symbol = binary.symbolAt(linked)?.symbol;
  return symbol && { name: symbol.name, low: symbol.address };
}

/** Whether a frame is in the function at which its program begins: that has no caller, whatever ra and s0 hold. */
export const isEntry = (image: MappedProgram, lookup: bigint): boolean =>
  functionAt(image, lookup)?.low === image.binary.entry;

/** Where a context switch returns to: after a call of it, or the start of a thread that has not run yet. */
export function resumed(image: MappedProgram, registers: FrameRegisters): FrameRegisters {
  const begins = image.contains(registers.pc) && functionAt(image, registers.pc)?.low === registers.pc;
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
