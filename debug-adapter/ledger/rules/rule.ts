/** A rule of the ledger: each has a file with the decision and the sentences; what both rest on is here. */
import { hex } from '../../../emulator/isa/hex';
import type { EntryRule } from './entries';

export type LedgerRule =
  | 'freed-twice'
  | 'freed-foreign'
  | 'freed-root'
  | 'freed-mapped'
  | 'freed-table'
  | EntryRule
  | 'reference-count'
  | 'written-shared'
  | 'lost'
  | 'used-freed';

/** What is said where a rule is broken: a heading, and all of it in lines. */
export interface Told {
  readonly title: string;
  readonly text: string;
}

/** A page that is being freed, or was, in words. */
export interface FreedPage {
  readonly page: bigint;
  /** The function that frees: "kfree". */
  readonly by: string;
  /** "uvmunmap at vm.c:190 (pid 3)": who called it; and who had the page from the allocator, if that was seen. */
  readonly caller: string;
  readonly allocated: string | undefined;
}

export const told = (title: string, ...lines: readonly (string | undefined)[]): Told => ({
  title,
  text: [title, ...lines.filter((line) => line !== undefined)].join('\n'),
});

export const pageName = ({ page }: Pick<FreedPage, 'page'>): string => `the page at PA ${hex(page)}`;
export const upper = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** "it was allocated by uvmalloc at vm.c:231 (pid 3)". */
export const allocatedLine = ({ allocated }: Pick<FreedPage, 'allocated'>): string | undefined =>
  allocated === undefined ? undefined : `it was allocated by ${allocated}`;
