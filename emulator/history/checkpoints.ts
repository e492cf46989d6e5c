/**
 * The checkpoints of a run, by their instants: from each of them the machine can be run on to any later instant. They have a
 * budget of memory, and of number. When it is used up, one goes whose loss makes the way to some instant longer by the least, and for
 * instants long past a longer way counts less; so any instant stays within reach, and what is near is near.
 */
import type { State } from '../types';
import { type Held, HeldMemory } from './held-memory';
import { compareInstants, type Instant } from './instant';

/** A moment of a run: the machine, and what others have learnt by watching it. */
export interface Kept extends Held {
  /** Instructions executed since power on. */
  readonly executed: number;
  /** Milliseconds of running it took to come here, from power on. */
  readonly cost: number;
  /** Of each hart: see Hart.steps. */
  readonly steps: readonly number[];
}

/** Milliseconds of running: what is nearer to the present is all kept alike. */
const RECENT = 5000;
/** What lies farther back than this is looked for seldom: the way to it may be as many times longer as it is farther away. */
const LATELY = 600_000;
/** So many are near enough to each other, however little memory they take. */
const MOST = 2000;
/** The last that were made where somebody looks around: they lie so near to each other that they would be the first to go. */
const MOST_AROUND = 24;

export class Checkpoints {
  private readonly entries: Kept[] = [];
  private readonly held = new HeldMemory();
  /** Those that stay for now, the last one last. */
  private readonly around = new Set<Kept>();

  /** `budget`: bytes. At least the first checkpoint and the last few are kept. */
  constructor(private readonly budget: number) {}

  get length(): number {
    return this.entries.length;
  }

  /** About how much memory they take. */
  get bytes(): number {
    return this.held.bytes;
  }

  get first(): Kept | undefined {
    return this.entries[0];
  }

  /** The latest at an instant or before it. */
  upTo(instant: Instant): Kept | undefined {
    return this.entries[this.indexAfter(instant) - 1];
  }

  /** The latest before an instant. */
  before(instant: Instant): Kept | undefined {
    const index = this.indexAfter(instant) - 1;
    const entry = this.entries[index];
    const isThere = entry !== undefined && compareInstants(entry.machine.instant, instant) === 0;
    return this.entries[isThere ? index - 1 : index];
  }

  /** Those after an instant, up to another one. */
  between(after: Instant, last: Instant): readonly Kept[] {
    return this.entries.slice(this.indexAfter(after), this.indexAfter(last));
  }

  /** The last with which something was learnt that `holds`, if that holds of all before it. */
  lastWith(holds: (learned: State) => boolean): Kept | undefined {
    return this.entries[this.countWhile(({ learned }) => holds(learned)) - 1];
  }

  /** At most so many of those after the first, about equally far from each other. */
  spread(most: number): Kept[] {
    const cost = this.entries.at(-1)?.cost ?? 0;
    const indices = Array.from({ length: most }, (_, index) => {
      const wanted = ((index + 1) * cost) / most;
      return this.countWhile((entry) => entry.cost <= wanted) - 1;
    });
    return [...new Set(indices)].filter((index) => index > 0).map((index) => this.entries[index]!);
  }

  /** Adds one, unless there is one at its instant. `isAround`: it stays until so many others were added where one looked around. */
  add(kept: Kept, isAround = false): void {
    const index = this.indexAfter(kept.machine.instant);
    const before = this.entries[index - 1];
    if (before !== undefined && compareInstants(before.machine.instant, kept.machine.instant) === 0) return;
    this.entries.splice(index, 0, kept);
    this.held.hold(kept);
    if (isAround) this.around.add(kept);
    if (this.around.size > MOST_AROUND) this.around.delete(this.around.values().next().value!);
    while ((this.bytes > this.budget && this.length > 3) || this.length > MOST) this.remove(this.dispensable());
  }

  /** Forgets those after an instant. */
  dropAfter(instant: Instant): void {
    for (let index = this.entries.length - 1; index >= this.indexAfter(instant); index--) this.remove(index);
  }

  /** The number of those at an instant or before it. */
  private indexAfter(instant: Instant): number {
    return this.countWhile(({ machine }) => compareInstants(machine.instant, instant) <= 0);
  }

  /** The number of those at the beginning for which something holds, if it holds for no other. */
  private countWhile(holds: (entry: Kept) => boolean): number {
    let [low, high] = [0, this.entries.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (holds(this.entries[middle]!)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private remove(index: number): void {
    const [gone] = this.entries.splice(index, 1);
    this.held.release(gone!);
    this.around.delete(gone!);
  }

  /** Neither the first nor the last; one that stays for now only if there is no other, the one that was made first. */
  private dispensable(): number {
    const present = this.entries.at(-1)!.cost;
    let [least, found] = [Infinity, 0];
    for (let index = 1; index < this.entries.length - 1; index++) {
      if (this.around.has(this.entries[index]!)) continue;
      const after = this.entries[index + 1]!.cost;
      const loss = (after - this.entries[index - 1]!.cost) / wayAllowed(present - after);
      if (loss < least) [least, found] = [loss, index];
    }
    if (found > 0) return found;
    const made = [...this.around].map((kept) => this.entries.indexOf(kept));
    return made.find((index) => index > 0 && index < this.entries.length - 1) ?? 1;
  }
}

/** How long the way to an instant may be, by how long ago it is, both in milliseconds of running: relative to each other. */
const wayAllowed = (ago: number): number => Math.cbrt(ago + RECENT) * Math.max(1, ago / LATELY);
