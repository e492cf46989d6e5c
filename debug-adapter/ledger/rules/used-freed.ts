/** A page is on the list of free pages, and somebody other than the allocator reads or writes it: who has freed it knows more than who uses it. */
import { hex } from '../../../emulator/isa/hex';
import { allocatedLine, pageName, told, upper, type Told } from './rule';

export interface UsedPage {
  /** Its physical address. */
  readonly page: bigint;
  /** The physical address of the first byte that is used, and how. */
  readonly address: bigint;
  readonly access: 'read' | 'write';
  /** "memmove+8 at string.c:40 (pid 3)". */
  readonly by: string;
  /** Who has allocated it, and freed it, if that was seen. */
  readonly allocated: string | undefined;
  readonly freed: string | undefined;
}

/** Bytes at the beginning of a free page by which it is chained: those who count or move free pages use them. */
export const LINK = 8;

export const usedFreedTold = ({ page, address, access, by, allocated, freed }: UsedPage): Told =>
  told(
    `${upper(pageName({ page }))} is free, and is ${access === 'read' ? 'read' : 'written'}`,
    `${by} ${access === 'read' ? 'reads' : 'writes'} at PA ${hex(address)}: ${access === 'read' ? 'what lies there is nobody’s any more' : 'who gets the page next may find it changed'}`,
    freed === undefined ? undefined : `it was freed by ${freed}`,
    allocatedLine({ allocated }),
  );
