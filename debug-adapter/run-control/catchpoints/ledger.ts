/** Catchpoints for the rules of the frame ledger. */
import type { LedgerRule } from '../../ledger/rules/rule';
import type { Filter } from '../../protocol';
import type { Overlay } from '../conditions';
import { C_EXPRESSION, type CatchFilter } from './filter';

const rule = (id: LedgerRule, label: string, description: string): CatchFilter & { readonly rule: LedgerRule } => ({
  filter: `page-${id}` satisfies Filter,
  label,
  description,
  conditionDescription: `${C_EXPRESSION} $page == 0x87f63000 ($page is the page's physical address)`,
  rule: id,
  matches: (cause) => cause.kind === 'ledger' && cause.event.rule === id,
  overlay: (cause): Overlay => (cause.kind === 'ledger' ? { page: cause.event.page } : {}),
});

export const LEDGER = [
  rule('freed-twice', 'Page Freed Twice', 'Stops where kfree is called for a page that is free already.'),
  rule(
    'freed-mapped',
    'Page Freed While Mapped',
    'Stops where kfree was called for a page that a page table still maps when the process leaves the kernel.',
  ),
  rule(
    'freed-table',
    'Page-Table Page Freed',
    'Stops where kfree was called for a page of a page table that is still in use when the process leaves the kernel.',
  ),
  rule('freed-root', 'Root in satp Freed', 'Stops where kfree is called for the page table that a hart translates by.'),
  rule(
    'freed-foreign',
    "Freed What Is Not the Allocator's",
    'Stops where kfree is called for a device, for the kernel itself, or for what is not the beginning of a page.',
  ),
  rule(
    'entry-foreign',
    'User Page Maps the Kernel or a Device',
    "Stops where a program is entered that can reach what is none of the allocator's pages, such as the kernel or a device.",
  ),
  rule(
    'entry-code',
    'User Page Writable and Executable',
    'Stops where a program is entered that has a page with both W and X, as all programs have in xv6 until 2021.',
  ),
  rule(
    'entry-superpage',
    'Misaligned Superpage',
    'Stops where a program is entered with a leaf of level 1 or 2 whose physical address is not a multiple of its size.',
  ),
  rule(
    'entry-beyond',
    'User Page Beyond p->sz',
    "Stops where a program is entered that can reach a page beyond the end of the process's memory.",
  ),
  rule(
    'entry-shared',
    'Page Shared and Writable',
    'Stops where a program is entered that shares a page with another program, and one of them may write it.',
  ),
  rule(
    'reference-count',
    'Reference Count Wrong',
    'Stops where a program is entered and the count of a page, as kernels with copy on write have one, is not that of the entries that map it.',
  ),
  rule(
    'written-shared',
    'Kernel Writes a Shared Page',
    'Stops where the kernel stores into a page that several programs have and none of them may write, as by copy on write.',
  ),
  rule(
    'lost',
    'Page Lost',
    'Stops where a program is entered and a page that some program had is in no user table any more and was not freed.',
  ),
  rule(
    'used-freed',
    'Free Page Used',
    'Stops where a page that was freed, and is free, is read or written by anybody but the allocator.',
  ),
] as const;
