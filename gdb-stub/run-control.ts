/**
 * Runs the machine for gdb: to a breakpoint, by one instruction of a hart, and back in its past (packets vCont, c, s, bc and bs).
 * Other harts run meanwhile, always.
 */
import { Csr } from '../emulator/isa/csrs';
import { X } from '../emulator/isa/registers';
import { Cancelled } from '../emulator/history/timeline';
import type { Hart, RunLimit, Stop, Subscription } from '../emulator/types';
import { Reverse } from './reverse';
import { type Hit, StopPoints } from './stop-points';
import type { Target } from './target';

/** gdb's numbers, which are those of Unix for these. */
export const enum Signal {
  interrupt = 2,
  trap = 5,
}

/** The machine stands, and why. */
export interface StopReply extends Hit {
  readonly signal: Signal;
}

/** What a hart does in a run. */
export type Action = 'continue' | 'step' | undefined;

/** A step of a hart, of which an interrupt may take it away for a while. */
interface Step {
  hart: number;
  /** Where it is to come back to before it is stepped; undefined while it is there. */
  interrupted: { pc: bigint; sp: bigint; satp: bigint | undefined } | undefined;
}

export class RunControl {
  readonly points: StopPoints;
  private readonly reverse: Reverse;
  private step: Step | undefined;
  private stepping: Subscription[] = [];
  /** There is a way back. */
  hasPast = false;
  /** The machine is on its way through its past. */
  travelling = false;

  constructor(
    private readonly target: Target,
    private readonly report: (reply: StopReply) => void,
    /** Receives what was thrown on a journey. */
    private readonly failed: (error: unknown) => void,
  ) {
    this.points = new StopPoints(target.machine);
    this.reverse = new Reverse(target, this.points);
  }

  /** The machine runs, or looks for something in its past. */
  get busy(): boolean {
    return this.target.running || this.travelling;
  }

  /** Lets the machine run; each hart has its action. Of several harts that are to be stepped, it is the first. */
  resume(actions: readonly Action[]): void {
    const resumed = new Set(actions.flatMap((action, hart) => (action === undefined ? [] : [hart])));
    this.points.begin(resumed, resumed.size === actions.length);
    const hart = actions.indexOf('step');
    if (hart >= 0) this.beginStep(hart);
    this.target.resume();
  }

  /** Goes back to where a hart has one instruction less, or to the last place where it would have stopped. */
  async goBack(way: 'step' | 'continue', hart: number): Promise<void> {
    this.points.begin(new Set(this.target.machine.harts.map(({ id }) => id)), true);
    await this.travel(hart, () => (way === 'step' ? this.reverse.step(hart) : this.reverse.run(hart)));
  }

  /** Reports where the machine is in the end. If the journey is interrupted, or fails, it is back where it was. */
  private async travel(hart: number, journey: () => Promise<Hit>): Promise<void> {
    const comeBack = this.target.past().hold();
    this.travelling = true;
    let reply: StopReply;
    try {
      reply = { ...(await journey()), signal: Signal.trap };
    } catch (error) {
      comeBack();
      if (!(error instanceof Cancelled)) this.failed(error);
      reply = { hart, signal: Signal.interrupt, detail: '' };
    }
    this.travelling = false;
    this.report(reply);
  }

  /** Stops what is under way. */
  interrupt(): void {
    if (this.travelling) this.target.past().cancel();
    else if (this.target.running)
      this.stop({ hart: this.target.machine.current, signal: Signal.interrupt, detail: '' });
  }

  /** For the machine's next run. */
  limit(): Pick<RunLimit, 'hart'> {
    const { step } = this;
    return step === undefined || step.interrupted !== undefined ? {} : { hart: { id: step.hart, instructions: 1 } };
  }

  /** The machine has come back from a run. True if it stands now. */
  ran(stop: Stop): boolean {
    const hit = this.points.hit(stop, (id) => this.target.machine.harts[id]!);
    if (hit !== undefined && stop.kind === 'data' && this.hasPast) return this.undo(hit);
    if (hit !== undefined) return this.stop({ ...hit, signal: Signal.trap });
    const { step } = this;
    if (step === undefined) return false;
    if (stop.kind === 'step' && step.interrupted === undefined)
      return this.stop({ hart: step.hart, signal: Signal.trap, detail: '' });
    if (stop.kind === 'step') return false;
    const back = step.interrupted;
    if (stop.kind !== 'breakpoint' || back === undefined || stop.pc !== back.pc) return false;
    // It may have moved to another hart.
    step.hart = stop.hart;
    step.interrupted = undefined;
    return false;
  }

  end(): void {
    this.endStep();
    this.points.end();
  }

  private stop(reply: StopReply): true {
    this.target.halt();
    this.endStep();
    this.report(reply);
    return true;
  }

  private undo(hit: Hit): true {
    this.target.halt();
    this.endStep();
    void this.travel(hit.hart, () => this.reverse.undo(hit.hart).then(() => hit));
    return true;
  }

  private beginStep(hart: number): void {
    const { machine } = this.target;
    const step: Step = { hart, interrupted: undefined };
    const isBack = (one: Hart): boolean => {
      const back = step.interrupted;
      return back !== undefined && one.x(X.sp) === back.sp && one.csr(Csr.satp) === back.satp;
    };
    const arrival = machine.subscribe({ execute: () => true, appliesTo: isBack });
    const departure = machine.subscribe({
      trap: ({ hart: id, interrupt, epc }) => {
        if (!interrupt || id !== step.hart || step.interrupted !== undefined) return false;
        const one = machine.harts[id]!;
        step.interrupted = { pc: epc, sp: one.x(X.sp), satp: one.csr(Csr.satp) };
        arrival.setAddresses([epc]);
        return false;
      },
    });
    this.step = step;
    this.stepping = [arrival, departure];
  }

  private endStep(): void {
    this.step = undefined;
    this.stepping.splice(0).forEach((subscription) => subscription.end());
  }
}
