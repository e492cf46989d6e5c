/** The instants of a run that the user has visited, in that order, to go back to and forward again as in a browser. */

export interface Visit {
  /** Its name in the debugger. */
  readonly instant: string;
  /** Virtual time from power on. */
  readonly milliseconds: number;
}

/** Visits kept. */
const KEPT = 200;

export class Visits {
  private readonly visits: Visit[] = [];
  /** Index of the visit that the machine stands at; -1 before the first. */
  private at = -1;

  /** The machine stands at an instant. Arriving at the neighbour that was asked for moves there, and anything else is a new visit. */
  arrive(visit: Visit): void {
    if (this.visits[this.at]?.instant === visit.instant) return;
    for (const neighbour of [this.at - 1, this.at + 1]) {
      if (this.visits[neighbour]?.instant !== visit.instant) continue;
      this.at = neighbour;
      return;
    }
    this.visits.splice(this.at + 1, Infinity, visit);
    if (this.visits.length > KEPT) this.visits.shift();
    this.at = this.visits.length - 1;
  }

  get previous(): Visit | undefined {
    return this.visits[this.at - 1];
  }

  get next(): Visit | undefined {
    return this.visits[this.at + 1];
  }

  /**
   * Another future begins, here or after so many milliseconds: what comes later can no longer be gone to, wherever in the list it
   * stands.
   */
  branch(from = this.visits[this.at]?.milliseconds ?? 0): void {
    const before = this.visits.slice(0, this.at + 1);
    const isKept = ({ milliseconds }: Visit): boolean => milliseconds <= from;
    this.visits.splice(0, Infinity, ...this.visits.filter(isKept));
    this.at = before.filter(isKept).length - 1;
  }

  clear(): void {
    this.visits.length = 0;
    this.at = -1;
  }
}
