/**
 * A page that a program had, or that was part of its table, is in no user table any more, and is not free: nobody will free it, as
 * the kernel finds pages of programs by their tables alone.
 */
import { hex } from '../../../emulator/isa/hex';
import { told, type Told } from './rule';

export interface LostPage {
  /** Its physical address. */
  readonly page: bigint;
  /** Whether it was a page of a table, not of a program. */
  readonly isTable: boolean;
  /** Who has allocated it, and called the function that frees for it last, if that was seen. */
  readonly allocated: string | undefined;
  readonly freed: string | undefined;
  /** Its count of references in C, and the count, if the kernel has such: "references[77]". */
  readonly count: { readonly name: string; readonly value: number } | undefined;
  /** Other pages that are lost since the same time. */
  readonly more: number;
}

export const lostTold = ({ page, isTable, allocated, freed, count, more }: LostPage): Told =>
  told(
    `The page at PA ${hex(page)} is lost: no program has it any more, and it is not free`,
    isTable
      ? 'it was a page of a user table that is gone, or leads to it no more'
      : 'the last entry of a user table that mapped it is gone',
    allocated === undefined ? undefined : `it was allocated by ${allocated}`,
    freed === undefined ? undefined : `the function that frees was called for it last by ${freed}, and did not free it`,
    count === undefined
      ? undefined
      : `its count, ${count.name}, is ${count.value}: $writes(${count.name}) tells who has changed it`,
    more === 0 ? undefined : `${more} more ${more === 1 ? 'page is' : 'pages are'} lost since then`,
    '$leaks() tells of all pages that are lost, and who allocated them',
  );
