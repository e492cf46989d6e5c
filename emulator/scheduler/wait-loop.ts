/**
 * A loop in which a hart waits: found once by speculation, then known by where a quantum of it began and by the contents of all
 * words that a pass touches.
 */
import type { HartState } from '../cpu/hart';
import { REGISTER_WORDS } from '../cpu/hart-registers';
import type { SavedState } from '../history/saved-state';
import { Cell, HartOffset } from '../layout';
import type { GuestMemory } from '../mmu/guest-memory';
import { X } from '../isa/registers';
import { Mode, type State } from '../types';

const SATP = HartOffset.csrs + Cell.satp * 8;

export class WaitLoop {
  /** Where its last quantum began: registers and pc by words, mode, mstatus, satp, and the lines that hold interrupts pending. */
  readonly registers = new Int32Array(REGISTER_WORDS);
  sp = 0;
  mode = Mode.Machine;
  mstatus = 0;
  private satp = 0;
  private satpHigh = 0;
  lines = 0;
  /** The hart's count of instructions when it was last seen there. */
  steps = 0;
  /** The quantum that ended at `steps` was whole passes and changed nothing. */
  idle = false;
  /** Quanta in a row that were not whole passes, or changed something. */
  misses = 0;
  /** The words of 64 bits that a pass touches, by index in halves of 32 bits, and what both halves held at `steps`. */
  private readonly at: Int32Array;
  private readonly values: Int32Array;
  /** Their physical addresses, kept from the first save on. */
  private words: number[] | undefined;

  constructor(
    private readonly memory: GuestMemory,
    /** Words of 64 bits that a pass touches, by host address. */
    words: readonly number[],
    /** Instructions of a quantum, which is one pass or several. */
    readonly quantum: number,
    /** A pass never stores another value than there was, so the hart may spin with interrupts disabled, too. */
    readonly pure: boolean,
    /** It tries to take a lock that another hart holds. */
    readonly forLock: boolean,
  ) {
    this.at = Int32Array.from(words, (word) => word / 4);
    this.values = new Int32Array(2 * words.length);
  }

  /** A quantum begins where the hart is now, at the beginning of a pass or within one. */
  beginAt(hart: HartState): void {
    hart.registers(this.registers);
    this.sp = hart.signed(X.sp);
    this.mode = hart.mode;
    this.mstatus = hart.low(Cell.mstatus);
    this.satp = hart.half(SATP);
    this.satpHigh = hart.half(SATP + 4);
    this.lines = hart.lines;
    this.steps = hart.steps;
    this.idle = false;
    const { at, values } = this;
    const { i32 } = this.memory;
    for (let i = 0; i < at.length; i++) {
      const word = at[i]!;
      values[2 * i] = i32[word]!;
      values[2 * i + 1] = i32[word + 1]!;
    }
  }

  hasSatpOf(hart: HartState): boolean {
    return hart.half(SATP) === this.satp && hart.half(SATP + 4) === this.satpHigh;
  }

  /** Whether all words that a pass touches hold what they held when its last quantum began. */
  holds(): boolean {
    const { at, values } = this;
    const { i32 } = this.memory;
    for (let i = 0; i < at.length; i++) {
      const word = at[i]!;
      if (i32[word] !== values[2 * i] || i32[word + 1] !== values[2 * i + 1]) return false;
    }
    return true;
  }

  save(): State {
    const { sp, mode, mstatus, satp, satpHigh, lines, quantum, pure, forLock, steps, idle, misses } = this;
    // One list for all that are saved: checkpoints have it in common.
    const words = (this.words ??= Array.from(this.at, (word) => this.memory.physicalOf(word * 4)));
    const [registers, values] = [Array.from(this.registers), Array.from(this.values)];
    const loop = { quantum, pure, forLock, steps, idle, misses, words, values };
    return { registers, sp, mode, mstatus, satp, satpHigh, lines, ...loop };
  }

  /** Restores what `save` returned. Throws an Error if it is anything else. */
  static restore(memory: GuestMemory, saved: SavedState): WaitLoop {
    const words = saved.numbers('words').map((address) => memory.hostOf(address));
    if (words.some((word) => word === 0 || word % 8 !== 0))
      throw new Error('saved state of a spin-wait: it names what is no memory');
    const [quantum, pure, forLock] = [saved.number('quantum'), saved.boolean('pure'), saved.boolean('forLock')];
    const loop = new WaitLoop(memory, words, quantum, pure, forLock);
    loop.registers.set(saved.numbers('registers', REGISTER_WORDS));
    loop.values.set(saved.numbers('values', loop.values.length));
    loop.sp = saved.number('sp');
    loop.mode = saved.number('mode');
    loop.mstatus = saved.number('mstatus');
    loop.satp = saved.number('satp');
    loop.satpHigh = saved.number('satpHigh');
    loop.lines = saved.number('lines');
    loop.steps = saved.number('steps');
    loop.idle = saved.boolean('idle');
    loop.misses = saved.number('misses');
    return loop;
  }
}
