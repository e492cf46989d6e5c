/**
 * Which hart runs: the harts share one host thread. Each runs for a quantum, a number of instructions, in an order that
 * depends on nothing but their states and a seed.
 */
import type { HartState } from '../cpu/hart';
import { type SpinWaitDetector, UNTIL_ENABLED } from './spin-wait';
import { interruptible } from '../cpu/traps';
import type { SavedState } from '../history/saved-state';
import type { State } from '../types';

/** Instructions of a hart's quantum, and how many more a seed may add. */
const QUANTUM = 40_000;
const QUANTUM_VARIATION = 4096;
/**
 * Most instructions by which a quantum is extended that would end with interrupts disabled: a hart that has disabled them
 * often holds a lock, for which others would wait.
 */
const EXTENSION = 1000;

export class Scheduler {
  /** The hart that has the quantum; it keeps it while all wait. */
  hart = 0;
  /** Instructions left of the quantum. */
  left = QUANTUM;
  /** The quantum ends as soon as interrupts are enabled. */
  untilEnabled = false;
  /** Harts that were refused a quantum when the last one was granted, or none: they spin. */
  readonly refused: HartState[] = [];
  /** The hart has nothing to do with the rest of its quantum, which ends with the slice. */
  isQuantumOver = false;
  /** At its end the quantum may be extended until interrupts are enabled. */
  private extensible = true;
  /** State of the generator by which quanta vary; 0 if they do not. */
  private random = 0;

  constructor(
    private readonly harts: readonly HartState[],
    private readonly seed: number,
    private readonly spinWaits: SpinWaitDetector,
  ) {}

  reset(): void {
    this.hart = 0;
    this.untilEnabled = false;
    this.extensible = true;
    this.spinWaits.reset();
    this.random = this.seed;
    this.left = this.nextLength();
  }

  /** The hart to run: the one that has the quantum, else the next that neither waits nor spins; undefined if there is none. */
  next(): HartState | undefined {
    const holder = this.harts[this.hart]!;
    if (this.left > 0 && !holder.waiting) return holder;
    if (this.extends(holder)) return holder;
    this.refused.length = 0;
    for (let i = 1; i <= this.harts.length; i++) {
      const next = (this.hart + i) % this.harts.length;
      if (this.harts[next]!.waiting) continue;
      const granted = this.spinWaits.quantum(this.harts[next]!);
      this.harts[next]!.spinning = granted === 0;
      if (granted === 0) {
        this.refused.push(this.harts[next]!);
        continue;
      }
      // Others may now write what this hart had reserved.
      if (next !== this.hart) holder.reservation = -1;
      this.hart = next;
      this.untilEnabled = granted === UNTIL_ENABLED;
      this.extensible = granted === undefined;
      this.left = this.untilEnabled ? EXTENSION : (granted ?? this.nextLength());
      return this.harts[next];
    }
    return undefined;
  }

  /** The hart has run for so many instructions of its quantum. */
  ran(instructions: number): void {
    this.left -= instructions;
    if (!this.isQuantumOver) return;
    this.isQuantumOver = false;
    this.left = 0;
    this.extensible = false;
  }

  save(): State {
    const { hart, left, untilEnabled, extensible, random } = this;
    return { hart, left, untilEnabled, extensible, random, spinWaits: this.spinWaits.save() };
  }

  /** Restores what `save` returned. Throws an Error if it is anything else. */
  restore(saved: SavedState): void {
    const hart = saved.number('hart');
    if (this.harts[hart] === undefined) throw new Error(`saved state of the scheduler: there is no hart ${hart}`);
    this.hart = hart;
    this.left = saved.number('left');
    this.untilEnabled = saved.boolean('untilEnabled');
    this.extensible = saved.boolean('extensible');
    this.random = saved.number('random');
    this.spinWaits.restore(saved.records('spinWaits', this.harts.length));
  }

  /** Extends a quantum at its end, if its hart has disabled interrupts and another one could run. False: it is over. */
  private extends(holder: HartState): boolean {
    const others = this.harts.some((hart) => hart !== holder && !hart.waiting && !hart.spinning);
    if (holder.waiting || !others || !this.extensible || interruptible(holder)) return false;
    this.extensible = false;
    this.untilEnabled = true;
    this.left = EXTENSION;
    return true;
  }

  /** Instructions of the next quantum; they vary only if there is a seed (xorshift32). */
  private nextLength(): number {
    if (this.random === 0) return QUANTUM;
    this.random ^= this.random << 13;
    this.random ^= this.random >>> 17;
    this.random ^= this.random << 5;
    return QUANTUM + ((this.random >>> 0) % QUANTUM_VARIATION);
  }
}
