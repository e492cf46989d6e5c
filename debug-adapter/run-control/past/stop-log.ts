/** Where the user's session has stopped by itself: at breakpoints, exceptions and pauses, not at the ends of steps. */
import { compareInstants, type Instant } from '../../../emulator/history/instant';
import type { StopReport } from '../stops';

/** Stops that are kept, the last ones. */
const MOST = 2000;

export interface LoggedStop {
  readonly instant: Instant;
  readonly hart: number;
  readonly reason: StopReport['reason'];
  readonly text: string;
}

const LOGGED: ReadonlySet<StopReport['reason']> = new Set<StopReport['reason']>([
  ...(['entry', 'breakpoint', 'function breakpoint', 'instruction breakpoint'] as const),
  ...(['data breakpoint', 'exception', 'pause'] as const),
]);

export class StopLog {
  private readonly stops: LoggedStop[] = [];

  /** In the order of their instants. */
  get all(): readonly LoggedStop[] {
    return this.stops;
  }

  /** Notes a stop, unless the machine has stopped at its instant before. */
  note(stop: LoggedStop): void {
    if (!LOGGED.has(stop.reason)) return;
    const index = this.stops.findLastIndex(({ instant }) => compareInstants(instant, stop.instant) <= 0);
    const before = this.stops[index];
    if (before !== undefined && compareInstants(before.instant, stop.instant) === 0) return;
    this.stops.splice(index + 1, 0, stop);
    if (this.stops.length > MOST) this.stops.shift();
  }

  /** The run has another future from an instant on. */
  forgetAfter(instant: Instant): void {
    while (this.stops.length > 0 && compareInstants(this.stops.at(-1)!.instant, instant) > 0) this.stops.pop();
  }
}
