/** Why a function called another one, such as panic: by an entry of a page table, what a third one had returned, or a variable. */
import type { Decoded } from '../../../emulator/isa/instructions/decode';
import { isJump } from '../../../emulator/isa/instructions/calls';
import { instructionAt } from '../../../emulator/isa/instructions/instruction-at';
import type { Hart } from '../../../emulator/types';
import { kernelLine } from '../../code/place-names';
import type { AskedGuest } from '../../questions/occurrence';
import { branchBefore, decides, returnedAnswer, returnedConstant, sourcesOf } from '../cause';
import { indexIn } from '../../xv6/kernel';
import type { EntryPlaces } from '../entries';
import type { Executed } from '../recent';
import { functionAt, type KernelFunction } from './kernel-functions';
import {
  behindResult,
  entryIn,
  variableBehind,
  variableIn,
  variableText,
  type ReadEntry,
  type ReadVariable,
} from './run-reading';

export interface Call {
  readonly caller: KernelFunction;
  readonly called: KernelFunction;
}

export interface Decision {
  /** A sentence, or what is said before the entry. */
  readonly text: string;
  readonly entry?: ReadEntry | undefined;
  readonly variable?: ReadVariable | undefined;
}

/**
 * What the last instructions of a hart, up to the call, say about it. Undefined if nothing, or if more can be said of what lies
 * farther back. `isLast`: nothing that lies there is looked at.
 */
export function decisionIn(
  guest: AskedGuest,
  places: EntryPlaces,
  hart: Hart,
  run: readonly Executed[],
  { caller, called }: Call,
  isLast: boolean,
): Decision | undefined {
  const last = run.length - 1;
  if (last < 0 || !isJump(run[last]!.decoded)) return undefined;
  const branch = branchBefore(run, last, caller);
  const codeAt = (pc: bigint): Decoded | undefined => instructionAt(guest.read(hart), pc);
  if (branch === undefined || !decides(run, branch, caller, codeAt)) return undefined;
  const where = `At ${kernelLine(guest, run[branch]!.pc)}, ${caller.name} went to ${called.name}`;
  const entry = entryIn(places, sourcesOf(run, branch));
  if (entry !== undefined) return { text: `${where} for `, entry };
  const at = (pc: bigint): KernelFunction | undefined => functionAt(guest, guest.image.linked(pc));
  const result = returnedConstant(run, branch, caller, at) ?? returnedAnswer(run, branch, caller, at);
  if (result === undefined) {
    const variable = isLast ? variableIn(guest, sourcesOf(run, branch), run, isCpu(guest)) : undefined;
    return variable && { text: `${where}, as ${variableText(variable)}.`, variable };
  }
  const returned = `${where}, as ${result.by.name} had returned ${result.value}`;
  const behind = behindResult(places, run, branch, result.by);
  if (behind !== undefined) return { text: `${returned}. The last entry that it had read is `, entry: behind };
  if (!isLast) return undefined;
  const variable = variableBehind(guest, run, result);
  return { text: `${returned}${variable ? `: ${variableText(variable)}` : ''}.`, variable };
}

/** Whether an address is that of a hart's `struct cpu`, by which a lock says who holds it. */
const isCpu =
  ({ xv6: { cpus }, image }: AskedGuest) =>
  (address: bigint): boolean =>
    cpus !== undefined && indexIn(cpus, image.linked(address)) !== undefined;
