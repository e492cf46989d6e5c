/**
 * Instants of a run by name, to go to: those that the user has set, and the end of each future that was left. A future is named by
 * its id in the timeline (emulator/history/futures.ts).
 */
import { compareInstants, type Instant } from '../../../emulator/history/instant';

export interface Bookmark {
  readonly id: number;
  readonly name: string;
  readonly instant: Instant;
  /** The future in which it lies; undefined where the run is the one of now. */
  readonly future: number | undefined;
  /** It is where the future was left, and nobody has set it. */
  readonly isEnd: boolean;
}

export class Bookmarks {
  private all: Bookmark[] = [];
  private next = 1;
  private left = 1;

  /** By instant; those of futures that were left come last. */
  get list(): readonly Bookmark[] {
    return [...this.all].sort(
      (a, b) => (a.future ?? 0) - (b.future ?? 0) || compareInstants(a.instant, b.instant) || a.id - b.id,
    );
  }

  get(id: number): Bookmark | undefined {
    return this.all.find((one) => one.id === id);
  }

  add(bookmark: Omit<Bookmark, 'id'>): Bookmark {
    const added = { ...bookmark, id: this.next++ };
    this.all.push(added);
    return added;
  }

  remove(id: number): void {
    this.all = this.all.filter((one) => one.id !== id);
  }

  /** The run has left a future of its own from an instant up to its end. */
  leave(future: number, from: Instant, end: Instant): void {
    this.all = this.all.map((one) =>
      one.future === undefined && compareInstants(one.instant, from) > 0 ? { ...one, future } : one,
    );
    if (compareInstants(end, from) > 0)
      this.add({ name: `Abandoned future ${this.left++}`, instant: end, future, isEnd: true });
  }

  /** The run goes on in a future that was left. */
  enter(future: number): void {
    this.all = this.all
      .filter((one) => one.future !== future || !one.isEnd)
      .map((one) => (one.future === future ? { ...one, future: undefined } : one));
  }

  /** Whether any lies in a future. */
  has(future: number): boolean {
    return this.all.some((one) => one.future === future);
  }
}
