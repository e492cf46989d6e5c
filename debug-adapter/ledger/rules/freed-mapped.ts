/**
 * A page is free, and a page table still maps it. xv6 frees a page before it clears the entry, so that this is judged where the
 * process that freed it leaves the kernel, or gets the same page again, or panics.
 */
import { hex } from '../../../emulator/isa/hex';
import { flagText, pteFlags } from '../../../emulator/isa/sv39';
import type { Reference } from '../references';
import { allocatedLine, pageName, told, upper, type FreedPage, type Told } from './rule';

/** When it was judged, as the end of a sentence. */
export type Judged = 'left' | 'again' | 'panic' | 'ended';

const WHEN: Readonly<Record<Judged, string>> = {
  left: 'when the process went back to user mode',
  again: 'when the allocator gave the same page out again',
  panic: 'when the kernel panicked',
  ended: 'when the process had ended',
};

export const isFreedMapped = (reference: Reference | undefined, isFree: () => boolean): boolean =>
  reference?.kind === 'leaf' && isFree();

/** `more`: other pages that the same process has freed and that are still mapped. */
export const freedMapped = (
  page: FreedPage,
  { va, pte, address }: Reference,
  table: string,
  when: Judged,
  more = 0,
): Told =>
  told(
    `${upper(pageName(page))} is freed and stays mapped`,
    `the entry for ${hex(va)} in ${table}, at PA ${hex(address)}, still maps it (${flagText(pteFlags(pte))}) ${WHEN[when]}`,
    `${page.by} was called for it by ${page.caller}`,
    allocatedLine(page),
    more === 0 ? undefined : `the same holds for ${more} more of the pages that were freed`,
  );
