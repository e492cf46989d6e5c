/** The sections of a story, by the object that each is about, as the machine shows it at the stop; what is to be looked for in the past is with them. */
import { hex } from '../../emulator/isa/hex';
import { isPointer, pageOf, PTE, pteFlags, ptePhysical, type Walk } from '../../emulator/isa/sv39';
import { wireStep } from '../page-tables/translation';
import type { StorySection, StoryWalk } from '../protocol';
import type { GuestKernel } from '../xv6/address-spaces';
import { named, type Process } from '../xv6/processes';
import { walkOf, type FoundEntry } from './found-entries';
import { entryMeaning, entryName, type KnownTable } from './entries';
import { isAllocatable, pageContent, sentence, type Part } from './words';

/** What is looked for in the past: writes of an entry (`pte`: as it is at the stop), or the life of a page. */
export type Subject =
  | { readonly kind: 'entry'; readonly address: bigint; readonly pte: bigint }
  | {
      readonly kind: 'page';
      readonly page: bigint;
      /** Whether it matters as well who had it before it was allocated last. */
      readonly isReused: boolean;
    };

export interface Chapter {
  readonly section: StorySection;
  readonly subject?: Subject;
}

/** "maps PA 0x87f63000 (V R W - - - A D): RAM", "is 0: nothing is mapped there". */
export function entryState(guest: GuestKernel, { pte, level }: Pick<FoundEntry, 'pte' | 'level'>): string {
  const meaning = entryMeaning(pte, level);
  if (!meaning.startsWith('maps ')) return meaning;
  return `${meaning}: ${pageContent(guest, ptePhysical(pte)) ?? 'neither RAM nor a device'}`;
}

/** `isDeciding`: it is known that the entry was what made the kernel stop. */
export function entryChapter(guest: GuestKernel, entry: FoundEntry, isDeciding: boolean): Chapter {
  const { table, address, by } = entry;
  return {
    section: {
      about: 'entry',
      title: upper(entryName(entry)),
      lines: [
        sentence(`It ${entryState(guest, entry)}`),
        sentence(`It lies at PA ${hex(address)}`, by === '' ? '' : `, found by ${by}`),
      ],
      walk: drawnWalk(walkOf(guest, entry), table, isDeciding ? address : undefined),
      past: 'not asked',
    },
    subject: { kind: 'entry', address, pte: entry.pte },
  };
}

/** The page that an entry maps; undefined where it maps none. */
export const leafPage = (pte: bigint): bigint | undefined =>
  (pteFlags(pte) & PTE.V) !== 0 && !isPointer(pteFlags(pte)) ? ptePhysical(pte) : undefined;

/** Undefined of a page that the allocator does not have. */
export function pageChapter(guest: GuestKernel, physical: bigint, isReused = false): Chapter | undefined {
  if (!isAllocatable(guest, physical)) return undefined;
  const page = pageOf(physical);
  const content = pageContent(guest, page);
  return {
    section: {
      about: 'page',
      title: `The page at PA ${hex(page)}`,
      lines: content === undefined || content === 'RAM' ? [] : [sentence(`it is ${content}`)],
      past: 'not asked',
    },
    subject: { kind: 'page', page, isReused },
  };
}

export function processChapter(process: Process): Chapter {
  const { state, size, parentPid } = process;
  const facts = [
    `state ${state}`,
    ...(size === undefined ? [] : [`p->sz = ${hex(size)}`]),
    ...(parentPid === undefined ? [] : [`child of pid ${parentPid}`]),
  ];
  return {
    section: { about: 'process', title: named(process), lines: [sentence(facts.join(', '))], past: 'not asked' },
  };
}

export const upper = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

export const tablePart = ({ id, label }: KnownTable): Part => ({ text: label, target: { kind: 'table', id } });

/** `deciding`: the physical address of the entry that decides, with the bits by which it does. */
export const drawnWalk = (
  walked: Walk,
  table: KnownTable,
  deciding: bigint | undefined,
  bits?: readonly string[],
): StoryWalk => ({
  ...{ va: hex(walked.va), id: table.id, table: table.label, root: hex(walked.root) },
  steps: walked.steps.map((step) => ({
    ...wireStep(step),
    ...(step.pteAddress === deciding && { decides: [...(bits ?? decidingBits(step.pte))] }),
  })),
  ...(walked.leaf && { pa: hex(walked.leaf.pa) }),
});

/** V where the entry is not valid; else nothing in particular. */
const decidingBits = (pte: bigint | undefined): string[] =>
  pte !== undefined && !(pteFlags(pte) & PTE.V) ? ['V'] : [];
