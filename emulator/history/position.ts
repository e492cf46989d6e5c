/**
 * Where a machine is in the log of its inputs, and where its run has to be held next: at the moment of an input that is
 * replayed, or at the instant up to which it is to run.
 */
import { InputLog } from './input-log';
import { type Instant, type Moment, Phase, compareInstants, compareMoments } from './instant';

export class Position {
  readonly inputs = new InputLog();
  private phase = Phase.arrived;

  /** `clock`: time in instructions, see Moment. */
  constructor(private readonly clock: { readonly time: number }) {}

  get instant(): Instant {
    return { inputs: this.inputs.count, time: this.clock.time, phase: this.phase };
  }

  /** An instruction was executed, time has passed, or an input has come in. */
  arrive(): void {
    this.phase = Phase.arrived;
  }

  /** The machine has come so far; when it comes by once more nothing new happens there. */
  reach(phase: Phase): void {
    this.phase = Math.max(this.phase, phase);
  }

  /** Where the run is held next; undefined if nowhere. */
  next(to: Instant | undefined): Moment | undefined {
    return this.endsBeforeInput(to) ? to : this.inputs.next;
  }

  /** Of the two that a run may be held for: no input comes in before its end. */
  endsBeforeInput(to: Instant | undefined): to is Instant {
    return to?.inputs === this.inputs.count;
  }

  /** Whether the run is held here. Throws an Error if the log cannot be this machine's. */
  isHeld(phase: Phase, to: Instant | undefined): boolean {
    const next = this.next(to);
    if (next === undefined) return false;
    if (compareMoments(next, this.instant) < 0) throw new Error(NO_SUCH_RUN);
    return next.time === this.clock.time && next.phase === phase;
  }

  /** Throws RangeError if the instant cannot be reached by running on. */
  checkAhead(to: Instant): void {
    if (compareInstants(to, this.instant) < 0) throw new RangeError('the instant to run to is past');
    if (!this.inputs.reaches(to.inputs)) throw new RangeError('the log does not reach to the instant to run to');
  }

  /** As in a checkpoint. */
  moveTo({ inputs, phase }: Instant): void {
    this.inputs.moveTo(inputs);
    this.phase = phase;
  }
}

/** An input was to come in at a moment that this run does not have. */
export const NO_SUCH_RUN = 'the log is that of another machine: its next input comes at no moment of this run';
