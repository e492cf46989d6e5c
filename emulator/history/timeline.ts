/**
 * The past of a machine as a place to go to. While it runs, checkpoints are made; to go to an instant, the machine is put
 * where the latest checkpoint before it was made, and runs on from there, with the same inputs, to exactly that instant. To
 * find when something happened last, stretches of the past are run again, the latest first, and watched.
 *
 * All of this is done in short runs between which the host sees to what has arrived. `reference`: rr's checkpoints.
 */
import type { MachineApi, RunLimit, State, Stop } from '../types';
import { Checkpoints, type Kept } from './checkpoints';
import { Futures } from './futures';
import { compareInstants, type Instant, Phase } from './instant';
import { Cancelled, hasHappened, Slice, SLICE } from './journey';
import type { Companion, Found, JourneyClock, Lookback, Probe } from './journey';

export { Cancelled, type Companion, type Found, type JourneyClock, type Lookback, type Probe };

/**
 * Milliseconds of running after which a checkpoint is due, at least and at most; in between, so many times what the last one
 * took. It costs about twice that again where the guest stores to pages that are kept now.
 */
const SHORTEST_INTERVAL = 150;
const LONGEST_INTERVAL = 800;
const THRIFT = 250;
/** Instructions before the end of a stretch at which a checkpoint is made, as what is looked for is often near. */
const STRETCHES = [200, 2000, 20_000, 200_000, 2_000_000, 16_000_000];
/** Virtual time of a way after which checkpoints are made before its end; how long before, and how many of a hart's steps before. */
const FAR = 2_000_000;
const NEAR = [16_000_000, 2_000_000, 200_000, 20_000];
const NEAR_STEPS = [20_000, 200, 2];
/** So many finds in one stretch, and the later half of it is looked through first. */
const CROWDED = 200;
/** Stretches of fewer instructions are not divided. */
const SHORTEST = 2000;

export class Timeline {
  readonly futures = new Futures();
  /** Another machine of the same options can start from them too. */
  readonly checkpoints: Checkpoints;
  private latest: Instant;
  /** Milliseconds of running: in all, and at the last checkpoint; and how long that took. */
  private spent = 0;
  private kept = 0;
  private price = 0;
  /** The journey under way is to end. */
  private isCancelled = false;
  /** When what has arrived was seen to last, in milliseconds: a journey may be of many short ways. */
  private seenTo = 0;
  private readonly slice = new Slice();

  /** `memory`: bytes that the checkpoints may take. The past begins where the machine now stands. */
  constructor(
    private readonly machine: MachineApi,
    private readonly companion: Companion,
    private readonly clock: JourneyClock,
    memory: number,
  ) {
    this.checkpoints = new Checkpoints(memory);
    this.latest = machine.instant;
    this.keep();
  }

  /** The farthest that the machine has come. */
  get present(): Instant {
    this.arrived();
    return this.latest;
  }

  get isPast(): boolean {
    return compareInstants(this.machine.instant, this.latest) < 0;
  }

  /** Where the past begins. */
  get beginning(): Instant {
    return this.checkpoints.first!.machine.instant;
  }

  /** The machine has run for so many milliseconds, into the future or through its past. */
  ran(milliseconds: number): void {
    this.spent += milliseconds;
    this.arrived();
    const interval = Math.min(Math.max(SHORTEST_INTERVAL, THRIFT * this.price), LONGEST_INTERVAL);
    if (this.spent - this.kept >= interval) this.keep();
  }

