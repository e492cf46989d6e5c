/**
 * By which instructions harts meet: what one has done before them, others see. And where they do: a word that another hart
 * has used last is in that one's cache.
 */
import type { HartState } from '../cpu/hart';
import { type Decoded, decode, lengthOf } from '../isa/instructions/decode';
import type { GuestMemory } from '../mmu/guest-memory';
import { AccessType, type Mmu } from '../mmu/mmu';
import { HartOffset, PAGE, TRANSFER } from '../layout';
import type { Instruction } from '../isa/instructions/instruction';
import type { SavedState } from '../history/saved-state';
import type { State } from '../types';

/** Words of which it is known which hart has used them last. */
const WORDS = 64;
const MOST_DECODED = 1024;

export class Meetings {
  /** By a hash of a word's host address: that address, and the last hart that met others there. */
  private words: number[] = [];
  private harts: number[] = [];
  /** Instructions by their words, as far as they were met; null for what is none. */
  private readonly decoded = new Map<number, Decoded | null>();

  constructor(
    private readonly memory: GuestMemory,
    private readonly mmu: Mmu,
  ) {}

  reset(): void {
    this.words = new Array<number>(WORDS).fill(0);
    this.harts = new Array<number>(WORDS).fill(0);
  }

  save(): State {
    return { words: this.words.map((word) => this.memory.physicalOf(word)), harts: [...this.harts] };
  }

  /** Restores what `save` returned. Throws an Error if it is anything else. */
  restore(saved: SavedState): void {
    this.words = saved.numbers('words', WORDS).map((word) => this.memory.hostOf(word));
    this.harts = saved.numbers('harts', WORDS);
  }

  /**
   * Whether the hart, which is ahead by so many instructions, meets others by its next one: an atomic or a fence. Not sc: a turn
   * that ended between it and its lr would take the reservation away. Generated code asks before the same instructions.
   */
  isNext(hart: HartState, ahead: number): boolean {
    if (ahead < 0) return false;
    const instruction = this.next(hart)?.instruction;
    return isAtomic(instruction) || (ahead >= TRANSFER && instruction?.name === 'fence');
  }

  /** Whether the hart's next instruction is an atomic that does more than to swap, as in a lock for readers and writers. */
  isIntricate(hart: HartState): boolean {
    const instruction = this.next(hart)?.instruction;
    return isAtomic(instruction) && instruction?.access?.swaps !== true;
  }

  /** Whether the hart's next instruction is an atomic on a word that has to come from another hart's cache. */
  isElsewhere(hart: HartState): boolean {
    const next = this.next(hart);
    if (next === undefined || !isAtomic(next.instruction)) return false;
    const address = HartOffset.x + next.rs1 * 8;
    const word = this.mmu.hostAtHalves(hart, hart.half(address), hart.half(address + 4), AccessType.load, 1);
    const at = (word >>> 3) % WORDS;
    const isElsewhere = this.words[at] === word && this.harts[at] !== hart.id;
    this.words[at] = word;
    this.harts[at] = hart.id;
    return isElsewhere;
  }

  /** The hart's next instruction, fetched as it would; undefined if that faults. */
  private next(hart: HartState): Decoded | undefined {
    const low = hart.half(HartOffset.pc);
    const high = hart.half(HartOffset.pc + 4);
    const host = this.mmu.hostAtHalves(hart, low, high, AccessType.fetch, 2);
    if (host === 0) return undefined;
    let word = this.memory.view.getUint16(host, true);
    if (lengthOf(word) === 2) return undefined;
    const upper =
      (host & (PAGE - 1)) === PAGE - 2 ? this.mmu.hostAt(hart, hart.pc + 2n, AccessType.fetch, 2) : host + 2;
    if (upper === 0) return undefined;
    word |= this.memory.view.getUint16(upper, true) << 16;
    let decoded = this.decoded.get(word);
    if (decoded === undefined) {
      if (this.decoded.size === MOST_DECODED) this.decoded.clear();
      this.decoded.set(word, (decoded = decode(word) ?? null));
    }
    return decoded ?? undefined;
  }
}

function isAtomic(instruction: Instruction | undefined): boolean {
  const kind = instruction?.access?.kind;
  return kind === 'amo' || kind === 'lr';
}
