/**
 * The past of a run under the debugger: goes to any instant, and runs backwards, which is to find the last place before now
 * at which a run would have stopped, and to go there. Machine, disk, console and all that was learnt by watching go back
 * together. Nothing here changes the past: what comes in there begins another future, and only once `branch` is called.
 */
import { compareInstants, instantName, millisecondsOf, type Instant } from '../../../emulator/history/instant';
import type { RecordedRun } from '../../../emulator/history/recorded-run';
import { Cancelled, Timeline, type JourneyClock, type Probe } from '../../../emulator/history/timeline';
import type { MachineApi, Stop } from '../../../emulator/types';
import type { CountedRun } from '../hits';
import type { Arrived } from './backward';
import { Bookmarks, type Bookmark } from './bookmarks';
import { type Learner, withGuestPart } from '../run-state';
import { StopLog } from './stop-log';
import type { StopPolicy } from '../stop-policy';
import type { Decision, StopReport } from '../stops';

export interface PastParts {
  readonly machine: MachineApi;
  readonly learned: Learner;
  readonly policy: StopPolicy;
  readonly clock: JourneyClock;
  /** Bytes that checkpoints may take. */
  readonly memory: number;
}

export interface PastListener {
  /** The machine leaves for a journey: what it does on the way is known already. */
  departs(): void;
  /** It has arrived, and stands; `isBack`: where it stood before. */
  arrives(isBack: boolean): void;
  stopped(report: StopReport): void;
  /** What comes after this instant, or one before it, is another future. */
  branched(): void;
  /** Something was thrown. Returns the words for the user. */
  failed(error: unknown): string;
  /** On its way the machine boots again. */
  reset(): void;
}

/** Ways to step back: to the line before, into what it called, out to the call, to the instruction before. */
export type BackwardStep = 'line' | 'into' | 'out' | 'instruction';

/** A place to go to, with what is said there. */
export interface Destination {
  readonly instant: Instant;
  readonly report: StopReport;
}

export class Past implements CountedRun {
  readonly timeline: Timeline;
  readonly stops = new StopLog();
  readonly bookmarks = new Bookmarks();
  private readonly machine: MachineApi;
  private readonly learned: Learner;
  /** Of the stop that the machine has just passed by. */
  private passing: StopReport | undefined;
  private isTravelling = false;
  /** The future that the journey under way has left. */
  private left: number | undefined;
  private isOver = false;
  /** Where steps began, by where they ended and how one goes back from there. */
  private readonly steps = new Map<string, Arrived>();
  private step: { back: readonly BackwardStep[]; from: Arrived } | undefined;

  constructor(
    { machine, learned, policy, clock, memory }: PastParts,
    private readonly listener: PastListener,
  ) {
    this.machine = machine;
    this.learned = learned;
    const companion = {
      save: () => learned.save(),
      restore: (state: ReturnType<Learner['save']>) => learned.restore(state),
      passed: (stop: Stop) => {
        if (stop.kind === 'reset') listener.reset();
        const decision = decide(machine, policy, stop);
        decision?.record();
        this.passing = decision?.report;
      },
    };
    this.timeline = new Timeline(machine, companion, clock, memory);
  }

  get instant(): Instant {
    return this.machine.instant;
  }

  countsFromHere(): void {
    this.timeline.forgetLater();
  }

  get isPast(): boolean {
    return this.timeline.isPast;
  }

  /** A journey is under way. */
  get travelling(): boolean {
    return this.isTravelling;
  }

  /** Milliseconds of virtual time since power on. */
  get milliseconds(): number {
    return millisecondsOf(this.machine.instant);
  }

  /** Milliseconds of virtual time by which the machine stands before the present. */
  get lag(): number {
    return Math.max(0, millisecondsOf(this.timeline.present) - this.milliseconds);
  }

  /** The machine has run for so many milliseconds. */
  ran(milliseconds: number): void {
    this.timeline.ran(milliseconds);
  }

  /** The machine stands. */
  stands(): void {
    this.timeline.arrived();
  }

  /** From here on there is another future. The one that is left stays among the bookmarks. */
  branch(): void {
    const { timeline } = this;
    if (this.isPast) {
      const [from, end] = [this.instant, timeline.present];
      this.bookmarks.leave(timeline.branch(), from, end);
    }
    this.stops.forgetAfter(this.machine.instant);
    this.steps.clear();
    this.listener.branched();
  }

  /** Goes to a bookmark, into another future if it lies there. */
  visit(hart: number, { name, instant, future }: Bookmark): void {
    this.travel(hart, () => {
      if (future !== undefined) this.enter(future);
      return Promise.resolve({ instant, report: { hart, reason: 'goto', description: `Paused at ${name}` } });
    });
  }

  /** Forgets a bookmark, and with the last one in a future the future. */
  forget({ id, future }: Bookmark): void {
    this.bookmarks.remove(id);
    if (future !== undefined && !this.bookmarks.has(future)) this.timeline.futures.forget(future);
  }

  private enter(future: number): void {
    const { timeline, bookmarks } = this;
    const end = timeline.present;
    const { shared } = timeline.futures.get(future)!;
    this.left = timeline.enter(future);
    bookmarks.leave(this.left, shared, end);
    bookmarks.enter(future);
    this.stops.forgetAfter(shared);
    this.steps.clear();
    this.listener.branched();
  }

