/**
 * The past of a machine as a place to go to, and to search for when something happened last. While it runs, checkpoints are
 * made; to go to an instant, the machine is put where the latest checkpoint before it was made, and runs on from there, with the
 * same inputs, to exactly that instant. To find when something happened last, stretches of the past are run again, the latest
 * first, and watched.
 * `reference`: rr's checkpoints.
 */
import type { State } from '../types';
import type { Kept } from './checkpoints';
import { Futures } from './futures';
import { compareInstants, type Instant, Phase } from './instant';
import type { RecordedCheckpoint } from './recorded-run';
import { Replay } from './journeys/replay';
import {
  CROWDED,
  FEW_STRETCHES,
  FAR,
  isRest,
  leftOf,
  NEAR,
  NEAR_STEPS,
  SHORTEST,
  STEPS,
  stepsOf,
  STRETCHES,
} from './journeys/stretches';
import type { Stretch } from './journeys/stretches';
import { Cancelled, hasHappened } from './journeys/journey';
import type { Companion, Found, JourneyClock, LastFound, Lookback, Probe } from './journeys/journey';

export { Cancelled, type Companion, type Found, type JourneyClock, type Lookback, type Probe };

/** Which stretches of the past are wanted. */
interface Wanted {
  /** See Stretch. */
  readonly hart?: number | undefined;
  /** So far back all is needed at any rate, and nothing before. */
  readonly since?: Instant | undefined;
  /** How far from its end, in instructions or steps of the hart, the latest part is cut. */
  readonly cuts?: readonly number[];
}

export class Timeline extends Replay {
  readonly futures = new Futures();

  get isPast(): boolean {
    return compareInstants(this.machine.instant, this.latest) < 0;
  }

  /** Where the past begins. */
  get beginning(): Instant {
    return this.checkpoints.first!.machine.instant;
  }

  /** From here on there is another future, in which nothing has come in yet. Returns the id of the one that is left. */
  branch(): number {
    const left = this.leave(this.machine.instant);
    this.machine.replay([]);
    return left;
  }

  /**
   * Leaves the future of now for one that was left before, where the machine then stands at an instant that both have. Returns the
   * id of the one that is left, for which that of the other is no longer valid. Throws RangeError if there is none.
   */
  enter(id: number): number {
    const future = this.futures.get(id);
    if (future === undefined) throw new RangeError('there is no such future');
    const { shared, inputs, end } = future;
    this.futures.forget(id);
    const common = this.machine.inputs.through(shared.inputs);
    const left = this.leave(shared);
    this.restore(this.checkpoints.upTo(shared)!);
    this.machine.replay([...common.slice(this.machine.instant.inputs), ...inputs]);
    this.latest = end;
    return left;
  }

  private leave(from: Instant): number {
    const id = this.futures.leave(this.machine.inputs, from, this.present);
    this.latest = from;
    this.checkpoints.dropAfter(from);
    return id;
  }

  /** What was learnt after this instant no longer holds: it is to be learnt anew. */
  forgetLater(): void {
    this.checkpoints.dropAfter(this.machine.instant);
  }

  /**
   * The run is known up to an instant, from these checkpoints, which another machine has made, and by the inputs that are to come.
   * Throws an Error, and the machine stands anywhere, if a checkpoint is not what it says.
   */
  adopt(checkpoints: readonly RecordedCheckpoint[], present: Instant): void {
    for (const kept of checkpoints) {
      this.restore(kept);
      const { instant, executed } = this.machine;
      const isSame = compareInstants(instant, kept.machine.instant) === 0 && executed === kept.executed;
      if (!isSame || compareInstants(instant, present) > 0) throw new Error('a checkpoint is not where it says');
      this.checkpoints.add({ ...kept, steps: stepsOf(this.machine) });
    }
    this.latest = present;
  }

  /** One where the machine stands, and at most so many others from which all instants are about equally far. */
  selected(most: number): Kept[] {
    const here = this.keep();
    const others = this.checkpoints.spread(most).filter(({ machine }) => machine.instant !== here.machine.instant);
    return [...others, here].sort((a, b) => compareInstants(a.machine.instant, b.machine.instant));
  }

  /** The machine has been put here by other means. */
  begin(): void {
    this.arrived();
    this.keep();
  }

