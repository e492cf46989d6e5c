/**
 * Lets a machine run on a host that has other things to do: in slices of a few milliseconds, so that whatever arrives is
 * seen to between them; paced by the wall clock while all harts wait; until it is stopped. Knows no host: its clock is given.
 */
import type { MachineApi, RunLimit, Stop } from './types';

/** Wall-clock time, and timers on the host's event loop. */
export interface HostClock {
  /** Milliseconds since some moment, monotonic. */
  now(): number;
  /** Runs `action` after the messages that have arrived: setImmediate, or a message channel. */
  soon(action: () => void): void;
  /** Runs `action` later. Returns a function that cancels it. */
  later(milliseconds: number, action: () => void): () => void;
}

/** Milliseconds of a slice. */
const SLICE = 4;
/** At least so often a waiting machine is looked at, in milliseconds. */
const LONGEST_WAIT = 1000;
/** The first wait after a start is short: a breakpoint in the loop of a hart that spins is met again when time has passed. */
const FIRST_WAIT = 1;
/** What the guest waits for at most so long, in milliseconds, is there at once: its disk, mostly. */
const SHORTEST_WAIT = 1;
/**
 * Instructions of the first run of the machine, which are the fewest of any, and the most. A guest that rewrites its own code
 * may need 20 microseconds for an instruction, and may begin with it at any time.
 */
const SMALLEST_BUDGET = 1000;
const LARGEST_BUDGET = 400_000;
/** Instructions of each run that is not paced: it comes back at the same instants every time. */
const FIXED_BUDGET = 1_000_000;
/** Ticks of mtime in a millisecond (10 MHz). */
const TICKS = 10_000;
/** Ticks by which the guest may lag behind the wall clock before it is let off. */
const LAG = 50 * TICKS;

export interface RunLoopClient {
  /** Instructions of the longest run, if it is not to be one after which a request is soon answered. */
  readonly largestBudget?: number;
  /** A hart to be stepped, or an instant to stop at, if the machine is not to run freely. */
  limit?(): Pick<RunLimit, 'hart' | 'to'>;
  /** The machine has come back from `run`, with whatever stop. May stop the loop. */
  ran(stop: Stop): void;
  /** After each slice, with the milliseconds for which the guest has nothing to do, and those that it has run. May stop the loop. */
  betweenSlices?(rest: number, ran: number): void;
  /** The machine or the client has thrown. Unless it stops the loop, that goes on. */
  failed(error: unknown): void;
}

/** Nothing but input will ever wake the guest again. */
export const isSilent = (stop: Stop): boolean => stop.kind === 'idle' && stop.until === Infinity;

export class RunLoop {
  private readonly pace: Pace;
  private isRunning = false;
  /** Counts slices that were scheduled: one that has been called off finds that it is late. */
  private turn = 0;
  private callOff: () => void = () => undefined;
  private budget: number;
  /** The last slice ended in waiting. */
  private waited = false;
  /** The machine has waited since it was started. */
  private hasWaited = false;

  /** Without `paced`, time passes at once to what is due next, and the run is the same every time. */
  constructor(
    private readonly machine: Pick<MachineApi, 'run' | 'idleUntil' | 'now'>,
    private readonly clock: HostClock,
    private readonly client: RunLoopClient,
    private readonly paced = true,
  ) {
    this.pace = new Pace(clock);
    this.budget = paced ? SMALLEST_BUDGET : FIXED_BUDGET;
  }

  get running(): boolean {
    return this.isRunning;
  }

  /** Goes on with the next turn of the host. */
  start(): void {
    this.isRunning = true;
    this.hasWaited = false;
    this.pace.restart(this.machine.now);
    this.schedule();
  }

  /** From within a run as well: the machine does not run on. */
  stop(): void {
    this.isRunning = false;
    this.turn++;
    this.callOff();
  }

  /** Something has come in: a machine that waits is looked at now. */
  wake(): void {
    if (this.isRunning) this.schedule();
  }

  private schedule(wait = 0): void {
    this.callOff();
    const turn = ++this.turn;
    const action = (): void => this.slice(turn);
    if (wait > 0) this.callOff = this.clock.later(wait, action);
    else this.clock.soon(action);
  }

  private slice(turn: number): void {
    if (turn !== this.turn) return;
    let wait = 0;
    const begun = this.clock.now();
    try {
      wait = this.runSlice(turn);
      if (turn !== this.turn) return;
      this.waited = wait > 0;
      this.client.betweenSlices?.(wait, this.clock.now() - begun);
    } catch (error) {
      this.client.failed(error);
    }
    if (turn === this.turn) this.schedule(wait);
  }

  /** Runs for the length of a slice, or until it is stopped; returns the milliseconds for which the guest has nothing to do. */
  private runSlice(turn: number): number {
    const end = this.clock.now() + SLICE;
    do {
      const before = this.clock.now();
      const stop = this.machine.run({ instructions: this.budget, ...this.client.limit?.() });
      this.client.ran(stop);
      if (turn !== this.turn) return 0;
      const wait = stop.kind === 'idle' ? this.idle(stop.until) : 0;
      if (wait > 0) return wait;
      this.waited = false;
      if (stop.kind === 'budget' && this.paced) this.adapt(this.clock.now() - before);
    } while (this.clock.now() < end);
    return 0;
  }

  /** Half a slice for one run of the machine: a request that arrives waits no longer than that and a bit. */
  private adapt(milliseconds: number): void {
    if (milliseconds < SLICE / 4) this.budget = Math.min(this.budget * 2, this.client.largestBudget ?? LARGEST_BUDGET);
    else if (milliseconds > SLICE / 2)
      this.budget = Math.max(Math.floor((this.budget * SLICE) / 2 / milliseconds), SMALLEST_BUDGET);
  }

  /** Lets virtual time pass, as far as the wall clock allows; returns the milliseconds to wait before looking again. */
  private idle(until: number): number {
    const { now } = this.machine;
    const isShort = until < Infinity && (!this.paced || until - now < SHORTEST_WAIT * TICKS);
    const allowed = isShort ? until : this.pace.allowed(now, this.waited);
    this.machine.idleUntil(Math.min(allowed, until));
    if (until <= allowed) return 0;
    const longest = this.hasWaited ? LONGEST_WAIT : FIRST_WAIT;
    this.hasWaited = true;
    return Math.min(Math.max((until - allowed) / TICKS, 1), longest);
  }
}

/**
 * Keeps a waiting guest to the wall clock: while all harts wait, virtual time passes no faster than the wall clock's.
 * A guest that computes is not held back, nor does it owe the time it has gained or lost by that.
 */
class Pace {
  private wall = 0;
  private tick = 0;

  constructor(private readonly clock: Pick<HostClock, 'now'>) {}

  /** The tick that virtual time may reach now, for a guest that waits at `tick`, and whether it waited already. */
  allowed(tick: number, waited: boolean): number {
    const wall = this.clock.now();
    const due = Math.floor(this.tick + (wall - this.wall) * TICKS);
    const kept = waited ? Math.max(due, tick) : Math.min(Math.max(due, tick), tick + LAG);
    if (kept !== due) {
      this.wall = wall;
      this.tick = kept;
    }
    return kept;
  }

  /** From now on: the guest stands at `tick`. */
  restart(tick: number): void {
    this.wall = this.clock.now();
    this.tick = tick;
  }
}
