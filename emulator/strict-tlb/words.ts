/** A use of a stale translation, in words: who used what, what it should have been, since when, and which fence is missing. */
import { hex } from '../isa/hex';
import { flagText, PTE, pteFlags } from '../isa/sv39';
import type { MachineApi, Subscription } from '../types';
import type { FenceInVain, StaleTranslationEvent, TranslationUsed, UnfencedChange } from './event';

/** What names places and tables, and says what time it is (MachineApi.time). */
export interface StaleNames {
  /** "uvmunmap+80 at vm.c:190", of an instruction of the kernel. */
  place(hart: number, pc: bigint): string;
  /** "the table of pid 3 (sh)". */
  table(root: bigint): string;
  time: number;
}

const VERBS = { load: 'loads from', store: 'stores to', fetch: 'fetches from' } as const;
const NOUNS = { load: 'load', store: 'store', fetch: 'instruction' } as const;
const INSTRUCTIONS_PER_MICROSECOND = 100;

/** One statement a line; the first is a heading. */
export function describeStale(event: StaleTranslationEvent, names: StaleNames): string[] {
  if (event.card === 'fault') return describeFault(event);
  const { hart, va, access, used, now, change, fence } = event;
  const isInvalid = (pteFlags(used.pte) & PTE.V) === 0;
  const lines = [
    `Stale translation: hart ${hart} ${VERBS[access]} ${hex(va)} → ${outcome(used, access)}, by its TLB`,
    `The page tables now say: ${now === undefined ? 'nothing that is memory' : outcome(now, access)}`,
  ];
  if (now !== undefined && now.physical === used.physical && used.physical !== undefined)
    lines.push('The page is the same, but the walk would have set A or D in the entry, and the TLB does not');
  if (change?.by === 'satp') {
    lines.push(
      `The TLB's entry is of ${names.table(event.root)}, which satp named until ${when(change, names, ' wrote it')}, ` +
        `with no sfence.vma after it that removes it; both tables have ASID ${event.asid}`,
    );
  } else if (change !== undefined) {
    const what =
      used.address === now?.address ? 'That entry' : `An entry that led there, in ${names.table(event.root)},`;
    lines.push(
      `${what} was changed by ${when(change, names)}, with no sfence.vma on hart ${hart} after it that removes it`,
    );
  }
  if (fence !== undefined) lines.push(inVain(event, fence, names));
  if (isInvalid) {
    lines.push(
      'The card "invalid": the specification lets a hart cache that an entry is not valid, so mapping needs a fence, too',
    );
  } else if (event.card === 'non-leaf') {
    lines.push('The card "non-leaf": the hart has kept a pointer to a table, and walked on in what its page holds now');
  }
  return lines;
}

/** Tells each stale use that a machine reports, by addresses alone. */
export const tellStale = (
  machine: Pick<MachineApi, 'subscribe' | 'time'>,
  tell: (text: string) => void,
): Subscription =>
  machine.subscribe({
    staleTranslation: (event) => {
      const names = {
        place: (_: number, pc: bigint) => `the code at ${hex(pc)}`,
        table: (root: bigint) => `the table at ${hex(root)}`,
      };
      const [title, ...rest] = describeStale(event, { ...names, time: machine.time });
      tell([`${title!}; pc ${hex(event.pc)}`, ...rest].join('\n  '));
      return false;
    },
  });

/** "PA 0x87f6b000 (V R W - U - A D)", "a load page fault (entry 0x0)". */
function outcome({ pte, physical }: TranslationUsed, access: StaleTranslationEvent['access']): string {
  if (physical !== undefined) return `PA ${hex(physical)} (${flagText(pteFlags(pte))})`;
  const entry = (pteFlags(pte) & PTE.V) === 0 ? `V=0, entry ${hex(pte)}` : flagText(pteFlags(pte));
  return `a ${NOUNS[access]} page fault (${entry})`;
}

/** "hart 1 in uvmunmap+80 at vm.c:190, 1.2 ms before"; with a verb after the hart. */
function when({ hart, pc, time }: UnfencedChange, names: StaleNames, verb = ''): string {
  const who =
    hart === undefined || pc === undefined ? 'a device (DMA)' : `hart ${hart}${verb} in ${names.place(hart, pc)}`;
  return `${who}, ${sinceText(names.time - time)}`;
}

function inVain(event: StaleTranslationEvent, fence: FenceInVain, names: StaleNames): string {
  const at = `the sfence.vma in ${names.place(fence.hart, fence.pc)}`;
  if (fence.because === 'hart')
    return `Hart ${fence.hart} executed ${at}: that fences hart ${fence.hart} alone, and nothing for hart ${event.hart}`;
  if (fence.because === 'asid')
    return `Hart ${fence.hart} executed ${at}, but for ASID ${fence.asid}, which does not remove it`;
  const address = fence.address === undefined ? 'all addresses' : `the address ${hex(fence.address)}`;
  return `Hart ${fence.hart} executed ${at}, but for ${address}, which does not remove it`;
}

function describeFault({ hart, va, access, used }: StaleTranslationEvent): string[] {
  const missing = (pteFlags(used.pte) & PTE.A) === 0 ? 'A' : 'D';
  return [
    `Hart ${hart} ${VERBS[access]} ${hex(va)} and raises a page fault: ${missing}=0 in the entry (${flagText(pteFlags(used.pte))})`,
    'The card "fault": the hart sets neither A nor D (Svade), as some hardware; the kernel must set them when it maps',
  ];
}

/** How long ago in virtual time: "1.2 ms before". */
export const sinceText = (instructions: number): string => `${duration(instructions)} before`;

/** "12 instructions", "3.4 µs", "1.2 ms", "5 s". */
function duration(instructions: number): string {
  if (instructions < INSTRUCTIONS_PER_MICROSECOND)
    return instructions === 1 ? '1 instruction' : `${instructions} instructions`;
  const units = [
    ['µs', INSTRUCTIONS_PER_MICROSECOND],
    ['ms', INSTRUCTIONS_PER_MICROSECOND * 1e3],
    ['s', INSTRUCTIONS_PER_MICROSECOND * 1e6],
  ] as const;
  const [name, length] = units.findLast(([, one]) => instructions >= one) ?? units[0];
  return `${(instructions / length).toFixed(1)} ${name}`;
}
