/** A page of a page table is free, and the table is still in use: its next owner's data are entries. Judged as what is freed and mapped. */
import { hex } from '../../../emulator/isa/hex';
import type { Reference } from '../references';
import { allocatedLine, pageName, told, upper, type FreedPage, type Told } from './rule';

export const isFreedTable = (reference: Reference | undefined, isFree: () => boolean): boolean =>
  reference !== undefined && reference.kind !== 'leaf' && isFree();

export const freedTable = (page: FreedPage, { kind, va, level, address }: Reference, table: string): Told =>
  told(
    `${upper(pageName(page))} is freed and stays a page of ${table}`,
    kind === 'root'
      ? `it is the root of ${table}, which is still in use`
      : `the level-${level} entry for ${hex(va)}, at PA ${hex(address)}, still leads to it`,
    `${page.by} was called for it by ${page.caller}`,
    allocatedLine(page),
  );
