/** What stands out in the last instructions of a hart: entries of page tables and variables of the kernel's that it has read. */
import { hex } from '../../../emulator/isa/hex';
import { PAGE_SIZE } from '../../../emulator/isa/sv39';
import type { AskedGuest } from '../../questions/occurrence';
import { globalName } from '../../xv6/channel';
import { returnBefore, type CodeRange, type Source } from '../cause';
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

/** A variable of the kernel's that decided: "kmem.freelist was 0x0". */
export function variableIn(
  { xv6, image }: AskedGuest,
  sources: readonly Source[],
  run: readonly Executed[],
): string | undefined {
  for (const source of sources) {
    if (source.kind !== 'memory') continue;
    const { left, decoded } = run[source.index]!;
    const offset = decoded.instruction.access?.kind === 'load' ? BigInt(decoded.imm) : 0n;
    const name = globalName(xv6, image.linked(BigInt.asUintN(64, left + offset)));
    // What a pointer was decides nothing that one could see.
    if (name !== undefined && source.value < PAGE_SIZE) return `${name} was ${hex(source.value)}`;
  }
  return undefined;
}
