/**
 * Wall-clock time, and timers on the host's event loop. Injected, so that the debugger runs in Node, in a worker, and in
 * tests with a fake clock.
 */
export interface HostClock {
  /** Milliseconds since some moment, monotonic. */
  now(): number;
  /** Seconds since 1970. */
  unixTime(): number;
  /** Runs `action` after the messages that have arrived: setImmediate, or a message channel. */
  soon(action: () => void): void;
  /** Runs `action` later. Returns a function that cancels it. */
  later(milliseconds: number, action: () => void): () => void;
}

/** Ticks of mtime in a millisecond (10 MHz). */
const TICKS = 10_000;
/** Ticks by which the guest may lag behind the wall clock; it need not catch up more. */
const LAG = 50 * TICKS;

/**
 * Keeps a waiting guest to the wall clock: while all harts wait, virtual time passes no faster than the wall clock's.
 * A guest that computes is not held back, nor does it owe the time it has gained or lost by that.
 */
export class Pace {
  private wall = 0;
  private tick = 0;

  constructor(private readonly clock: HostClock) {}

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

  /** Milliseconds from one tick to another. */
  milliseconds(from: number, to: number): number {
    return (to - from) / TICKS;
  }

  /** Starts pacing anew at `tick`. Call it when the guest continues after a stop. */
  restart(tick: number): void {
    this.wall = this.clock.now();
    this.tick = tick;
  }
}