  /**
   * Puts a machine at power on to where another one was, of whose run it has a recording; up to the recorded end is the past. What is
   * set by the user is not in it, and counts from here on. Throws an Error if the recording is damaged.
   */
  async resume({ inputs, checkpoints, end, at, futures, bookmarks }: RecordedRun): Promise<void> {
    const { machine, listener, timeline } = this;
    const own = this.learned.save();
    machine.replay(inputs);
    listener.departs();
    this.isTravelling = true;
    timeline.adopt(
      checkpoints.map((kept) => ({ ...kept, learned: withGuestPart(own, kept.learned) })),
      end,
    );
    const ids = futures.map((future) => timeline.futures.add(future));
    for (const { name, instant, future, isEnd } of bookmarks)
      this.bookmarks.add({ name, instant, isEnd, future: future === undefined ? undefined : ids[future] });
    await timeline.goTo(at);
    this.isTravelling = false;
    listener.arrives(false);
  }

  /** The session is over. */
  end(): void {
    this.isOver = true;
    this.timeline.cancel();
  }

  /** The user is told of a stop where the machine stands. */
  show(report: StopReport): void {
    this.listener.stopped(report);
  }

  /** The journey under way ends, and the machine goes back to where it was. */
  cancel(): void {
    if (this.isTravelling) this.timeline.cancel();
  }

  /** Goes to where `find` says, then tells of the stop there. If it is cancelled, goes back. */
  travel(hart: number, find: (past: Past) => Promise<Destination>): void {
    void this.journey(hart, find);
  }

  /**
   * Looks around in the past, and comes back to where the machine stands, with all that was learnt. Throws Cancelled if the
   * session ends; `find` sees to it if only the journey is cancelled.
   */
  async inquire<T>(find: (timeline: Timeline) => Promise<T>): Promise<T> {
    const comeBack = this.timeline.hold();
    this.isTravelling = true;
    this.listener.departs();
    try {
      return await find(this.timeline);
    } finally {
      if (!this.isOver) comeBack();
      this.isTravelling = false;
      if (!this.isOver) this.listener.arrives(true);
    }
  }

  /** The last place before `before`, and after `since`, at which a run would have stopped for the user. */
  async lastStop(before: Instant, since?: Instant): Promise<Destination | undefined> {
    const probe: Probe<StopReport> = { watch: () => () => undefined, found: () => this.passing };
    const found = await this.timeline.findLast(before, probe, since);
    return found && { instant: found.instant, report: found.value };
  }

  /** A step begins here, on a hart; these steps back undo it. The thread may be on another hart when it ends. */
  stepBegins(hart: number, back: readonly BackwardStep[]): void {
    this.step = { back, from: { instant: this.machine.instant, hart } };
  }

  /** The step has come to its end here, on this hart. */
  stepped(hart: number): void {
    const { instant } = this.machine;
    // A hart that spins is shown in its loop, where no time passes.
    if (this.step === undefined || compareInstants(this.step.from.instant, instant) === 0) return;
    for (const one of this.step.back) this.steps.set(nameOf(one, { instant, hart }), this.step.from);
  }

  /** Where a step began that has ended here, and that this step back undoes. */
  undone(back: BackwardStep, end: Arrived): Arrived | undefined {
    return this.steps.get(nameOf(back, end));
  }

  private async journey(hart: number, find: (past: Past) => Promise<Destination>): Promise<void> {
    const comeBack = this.timeline.hold();
    this.isTravelling = true;
    this.left = undefined;
    this.listener.departs();
    let report: StopReport;
    try {
      report = await this.arrive(await find(this));
    } catch (error) {
      if (this.isOver) return;
      report = this.goBack(comeBack, hart, error);
    }
    this.isTravelling = false;
    if (this.isOver) return;
    this.listener.arrives(false);
    this.listener.stopped(report);
  }

  private async arrive({ instant, report }: Destination): Promise<StopReport> {
    await this.timeline.goTo(instant);
    return report;
  }

  private goBack(comeBack: () => void, hart: number, error: unknown): StopReport {
    const text = error instanceof Cancelled ? undefined : this.listener.failed(error);
    try {
      if (this.left !== undefined) this.enter(this.left);
      comeBack();
    } catch (other) {
      const lost = `The run cannot be brought back to where it was: ${this.listener.failed(other)}`;
      return { hart, reason: 'exception', description: lost, text: lost };
    }
    return { hart, reason: 'pause', ...(text !== undefined && { description: text, text }) };
  }
}

/** What the policy decides at a stop; undefined where it has nothing to decide. */
function decide(machine: MachineApi, policy: StopPolicy, stop: Stop): Decision | undefined {
  switch (stop.kind) {
    case 'breakpoint':
      return policy.decideAt(machine.harts[stop.hart]!);
    case 'budget':
    case 'idle':
    case 'step':
    case 'poweroff':
    case 'reset':
      return undefined;
    default:
      return policy.decide(stop);
  }
}

const nameOf = (back: BackwardStep, { instant, hart }: Arrived): string => `${back} ${instantName(instant)} ${hart}`;
