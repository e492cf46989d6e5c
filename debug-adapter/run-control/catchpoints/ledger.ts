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
] as const;
