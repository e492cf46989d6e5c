/**
 * A page is given to the function that frees while it is free. Its first call alone does not say that it is: it may have counted
 * down only.
 */
import type { FrameState } from '../frames';
import { allocatedLine, pageName, told, upper, type FreedPage, type Told } from './rule';

export const isFreedTwice = (state: FrameState, isFree: () => boolean): boolean => state === 'freed' && isFree();

/** `first`: who freed it before, if that was seen. */
export const freedTwice = (page: FreedPage, first: string | undefined): Told =>
  told(
    `${upper(pageName(page))} is freed twice`,
    `${page.by} is called for it by ${page.caller}, and it is on the list of free pages already`,
    first === undefined ? 'it was free before the ledger began' : `it was freed first by ${first}`,
    allocatedLine(page),
  );
