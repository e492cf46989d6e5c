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
  /** The way back; undefined while there is none. */
  private reverse: Reverse | undefined;
  /** gdb has let the machine run, and waits to be told where it stops. */
  private resumed = false;
  private step: Step | undefined;
  private stepping: Subscription[] = [];
  /** The machine is on its way through its past. */
  travelling = false;

  constructor(
    private readonly target: Target,
    private readonly report: (reply: StopReply) => void,
    /** Receives what was thrown on a journey. */
    private readonly failed: (error: unknown) => void,
  ) {
    this.points = new StopPoints(target.machine);
  }

  /** gdb waits for a stop: the machine runs, or looks for something in its past. */
  get busy(): boolean {
    return this.resumed || this.travelling;
  }

  /** From here on there is a way back, if the program has one for gdb. */
  beginPast(): void {
    const past = this.target.past();
    if (past !== undefined) this.reverse ??= new Reverse(this.target, past, this.points);
  }

  get canGoBack(): boolean {
    return this.reverse !== undefined;
  }

  /** Lets the machine run; each hart has its action. Of several harts that are to be stepped, it is the first. */
  resume(actions: readonly Action[]): void {
    const resumed = new Set(actions.flatMap((action, hart) => (action === undefined ? [] : [hart])));
    this.points.begin(resumed, resumed.size === actions.length);
    const hart = actions.indexOf('step');
    if (hart >= 0) {
      // Another debugger may have it running.
      if (this.target.running) this.target.halt(hart);
      this.beginStep(hart);
    }
    this.resumed = true;
    this.target.resume();
  }

  /** Goes back to where a hart has one instruction less, or to the last place where it would have stopped. False if there is no way. */
  goBack(way: 'step' | 'continue', hart: number): boolean {
    const { reverse } = this;
    if (reverse === undefined) return false;
    this.points.begin(new Set(this.target.machine.harts.map(({ id }) => id)), true);
    void this.travel(reverse, hart, () => (way === 'step' ? reverse.step(hart) : reverse.run(hart)));
    return true;
  }

  /** Reports where the machine is in the end. If the journey is interrupted, or fails, it is back where it was. */
  private async travel({ past }: Reverse, hart: number, journey: () => Promise<Hit>): Promise<void> {
    const comeBack = past.hold();
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
    if (this.travelling) this.reverse!.past.cancel();
    else if (this.resumed) this.stop({ hart: this.target.machine.current, signal: Signal.interrupt, detail: '' });
  }

  /** Another debugger has stopped the machine, for something that concerns a hart. */
  stood(hart: number): void {
    if (!this.resumed) return;
    this.leave();
    this.report({ hart, signal: Signal.trap, detail: '' });
  }

  /** For the machine's next run. */
  limit(): Pick<RunLimit, 'hart'> {
    const { step } = this;
    return step === undefined || step.interrupted !== undefined ? {} : { hart: { id: step.hart, instructions: 1 } };
  }

  /** The machine has come back from a run. True if it stands now. */
  ran(stop: Stop): boolean {
    if (!this.resumed) return false;
    const hit = this.points.hit(stop, (id) => this.target.machine.harts[id]!);
    if (hit !== undefined && stop.kind === 'data' && this.reverse !== undefined) return this.undo(this.reverse, hit);
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
    this.leave();
    this.target.halt(reply.hart);
    this.report(reply);
    return true;
  }

  private undo(reverse: Reverse, hit: Hit): true {
    this.leave();
    this.target.halt(hit.hart);
    void this.travel(reverse, hit.hart, () => reverse.undo(hit.hart).then(() => hit));
    return true;
  }

  /** The run is over for gdb. */
  private leave(): void {
    this.resumed = false;
    this.endStep();
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
