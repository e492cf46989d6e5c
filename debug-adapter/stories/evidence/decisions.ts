/** Why a function called another one, such as panic: by an entry of a page table, what a third one had returned, or a variable. */
import type { Decoded } from '../../../emulator/isa/instructions/decode';
import { instructionAt } from '../../../emulator/isa/instructions/instruction-at';
import type { Hart } from '../../../emulator/types';
import { kernelLine } from '../../code/place-names';
import type { AskedGuest } from '../../questions/occurrence';
import { branchBefore, decides, returnedAnswer, returnedConstant, sourcesOf, sourcesOfRegister } from '../cause';
import { indexIn } from '../../xv6/kernel';
import type { EntryPlaces } from '../entries';
import type { Executed } from '../recent';
import { functionRunning, type KernelFunction } from './kernel-functions';
import {
  behindResult,
  entryIn,
  variablesBehind,
  variablesTold,
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
  /** The variable by which it was decided, if it can be said who made it so. */
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
  const branch = branchBefore(run, run.length - 1, caller);
  const codeAt = (pc: bigint): Decoded | undefined => instructionAt(guest.read(hart), pc);
  if (branch === undefined || !decides(run, branch, caller, codeAt)) return undefined;
  const where = `At ${kernelLine(guest, run[branch]!.pc)}, ${caller.name} went to ${called.name}`;
  const entry = entryIn(places, sourcesOf(run, branch));
  if (entry !== undefined) return { text: `${where} for `, entry };
  const functionOf = (pc: bigint): KernelFunction | undefined => functionRunning(guest, pc);
  const constant = returnedConstant(run, branch, caller, functionOf);
  const result = constant ?? returnedAnswer(run, branch, caller, functionOf);
  if (result === undefined) {
    const told = isLast ? variablesTold(guest, sourcesOf(run, branch), run, isCpu(guest)) : undefined;
    return told && { text: `${where}, as ${told.text}.`, variable: told.variable };
  }
  const returned = `${where}, as ${result.by.name} had returned ${result.value}`;
  // A constant says nothing of what was read for it; an answer was made of it.
  const behind =
    constant === undefined
      ? entryIn(places, sourcesOfRegister(run, result.made + 1, run[result.made]!.decoded.rd))
      : behindResult(places, run, branch, result.by);
  if (behind !== undefined) return { text: `${returned}. The last entry that it had read is `, entry: behind };
  if (!isLast) return undefined;
  const told = variablesBehind(guest, run, result, codeAt);
  return { text: `${returned}${told ? `: ${told.text}` : ''}.`, variable: told?.variable };
}

/** Whether an address is that of a hart's `struct cpu`, by which a lock says who holds it. */
const isCpu =
  ({ xv6: { cpus }, image }: AskedGuest) =>
  (address: bigint): boolean =>
    cpus !== undefined && indexIn(cpus, image.linked(address)) !== undefined;
