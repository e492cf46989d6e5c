/**
 * With copy on write, a page's count of references is the number of entries that map it, or that number less one: whichever the
 * kernel's counts are for pages that one entry maps. A count that is lower frees the page while it is in use; one that is higher
 * never frees it.
 */
import { hex } from '../../../emulator/isa/hex';
import { flagText } from '../../../emulator/isa/sv39';
import type { NamedLeaf } from './entries';
import { told, type Told } from './rule';

export interface WrongCount {
  /** Its physical address. */
  readonly page: bigint;
  /** The count in C: "references[77]". */
  readonly name: string;
  readonly count: number;
  /** What it is for another page with as many entries. */
  readonly right: number;
  /** How many entries map it, and the first of each table that has some. */
  readonly entries: number;
  readonly leaves: readonly NamedLeaf[];
  /** Who has allocated the page, and called the function that frees for it last, if that was seen. */
  readonly allocated: string | undefined;
  readonly freed: string | undefined;
}

/** Entries that are told. */
const MOST = 3;

export function referenceCountTold({ page, name, count, right, entries, leaves, allocated, freed }: WrongCount): Told {
  return told(
    `The count of the page at PA ${hex(page)} is ${count}, and ${entries === 1 ? '1 entry maps' : `${entries} entries map`} it`,
    `${name} is ${count}, and ${right} for other pages that as many entries map: ${count < right ? 'it is freed while one of them still maps it' : 'it stays allocated when none of them maps it any more'}`,
    ...leaves
      .slice(0, MOST)
      .map(({ table, vpn, flags }) => `${table} has it at ${hex(BigInt(vpn) << 12n)} (${flagText(flags)})`),
    leaves.length > MOST ? `and ${leaves.length - MOST} more` : undefined,
    allocated === undefined ? undefined : `it was allocated by ${allocated}`,
    freed === undefined ? undefined : `the function that frees was called for it last by ${freed}`,
    `$writes(${name}) tells who has changed the count`,
  );
}
