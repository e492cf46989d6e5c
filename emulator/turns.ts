/**
 * Whose turn it is: harts share one host thread, and each runs for a turn of so many instructions, in an order that depends
 * on nothing but their states and a seed.
 */
import type { HartState } from './cpu/hart';
import type { SavedState } from './devices/state';
import type { State } from './types';

/** Instructions of a hart's turn, and how many more a seed may add. */
const TURN = 40_000;
const TURN_VARIATION = 4096;
/** Instructions of a turn for a hart that only waits for another one. */
const SPIN_TURN = 64;

export class Turns {
  /** The hart whose turn it is; it is kept while all wait. */
  hart = 0;
  /** Instructions left of the turn. */
  left = TURN;
  /** State of the generator by which turns vary; 0 if they do not. */
  private random = 0;

  constructor(
    private readonly harts: readonly HartState[],
    private readonly seed: number,
    /** Whether a hart does nothing but wait for others to write. */
    private readonly spins: (hart: HartState) => boolean,
  ) {}

  reset(): void {
    this.hart = 0;
    this.random = this.seed;
    this.left = this.length();
  }

  /** The hart to run: the one whose turn it is, else the next that does not wait. */
  next(): HartState | undefined {
    const holder = this.harts[this.hart];
    if (this.left > 0 && !holder.waiting) return holder;
    for (let i = 1; i <= this.harts.length; i++) {
      const next = (this.hart + i) % this.harts.length;
      if (this.harts[next].waiting) continue;
      // Others may now write what this hart had reserved.
      if (next !== this.hart) holder.reservation = -1;
      this.hart = next;
      const length = this.length();
      this.left = this.harts.length > 1 && this.spins(this.harts[next]) ? SPIN_TURN : length;
      return this.harts[next];
    }
    return undefined;
  }

  save(): State {
    const { hart, left, random } = this;
    return { hart, left, random };
  }

  /** Takes back what `save` gave. Throws an Error if it is no such thing. */
  restore(saved: SavedState): void {
    const hart = saved.number('hart');
    if (this.harts[hart] === undefined) throw new Error(`saved state of the turns: there is no hart ${hart}`);
    this.hart = hart;
    this.left = saved.number('left');
    this.random = saved.number('random');
  }

  /** Turn lengths differ only if there is a seed (xorshift32). */
  private length(): number {
    if (this.random === 0) return TURN;
    this.random ^= this.random << 13;
    this.random ^= this.random >>> 17;
    this.random ^= this.random << 5;
    return TURN + ((this.random >>> 0) % TURN_VARIATION);
  }
}
