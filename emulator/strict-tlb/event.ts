/**
 * What the strict TLB is told to play, and what it reports. RISC-V privileged specification 1.12, sections 4.2.1
 * (SFENCE.VMA) and 4.3.2 (the walk, and what its reads may return).
 */

/**
 * What the specification leaves to a hart, and the strict TLB plays only if it is told to:
 *
 *   invalid    it caches that an entry is not valid, too: mapping a page then needs a fence
 *   non-leaf   it caches pointers to lower tables, and walks on in what the table's page holds by then
 *   evict      it loses some translations early, by a seed: nobody may rely on one that is not in the table any more
 *   fault      it sets neither A nor D, but raises a page fault where one of them is missing (Svade)
 */
export type TlbCard = 'invalid' | 'non-leaf' | 'evict' | 'fault';

/** In the order of their bits in a seed. */
export const TLB_CARDS: readonly TlbCard[] = ['invalid', 'non-leaf', 'evict', 'fault'];

export interface StrictTlbOptions {
  readonly cards: readonly TlbCard[];
  /** Which translations are evicted. */
  readonly seed: number;
}

/** The options that a seed stands for: bit n is TLB_CARDS[n]; what is above decides only on what is evicted. */
export const tlbOfSeed = (seed: number): StrictTlbOptions => ({
  cards: TLB_CARDS.filter((_, bit) => (Math.floor(seed / 2 ** bit) & 1) !== 0),
  seed,
});

/** Why a translation that was right is so no more: a store to a table, or a write to satp by which the table was left. */
export interface UnfencedChange {
  by: 'store' | 'satp';
  /** The hart and its instruction; absent if a device wrote. */
  hart?: number;
  pc?: bigint;
  /** Virtual time in instructions, see MachineApi.time. */
  time: number;
}

/** The last fence that came after the change, and did not remove the translation. */
export interface FenceInVain {
  hart: number;
  pc: bigint;
  time: number;
  address?: bigint;
  asid?: bigint;
  /** Which of its operands was wrong; or another hart executed it, which would have removed it there. */
  because: 'address' | 'asid' | 'hart';
}

/** An entry of a page table, and where an access through it leads; no `physical`: to a page fault. */
export interface TranslationUsed {
  pte: bigint;
  /** Physical address of the entry, and its level. */
  address: bigint;
  level: number;
  physical?: bigint;
}

/** A hart has used a translation from its TLB that a walk of the tables as they are does not give. */
export interface StaleTranslationEvent {
  hart: number;
  pc: bigint;
  va: bigint;
  access: 'load' | 'store' | 'fetch';
  /** The address space that the translation is of. */
  asid: number;
  root: bigint;
  used: TranslationUsed;
  /** What a walk finds now; no entry: the address is not mapped at any level. */
  now?: TranslationUsed;
  /** Absent with the card "fault", where nothing is stale. */
  change?: UnfencedChange;
  fence?: FenceInVain;
  /** The card without which the hart would not have done this. */
  card?: TlbCard;
}

/** How often a fence was executed, by its address, and for what. */
export interface FenceCount {
  pc: bigint;
  executed: number;
  /** It removed translations that differ from the tables, or may: of a table that was left, or of changed entries. */
  needed: number;
  /** Nothing but entries that became valid lay before it: needed where a hart caches invalid entries. */
  forNew: number;
}
