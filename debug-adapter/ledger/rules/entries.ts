/**
 * Rules for what a process's user table maps. They are judged where the process goes back to user mode, as the kernel may change a
 * table in any order until then.
 */
import { hex } from '../../../emulator/isa/hex';
import { flagText, problemOfParts, PTE } from '../../../emulator/isa/sv39';
import type { Leaf } from '../table-entries';
import type { AllocatorRange } from './freed-foreign';
import { told, type Told } from './rule';

export type EntryRule = 'entry-foreign' | 'entry-code' | 'entry-superpage' | 'entry-beyond' | 'entry-shared';

/** Page numbers. */
export interface Limits {
  readonly range: AllocatorRange;
  /** The first page beyond p->sz. */
  readonly end: number | undefined;
  /** The page that some kernels share with each program, beyond the end of its memory. */
  readonly usyscall: number;
}

/** Whether a leaf breaks a rule; `other`: the flags with which other programs have the page. Called for tens of thousands of leaves. */
export type Breaks = (
  page: number,
  vpn: number,
  level: number,
  flags: number,
  limits: Limits,
  other: number,
) => boolean;

/** Whether it allows any access: one with W and no R, and a superpage that is misaligned, are page faults for each. */
export const isUsable = (page: number, level: number, flags: number): boolean =>
  problemOfParts(level, flags, 0, page) === undefined;

export const BREAKS: Readonly<Record<EntryRule, Breaks>> = {
  'entry-superpage': (page, _, level) => level > 0 && page % 512 ** level !== 0,
  'entry-foreign': (page, _, level, flags, { range }) =>
    (flags & PTE.U) !== 0 && (page < range.start || page + 512 ** level > range.end) && isUsable(page, level, flags),
  'entry-code': (page, _, level, flags) =>
    (flags & PTE.W) !== 0 && (flags & PTE.X) !== 0 && isUsable(page, level, flags),
  'entry-beyond': (_, vpn, __, flags, { end, usyscall }) =>
    (flags & PTE.U) !== 0 && end !== undefined && vpn >= end && vpn !== usyscall,
  'entry-shared': (page, _, level, flags, __, other) =>
    (flags & PTE.U) !== 0 && (other & PTE.U) !== 0 && ((flags | other) & PTE.W) !== 0 && isUsable(page, level, flags),
};

/** A leaf in words. */
export interface NamedLeaf extends Leaf {
  /** "the table of pid 3 sh". */
  readonly table: string;
}

/** `content`: what lies at the physical address, undefined for nothing; `other`: who has the page as well. */
export function entryTold(
  rule: EntryRule,
  { page, vpn, level, flags, address, table }: NamedLeaf,
  { end = 0 }: Limits,
  content: string | undefined,
  other: NamedLeaf | undefined,
): Told {
  const place = `it is the level-${level} entry at PA ${hex(address)} (${flagText(flags)})`;
  const [va, physical] = [hexPage(vpn), hexPage(page)];
  switch (rule) {
    case 'entry-superpage':
      return told(
        `The superpage for ${va} in ${table} is misaligned`,
        `its PA is ${physical}, not a multiple of ${hexPage(512 ** level)}: each access to it is a page fault`,
        place,
      );
    case 'entry-foreign':
      return told(
        `The program can reach ${content ?? 'what is no memory'} at ${va}`,
        `the entry for it in ${table} has U, and maps PA ${physical}, which is none of the allocator's pages`,
        place,
      );
    case 'entry-code':
      return told(
        `The page for ${va} in ${table} may be written and executed`,
        'the entry has both W and X: whoever can write the page can run anything',
        place,
      );
    case 'entry-beyond':
      return told(
        `${va} in ${table} is mapped beyond the end of the process's memory`,
        `the entry has U, and p->sz ends below ${hexPage(end)}: what frees p->sz bytes leaves it`,
        place,
      );
    case 'entry-shared':
      return told(
        `The page at PA ${physical} is mapped in two user tables, and may be written`,
        `${table} has it at ${va} (${flagText(flags)})`,
        other && `${other.table} has it at ${hexPage(other.vpn)} (${flagText(other.flags)})`,
      );
  }
}

const hexPage = (page: number): string => hex(BigInt(page) << 12n);
