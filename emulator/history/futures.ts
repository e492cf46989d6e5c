/**
 * The futures that a run has left. Each is the same run as the one of now up to an instant, and is kept as the inputs that came in
 * from there on, and its end: as little as a log, from which all of it can be run again.
 */
import type { InputHistory, LoggedInput } from '../types';
import { compareInstants, type Instant } from './instant';

export interface Future {
  /** Up to here it is the run of now. */
  readonly shared: Instant;
  /** What came in after that many inputs. */
  readonly inputs: readonly LoggedInput[];
  readonly end: Instant;
}

export class Futures {
  private readonly all = new Map<number, Future>();
  private next = 1;

  get(id: number): Future | undefined {
    return this.all.get(id);
  }

  /** One of another session, which was left from the run of now. Returns its id. */
  add(future: Future): number {
    this.all.set(this.next, future);
    return this.next++;
  }

  /** From an instant on, the run goes another way than up to `end`. Returns the id of what is left. */
  leave(log: InputHistory, from: Instant, end: Instant): number {
    for (const [id, future] of this.all) this.all.set(id, sharedUpTo(from, future, log));
    return this.add({ shared: from, inputs: log.through(end.inputs).slice(from.inputs), end });
  }

  forget(id: number): void {
    this.all.delete(id);
  }
}

/** A future of which only what lies up to an instant is the run of now. */
function sharedUpTo(from: Instant, future: Future, log: InputHistory): Future {
  const { shared, inputs, end } = future;
  if (compareInstants(shared, from) <= 0) return future;
  return { shared: from, inputs: [...log.through(shared.inputs).slice(from.inputs), ...inputs], end };
}