  /** The machine is where nobody has been, perhaps, and be it that a debugger has written something since it stopped. */
  arrived(): void {
    const { instant } = this.machine;
    if (compareInstants(instant, this.latest) > 0) this.latest = instant;
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
  adopt(checkpoints: readonly Kept[], present: Instant): void {
    for (const kept of checkpoints) {
      this.restore(kept);
      const { instant, executed } = this.machine;
      const isSame = compareInstants(instant, kept.machine.instant) === 0 && executed === kept.executed;
      if (!isSame || compareInstants(instant, present) > 0) throw new Error('a checkpoint is not where it says');
      this.checkpoints.add(kept);
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

  /** The journey under way ends soon: its promise is rejected with `Cancelled`. */
  cancel(): void {
    this.isCancelled = true;
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
    const { time } = this.machine.instant;
    const isFar = instant.inputs === this.machine.instant.inputs && instant.time - time > FAR;
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
  async findLast<T>(before: Instant, probe: Probe<T>, since?: Instant): Promise<Found<T> | undefined> {
    for await (const { from, end, executed } of this.stretches(before)) {
      const found = await this.findIn(from, end, executed, before, probe);
      if (found !== undefined)
        return since === undefined || compareInstants(found.instant, since) > 0 ? found : undefined;
      if (since !== undefined && compareInstants(from.machine.instant, since) <= 0) return undefined;
    }
    return undefined;
  }

  /** Runs the past before an instant again, stretch by stretch. The machine stands anywhere afterwards. Throws Cancelled. */
  async lookBack(before: Instant, look: Lookback): Promise<void> {
    let last: Instant | undefined;
    for await (const { from, end } of this.stretches(before)) {
      last ??= end;
      this.restore(from);
      const isFirst = compareInstants(from.machine.instant, this.beginning) <= 0;
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
    }
  }

  /**
   * Puts the machine where a hart had so many steps (see Hart.steps): before the next instruction it began. RangeError if that
   * is after an instant, or before the beginning.
   */
  async goToStep(hart: number, steps: number, before: Instant): Promise<void> {
    this.isCancelled = false;
    const stepsOf = (): number => this.machine.harts[hart]!.steps;
    let start: Kept | undefined;
    do {
      start = this.checkpoints.before(start?.machine.instant ?? before);
      if (start === undefined) throw new RangeError('the step lies before the beginning of the past');
      this.restore(start);
    } while (stepsOf() > steps);
    const reach = (step: number): Promise<void> =>
      this.advance(before, undefined, Infinity, () => ({ id: hart, instructions: step - stepsOf() }));
    for (const left of NEAR_STEPS) {
      await reach(steps - left);
      if (this.machine.executed - start.executed > FAR) start = this.keep(true);
    }
    await reach(steps);
    if (stepsOf() !== steps) throw new RangeError('the hart has no such step');
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
  private async *stretches(before: Instant): AsyncGenerator<{ from: Kept; end: Instant; executed: number }> {
    await this.goTo(before);
    let { executed } = this.machine;
    let end = before;
    for (let start = this.checkpoints.before(end); start !== undefined; start = this.checkpoints.before(end)) {
      const starts = [start];
      if (end === before) starts.push(...(await this.divide(start, end, executed)));
      for (const from of starts.reverse()) {
        yield { from, end, executed };
        end = from.machine.instant;
        ({ executed } = from);
      }
    }
  }

  /** Checkpoints on the way to an instant, ever nearer to it. */
  private async divide(start: Kept, end: Instant, executed: number): Promise<Kept[]> {
    const made: Kept[] = [];
    this.restore(start);
    for (const length of STRETCHES.toReversed()) {
      if (executed - length <= this.machine.executed) continue;
      await this.advance(end, undefined, executed - length);
      made.push(this.keep(true));
    }
    return made;
  }

  /** The last find in a stretch, in which there may be very many. */
  private async findIn<T>(
    from: Kept,
    end: Instant,
    executed: number,
    before: Instant,
    probe: Probe<T>,
  ): Promise<Found<T> | undefined> {
    let found: Found<T> | undefined;
    let count = 0;
    this.restore(from);
    const unwatch = probe.watch();
    try {
      await this.advance(end, (stop) => {
        const { instant } = this.machine;
        if (compareInstants(instant, before) >= (probe.isDone && hasHappened(stop) ? 1 : 0)) return false;
        const value = probe.found(stop);
        if (value === undefined) return false;
        found = { instant, value };
        return ++count >= CROWDED && executed - this.machine.executed > SHORTEST;
      });
    } finally {
      unwatch();
    }
    if (compareInstants(this.machine.instant, end) >= 0) return found;
    const here = this.keep(true);
    await this.advance(end, undefined, (this.machine.executed + executed) / 2);
    const half = this.keep(true);
    return (
      (await this.findIn(half, end, executed, before, probe)) ??
      (await this.findIn(here, half.machine.instant, half.executed, before, probe)) ??
      found
    );
  }

  /**
   * Runs on to an instant, at most up to so many instructions, or those of a hart, or until `visit` says that it has seen
   * enough.
   */
  private async advance(
    to: Instant,
    visit: (stop: Stop) => boolean = () => false,
    executed = Infinity,
    stepped?: () => NonNullable<RunLimit['hart']>,
  ): Promise<void> {
    const { machine } = this;
    while (compareInstants(machine.instant, to) < 0 && machine.executed < executed) {
      const hart = stepped?.();
      if (hart !== undefined && hart.instructions <= 0) return;
      const before = this.clock.now();
      const instructions = Math.min(this.slice.instructions, Math.ceil(executed - machine.executed));
      const stop = machine.run({ instructions, to, ...(hart && { hart }) });
      if (stop.kind === 'idle') throw new Error('the machine waits for an input that the log does not have');
      const now = this.clock.now();
      this.spent += now - before;
      this.slice.took(now - before);
      if (stop.kind !== 'budget' && stop.kind !== 'step') {
        this.companion.passed(stop);
        if (visit(stop)) return;
      }
      if (now - this.seenTo < SLICE) continue;
      await new Promise<void>((resolve) => this.clock.soon(resolve));
      this.seenTo = this.clock.now();
      if (this.isCancelled) throw new Cancelled('cancelled');
    }
  }

  private restore(kept: Kept): void {
    this.arrived();
    this.machine.restore(kept.machine);
    this.companion.restore(kept.learned);
    this.spent = this.kept = kept.cost;
  }

  /** Returns a function that puts the machine back to where it stands now, at once. */
  hold(): () => void {
    const held = this.here();
    return () => this.restore(held);
  }

  private here(): Kept {
    const { machine, companion, spent } = this;
    return { machine: machine.save(), learned: companion.save(), executed: machine.executed, cost: spent };
  }

  /** `isAround`: somebody looks around here. */
  private keep(isAround = false): Kept {
    const before = this.clock.now();
    const kept = this.here();
    this.checkpoints.add(kept, isAround);
    this.price = this.clock.now() - before;
    this.kept = this.spent;
    return kept;
  }
}