  /** Puts the machine at an instant of its past, or at the present. Throws Cancelled, and stands anywhere, if it is cancelled. */
  async goTo(instant: Instant): Promise<void> {
    this.isCancelled = false;
    const from = this.checkpoints.upTo(instant);
    if (from === undefined) throw new RangeError('the instant lies before the beginning of the past');
    const isOnTheWay =
      compareInstants(this.machine.instant, instant) <= 0 &&
      compareInstants(this.machine.instant, from.machine.instant) >= 0;
    if (!isOnTheWay) this.restore(from);
    // Whoever comes from far will look around here.
    const { inputs } = instant;
    if (this.machine.instant.inputs < inputs) {
      const { executed } = this.machine;
      const { time, phase } = this.machine.inputs.through(inputs).at(-1)!;
      await this.advance({ inputs: inputs - 1, time, phase });
      if (this.machine.executed - executed > FAR) this.keep(true);
    }
    const { time } = this.machine.instant;
    const isFar = instant.time - time > FAR;
    for (const near of isFar ? NEAR : []) {
      if (instant.time - near <= time) continue;
      await this.advance({ ...instant, time: instant.time - near, phase: Phase.arrived });
      this.keep(true);
    }
    await this.advance(instant);
  }

  /**
   * Finds the last instant before another one at which the probe finds something; none that is not after `since`, if that is
   * given. The machine stands anywhere afterwards. Throws Cancelled if it is cancelled.
   */
  async findLast<T>(before: Instant, probe: Probe<T>, since?: Instant): Promise<LastFound<T> | undefined> {
    for await (const stretch of this.stretches(before, { hart: probe.hart, since })) {
      const found = await this.findIn(stretch, before, probe);
      if (found !== undefined)
        return since === undefined || compareInstants(found.instant, since) > 0 ? found : undefined;
      if (since !== undefined && compareInstants(stretch.from.machine.instant, since) <= 0) return undefined;
    }
    return undefined;
  }

  /** Runs the past before an instant again, stretch by stretch. The machine stands anywhere afterwards. Throws Cancelled. */
  async lookBack(before: Instant, look: Lookback): Promise<void> {
    let last: Instant | undefined;
    let present: number | undefined;
    const least = [...FEW_STRETCHES];
    for await (const { from, end, executed } of this.stretches(before, { cuts: FEW_STRETCHES })) {
      last ??= end;
      present ??= executed;
      const isFirst = compareInstants(from.machine.instant, this.beginning) <= 0;
      // After a reset they are counted anew: what lies before it is far.
      const length = present < from.executed ? Infinity : present - from.executed;
      if (!isFirst && length < (least.at(-1) ?? 0) / 2) continue;
      this.restore(from);
      const unwatch = look.begin(isFirst);
      if (unwatch === undefined) continue;
      try {
        await this.advance(last, (stop) => {
          if (compareInstants(this.machine.instant, before) < (hasHappened(stop) ? 1 : 0)) look.passed(stop);
          return false;
        });
      } finally {
        unwatch();
      }
      if (!look.ended(from.machine.instant, isFirst)) return;
      last = undefined;
      least.pop();
    }
  }

  /**
   * Puts the machine where a hart had so many steps (see Hart.steps): before the next instruction it began. RangeError if that
   * is after an instant, or before the beginning.
   */
  async goToStep(hart: number, steps: number, before: Instant): Promise<void> {
    this.isCancelled = false;
    const count = (): number => this.machine.harts[hart]!.steps;
    let start: Kept | undefined;
    do {
      start = this.checkpoints.before(start?.machine.instant ?? before);
      if (start === undefined) throw new RangeError('the step lies before the beginning of the past');
      this.restore(start);
    } while (count() > steps);
    const reach = (step: number): Promise<void> =>
      this.advance(before, undefined, Infinity, () => ({ id: hart, instructions: step - count() }));
    for (const left of NEAR_STEPS) {
      await reach(steps - left);
      if (this.machine.executed - start.executed > FAR) start = this.keep(true);
    }
    await reach(steps);
    if (count() !== steps) throw new RangeError('the hart has no such step');
  }

  /** Runs on to an instant, an instruction of a hart after the other. `visit` is called before each, perhaps more than once. */
  async follow(hart: number, to: Instant, visit: () => void): Promise<void> {
    this.isCancelled = false;
    await this.advance(to, undefined, Infinity, () => {
      visit();
      return { id: hart, instructions: 1 };
    });
  }

