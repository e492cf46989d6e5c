/** What stands out in the last instructions of a hart: entries of page tables and variables of the kernel's that it has read. */
import { hex } from '../../../emulator/isa/hex';
import type { Decoded } from '../../../emulator/isa/instructions/decode';
import { PAGE_SIZE } from '../../../emulator/isa/sv39';
import type { AskedGuest } from '../../questions/occurrence';
import type { Range } from '../../questions/spots';
import { globalName, scalarName } from '../../xv6/channel';
import {
  branchBefore,
  decides,
  returnBefore,
  sourcesOf,
  sourcesOfRegister,
  type CodeRange,
  type Returned,
  type Source,
} from '../cause';
import type { Entry, EntryPlaces } from '../entries';
import type { Executed } from '../recent';

/** An entry, with what it was when it was read. */
export interface ReadEntry {
  readonly entry: Entry;
  readonly value: bigint;
}

/** The first of the sources that is a page-table entry. */
export function entryIn(places: EntryPlaces, sources: readonly Source[]): ReadEntry | undefined {
  for (const source of sources) {
    const entry = source.kind === 'memory' && source.bytes === 8 ? places.at(source.physical) : undefined;
    if (entry !== undefined && source.kind === 'memory') return { entry, value: source.value };
  }
  return undefined;
}

/** The page-table entry that a function read last before it returned. */
export function behindResult(
  places: EntryPlaces,
  run: readonly Executed[],
  before: number,
  by: CodeRange,
): ReadEntry | undefined {
  const end = returnBefore(run, before, by) ?? before;
  for (let i = end; i >= 0 && run[i]!.pc !== by.low; i--) {
    const { physical, found, decoded } = run[i]!;
    if (decoded.instruction.access?.kind !== 'load' || physical === undefined || found === undefined) continue;
    const entry = decoded.instruction.access.bytes === 8 ? places.at(physical) : undefined;
    if (entry !== undefined) return { entry, value: found };
  }
  return undefined;
}

/** A variable of the kernel's, where it lies, and what it was when it was read. */
export interface ReadVariable {
  /** Of the instruction that read it. */
  readonly index: number;
  readonly name: string;
  readonly range: Range;
  readonly value: bigint;
  /** "0x2", "-1", or "&cpus[0]" for a pointer; undefined for what decides nothing that one could see. */
  readonly shown: string | undefined;
  /** All of it counted, and the hart has not written it since: who wrote it last is who made it so. */
  readonly isAsRead: boolean;
}

/** What is said of variables: "kmem.freelist was 0x0"; and that of which it can be said who made it so. */
export interface ToldVariables {
  readonly text: string;
  readonly variable: ReadVariable | undefined;
}

/** Those of the sources that are variables of the kernel's. `isTold`: whether it is told of a pointer to another one. */
function variablesIn(
  { xv6, image }: AskedGuest,
  sources: readonly Source[],
  run: readonly Executed[],
  isTold: (pointer: bigint) => boolean,
): ReadVariable[] {
  return sources.flatMap((source) => {
    if (source.kind !== 'memory') return [];
    const { left, decoded } = run[source.index]!;
    const { access } = decoded.instruction;
    const isLoad = access?.kind === 'load';
    const name = scalarName(xv6, image.linked(BigInt.asUintN(64, left + (isLoad ? BigInt(decoded.imm) : 0n))));
    if (name === undefined) return [];
    const { physical: address, bytes: length, value } = source;
    const isPointer = length === 8 && value >= PAGE_SIZE && isTold(value);
    const target = isPointer ? globalName(xv6, image.linked(value)) : undefined;
    const shown =
      target === undefined ? numberText(access?.signed ? BigInt.asIntN(8 * length, value) : value) : `&${target}`;
    const isStored = run.slice(source.index + 1).some((one) => one.physical === address && isStore(one));
    const isAsRead = isLoad && source.isPart !== true && !isStored;
    return [{ index: source.index, name, range: { address, length }, value, shown, isAsRead }];
  });
}

const isStore = ({ decoded }: Executed): boolean => {
  const kind = decoded.instruction.access?.kind;
  return kind === 'store' || kind === 'amo' || kind === 'sc';
};

/** Large numbers are pointers, or nothing that one could see. */
function numberText(value: bigint): string | undefined {
  if (value >= PAGE_SIZE || value <= -PAGE_SIZE) return undefined;
  return value < 0n ? String(value) : hex(value);
}

/** What is to be said of the variables among the sources of what a branch compares. */
export function variablesTold(
  guest: AskedGuest,
  sources: readonly Source[],
  run: readonly Executed[],
  isTold: (pointer: bigint) => boolean = () => false,
): ToldVariables | undefined {
  return toldOf(variablesIn(guest, sources, run, isTold));
}

function toldOf(all: readonly ReadVariable[]): ToldVariables | undefined {
  const told = all.filter(({ shown }) => shown !== undefined);
  if (told.length === 0) return undefined;
  const text = told.map(({ name, shown }) => `${name} was ${shown}`).join(' and ');
  // Of two that were compared, either may be wrong.
  return { text, variable: all.length === 1 && told[0]!.isAsRead ? told[0] : undefined };
}

/**
 * The variables of which a function has made what it returned, such as a lock's `cpu`, or by which it decided what to return, such as
 * a lock's `locked`; undefined if that is not certain.
 */
export function variablesBehind(
  guest: AskedGuest,
  run: readonly Executed[],
  { by, made, end }: Returned<CodeRange>,
  codeAt: (pc: bigint) => Decoded | undefined,
): ToldVariables | undefined {
  const own = variablesIn(guest, sourcesOfRegister(run, made + 1, run[made]!.decoded.rd), run, () => true);
  const branch = Math.max(...[end, made].map((index) => branchBefore(run, index, by) ?? -1));
  // Where a branch has found the same value, the compiler knows it, and may return it for any other reason.
  if (own.length > 0) return own.some(({ index }) => branch > index) ? undefined : toldOf(own);
  if (branch < 0 || branch > made) return undefined;
  const { instruction, rd, rs1, imm } = run[made]!.decoded;
  const doesSame = (other: Decoded): boolean =>
    other.instruction === instruction && other.rd === rd && other.rs1 === rs1 && other.imm === imm;
  if (!decides(run.slice(0, made + 1), branch, by, codeAt, doesSame)) return undefined;
  return variablesTold(guest, sourcesOf(run, branch), run, () => true);
}
