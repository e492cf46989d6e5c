/** What stands out in the last instructions of a hart: entries of page tables and variables of the kernel's that it has read. */
import { hex } from '../../../emulator/isa/hex';
import { PAGE_SIZE } from '../../../emulator/isa/sv39';
import type { AskedGuest } from '../../questions/occurrence';
import type { Range } from '../../questions/spots';
import { globalName, scalarName } from '../../xv6/channel';
import {
  branchBefore,
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
  readonly name: string;
  readonly range: Range;
  readonly value: bigint;
  /** "0x2", or "&cpus[0]" for a pointer. */
  readonly shown: string;
}

/** "kmem.freelist was 0x0". */
export const variableText = ({ name, shown }: ReadVariable): string => `${name} was ${shown}`;

/** The first of the sources that is a variable of the kernel's. `isTold`: whether it is told of a pointer to another one. */
export function variableIn(
  { xv6, image }: AskedGuest,
  sources: readonly Source[],
  run: readonly Executed[],
  isTold: (pointer: bigint) => boolean = () => false,
): ReadVariable | undefined {
  for (const source of sources) {
    if (source.kind !== 'memory') continue;
    const { left, decoded } = run[source.index]!;
    const offset = decoded.instruction.access?.kind === 'load' ? BigInt(decoded.imm) : 0n;
    const name = scalarName(xv6, image.linked(BigInt.asUintN(64, left + offset)));
    const { physical: address, bytes: length, value } = source;
    // What another pointer was decides nothing that one could see.
    const target = value >= PAGE_SIZE && isTold(value) ? globalName(xv6, image.linked(value)) : undefined;
    const shown = target !== undefined ? `&${target}` : value < PAGE_SIZE ? hex(value) : undefined;
    if (name !== undefined && shown !== undefined) return { name, range: { address, length }, value, shown };
  }
  return undefined;
}

/**
 * The variable of which a function has made what it returned, such as a lock's `cpu`, or by which it decided what to return, such as
 * a lock's `locked`.
 */
export function variableBehind(
  guest: AskedGuest,
  run: readonly Executed[],
  { by, made, end }: Returned<CodeRange>,
): ReadVariable | undefined {
  const { rd } = run[made]!.decoded;
  const branch = branchBefore(run, end, by) ?? branchBefore(run, made, by);
  return (
    variableIn(guest, sourcesOfRegister(run, made + 1, rd), run, () => true) ??
    (branch === undefined ? undefined : variableIn(guest, sourcesOf(run, branch), run, () => true))
  );
}