  /** Finds the first instant after another one, up to a last one. The machine stands there, or anywhere if there is none. */
  async findFirst<T>(after: Instant, last: Instant, probe: Probe<T>): Promise<Found<T> | undefined> {
    await this.goTo(after);
    const end = probe.watch();
    try {
      let found: Found<T> | undefined;
      await this.advance(last, (stop) => {
        const value = probe.found(stop);
        if (value !== undefined) found = { instant: this.machine.instant, value };
        return found !== undefined;
      });
      return found;
    } finally {
      end();
    }
  }

  /** The instant of the last checkpoint with which something was learnt that `holds`, if that holds of all before it. */
  lastWith(holds: (learned: State) => boolean): Instant {
    return (this.checkpoints.lastWith(holds) ?? this.checkpoints.first!).machine.instant;
  }

  /**
   * The past before an instant, from the latest part on: the last few instructions first, as what is looked for is often near,
   * then more and more of those before, then from checkpoint to checkpoint.
   */
  private async *stretches(
    before: Instant,
    { hart, since, cuts = hart === undefined ? STRETCHES : STEPS }: Wanted,
  ): AsyncGenerator<Stretch> {
    await this.goTo(before);
    let end = before;
    let { executed } = this.machine;
    let steps: readonly number[] = stepsOf(this.machine);
    let isNearest = true;
    for (let start = this.checkpoints.before(end); start !== undefined; start = this.checkpoints.before(end)) {
      const starts = [start];
      const whole = { from: start, end, executed, steps, hart };
      if (since !== undefined && compareInstants(start.machine.instant, since) <= 0) {
        // Whoever asks goes there if nothing is found.
        this.restore(start);
        await this.advance(since);
        starts[0] = this.keep(true);
      } else if (isNearest && !isRest(whole, before)) {
        starts.push(...(await this.divide(whole, cuts)));
        isNearest = false;
      }
      for (const from of starts.reverse()) {
        yield { from, end, executed, steps, hart };
        end = from.machine.instant;
        ({ executed, steps } = from);
      }
    }
  }

  /** Checkpoints on the way to the end of a stretch, ever nearer to it. */
  private async divide(stretch: Stretch, cuts: readonly number[]): Promise<Kept[]> {
    const made: Kept[] = [];
    this.restore(stretch.from);
    for (const left of cuts) {
      if (leftOf(stretch, this.machine) <= left) continue;
      await this.advanceIn(stretch, left);
      made.push(this.keep(true));
    }
    return made;
  }

  /** Runs on in a stretch until so much of it is left: see `leftOf`. */
  private advanceIn(stretch: Stretch, left: number): Promise<void> {
    const { end, executed, hart } = stretch;
    if (hart === undefined) return this.advance(end, undefined, executed - left);
    return this.advance(end, undefined, Infinity, () => ({
      id: hart,
      instructions: leftOf(stretch, this.machine) - left,
    }));
  }

  /** The last find in a stretch, in which there may be very many. */
  private async findIn<T>(stretch: Stretch, before: Instant, probe: Probe<T>): Promise<LastFound<T> | undefined> {
    const { from, end } = stretch;
    if (isRest(stretch, before)) return undefined;
    const finds: Found<T>[] = [];
    this.restore(from);
    const unwatch = probe.watch();
    try {
      await this.advance(end, (stop) => {
        const { instant } = this.machine;
        if (compareInstants(instant, before) >= (probe.isDone && hasHappened(stop) ? 1 : 0)) return false;
        const value = probe.found(stop);
        if (value === undefined) return false;
        finds.push({ instant, value });
        return finds.length >= CROWDED && leftOf(stretch, this.machine) > SHORTEST;
      });
    } finally {
      unwatch();
    }
    const last = finds.pop();
    const found = last && { ...last, earlier: finds };
    if (compareInstants(this.machine.instant, end) >= 0) return found;
    const here = this.keep(true);
    await this.advanceIn(stretch, Math.floor(leftOf(stretch, this.machine) / 2));
    const half = this.keep(true);
    const sooner = { ...stretch, from: here, end: half.machine.instant, executed: half.executed, steps: half.steps };
    return (
      (await this.findIn({ ...stretch, from: half }, before, probe)) ??
      (await this.findIn(sooner, before, probe)) ??
      found
    );
  }
}
