/** Catchpoints for changes of address translation: writes to satp and to page tables, fences. */
import type { Overlay } from '../conditions';
import { C_EXPRESSION, type CatchFilter } from './filter';

export const TRANSLATION: readonly CatchFilter[] = [
  {
    filter: 'satp-write',
    label: 'satp Write',
    description: 'Stops after an instruction that has written satp: another page table is active.',
    conditionDescription: `${C_EXPRESSION} $satp != $before ($before is the value that was overwritten)`,
    matches: ({ kind }) => kind === 'satp-write',
    overlay: (cause): Overlay =>
      cause.kind === 'satp-write' ? { before: cause.event.before, satp: cause.event.after } : {},
  },
  {
    filter: 'pte-store',
    label: 'Page-Table Store',
    description:
      "Stops after a store to a page of a page table: the kernel's, a process's, also one that no hart has loaded yet.",
    conditionDescription: `${C_EXPRESSION} $va == 0x4000 && $level == 0 ($va is the first address that the entry is for; also $before, $after, $pte, $root)`,
    // Bits that a walk sets by itself are not a store of the kernel.
    matches: (cause) => cause.kind === 'pte-store' && cause.event.by !== 'walk',
    overlay: (cause): Overlay => {
      if (cause.kind !== 'pte-store') return {};
      const { before, after, maps, level, address, root } = cause.event;
      return { before, after, va: maps, level: BigInt(level), pte: address, root };
    },
  },
  {
    filter: 'sfence',
    label: 'sfence.vma',
    description: 'Stops after an sfence.vma.',
    conditionDescription: `${C_EXPRESSION} $va == 0x4000 ($va and $asid are its operands, 0 where it has none)`,
    matches: ({ kind }) => kind === 'fence',
    overlay: (cause): Overlay =>
      cause.kind === 'fence' ? { va: cause.event.address ?? 0n, asid: cause.event.asid ?? 0n } : {},
  },
  {
    filter: 'stale-translation',
    label: 'Stale Translation',
    description:
      'With "tlb": "strict" in launch.json: stops where a hart uses a translation that the page tables no longer give, as an sfence.vma is missing, wrong or on another hart.',
    conditionDescription: `${C_EXPRESSION} $va == 0x4000 (the address used; also $pte, the entry in the TLB)`,
    default: true,
    matches: ({ kind }) => kind === 'stale-translation',
    overlay: (cause): Overlay =>
      cause.kind === 'stale-translation' ? { va: cause.event.va, pte: cause.event.used.pte } : {},
  },
];
