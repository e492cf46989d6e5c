/**
 * Lets the machine run until something asks for a stop; the slices between which requests are answered are those of
 * emulator/run-loop.ts. The `StopPolicy` decides what a stop means, and a `StepPlan` where a step goes (stepping/step-plan.ts).
 */
import { X } from '../../emulator/isa/registers';
import { RunLoop, type HostClock } from '../../emulator/run-loop';
import type { Instant } from '../../emulator/history/instant';
import { SavedState } from '../../emulator/history/saved-state';
import type { Hart, MachineApi, RunLimit, State, Stop, Subscription } from '../../emulator/types';
import { CannotArrive } from './stepping/ended';
import type { StepPlan, StepCondition, SteppedTrap } from './stepping/step-plan';
import type { StopPolicy } from './stop-policy';
import type { Decision, Ended, StopReport } from './stops';

export interface RunListener {
  /** Something was thrown. Returns the words for the user. */
  failed(error: unknown): string;
  stopped(report: StopReport): void;
  /** A breakpoint has a message to log. */
  logged(text: string): void;
  ended(how: Ended): void;
  /** The guest has reset the machine: it boots again. */
  reset(): void;
  /** After each slice, with the milliseconds for which the guest has nothing to do, and those that it has run. */
  betweenSlices(rest: number, ran: number): void;
  /** A step has come to its end on a hart, or cannot come to it any more. */
  stepped?(hart: number): void;
  /** What another debugger of the machine wants of the next run, and is told of each: it may stop the run. */
  limit?(): Pick<RunLimit, 'hart'>;
  ran?(stop: Stop): void;
  /** Where the present begins, for a machine that is in its past: what comes in until then is known. */
  present?(): Instant | undefined;
}

export class Runner {
  private readonly machine: MachineApi;
  private readonly policy: StopPolicy;
  private readonly listener: RunListener;
  private readonly loop: RunLoop;
  private readonly subscription: Subscription;
  private plan: StepPlan | undefined;
  /** What is said when the plan is at its end. */
  private planned: 'step' | 'entry' = 'step';
  private want: StepCondition | undefined;
  /** The trap that the stepped hart took in the instruction just done. */
  private trap: SteppedTrap | undefined;
  /** Where the stepped hart was first seen in the loop in which it spins. */
  private passFrom: bigint | undefined;
  private letsPass = false;
  /** By hart: where the user has seen it stop, so that going on does not stop at the same instruction again. */
  private seenAt = new Map<number, { pc: bigint; retired: number; now: number }>();

  constructor(machine: MachineApi, policy: StopPolicy, clock: HostClock, listener: RunListener) {
    this.machine = machine;
    this.policy = policy;
    this.listener = listener;
    this.loop = new RunLoop(machine, clock, {
      limit: () => this.limit(),
      ran: (stop) => {
        this.settle(stop);
        listener.ran?.(stop);
      },
      betweenSlices: (rest, ran) => listener.betweenSlices(rest, ran),
      failed: (error) => this.fail(error),
    });
    this.subscription = machine.subscribe({
      execute: () => true,
      appliesTo: (hart, address) => this.isPlanned(hart, address) || policy.appliesTo(hart, address),
      trap: (event) => {
        if (this.want?.kind === 'instruction' && this.want.hart === event.hart)
          this.trap = { ...event, sp: machine.harts[event.hart]!.x(X.sp) };
        return false;
      },
    });
  }

  get running(): boolean {
    return this.loop.running;
  }

  /** Goes on, freely or by a plan. */
  start(plan?: StepPlan, planned: 'step' | 'entry' = 'step'): void {
    if (this.running) throw new Error('The machine is running already.');
    this.plan = plan;
    this.planned = planned;
    this.want = undefined;
    this.passFrom = undefined;
    this.letsPass = false;
    this.loop.start();
    try {
      if (plan && this.advance(() => plan.next())) return;
    } catch (error) {
      this.fail(error);
      return;
    }
    this.setBreakpoints();
  }

  /** Stops at once, for a reason from outside. Nothing happens if it stands. */
  pause(report: StopReport): void {
    if (this.running) this.halt(report);
  }

  /** Stops without a word: the session is over, or the machine is replaced. */
  abandon(): void {
    this.loop.stop();
  }

  /** The policy's addresses are no longer what they were; a machine that waits may stand at one. */
  breakpointsChanged(): void {
    this.setBreakpoints();
    this.wake();
  }

  private setBreakpoints(): void {
    const addresses = new Set(this.policy.addresses());
    if (this.want?.kind === 'reach') for (const address of this.want.addresses) addresses.add(address);
    this.subscription.setAddresses(addresses);
  }

  /** Something has come in: a machine that waits is looked at now. */
  wake(): void {
    this.loop.wake();
  }

  /** The user sees the hart here: going on does not stop at this instruction. */
  seen(hart: number): void {
    const { pc, retired } = this.machine.harts[hart]!;
    this.seenAt.set(hart, { pc, retired, now: this.machine.now });
  }

  save(): State {
    return { seenAt: [...this.seenAt].map(([hart, at]) => ({ hart, ...at })) };
  }

  /**
   * Where the user had seen the harts stop, for a machine and policy that are restored already, and stand. Throws an Error,
   * and changes nothing, if it is not what `save` made.
   */
  restore(state: State): void {
    if (this.running) throw new Error('The machine is running: pause it first.');
    const seenAt = new SavedState('runner', state).records('seenAt').map((saved) => {
      const at = { pc: saved.bigint('pc'), retired: saved.count('retired'), now: saved.count('now') };
      return [saved.count('hart'), at] as const;
    });
    this.seenAt = new Map(seenAt);
    this.setBreakpoints();
  }

  /** Whether the plan may wait for a hart at an address. */
  private isPlanned(hart: Hart, address: bigint): boolean {
    const { want } = this;
    return want?.kind === 'reach' && want.addresses.includes(address) && (want.concerns?.(hart) ?? true);
  }

  private limit(): Pick<RunLimit, 'hart' | 'to'> {
    const executes = this.letsPass;
    this.letsPass = false;
    const to = this.listener.present?.();
    return {
      ...this.listener.limit?.(),
      ...(this.want?.kind === 'instruction' && { hart: { id: this.want.hart, instructions: 1, executes } }),
      ...(to && { to }),
    };
  }

  /**
   * Steps of a hart that spins take no time, so a plan that goes on after a whole pass of the loop would go on for ever: then
   * time passes for once, up to the first instruction that the hart executes.
   */
  private notePass({ spinning, pc }: Hart): void {
    this.letsPass = spinning && this.passFrom === pc;
    this.passFrom = !spinning || this.letsPass ? undefined : (this.passFrom ?? pc);
  }

  private settle(stop: Stop): void {
    switch (stop.kind) {
      case 'breakpoint':
        this.atBreakpoint(stop);
        break;
      case 'step':
        this.notePass(this.machine.harts[stop.hart]!);
        this.happened(stop.hart);
        break;
      case 'trap':
      case 'trapReturn':
      case 'satpWrite':
      case 'csrWrite':
      case 'fence':
      case 'device':
      case 'data':
      case 'tableStore':
      case 'lostStore':
      case 'staleTranslation': {
        const report = this.carryOut(this.policy.decide(stop));
        if (report) this.halt(stop.kind === 'trap' ? report : this.withBreakpoint(report));
        break;
      }
      case 'poweroff':
        this.abandon();
        this.listener.ended({
          exitCode: stop.code,
          why: `The guest powered the machine off with exit code ${stop.code}.`,
        });
        break;
      case 'reset':
        // In the past the log brings the reset.
        if (this.listener.present?.() === undefined) this.machine.reset();
        this.listener.reset();
        break;
      case 'budget':
      case 'idle':
        break;
    }
  }

  private carryOut({ report, logs, record }: Decision): StopReport | undefined {
    record();
    for (const text of logs) this.listener.logged(text);
    return report;
  }

  /**
   * A hit counts whenever the machine tells of it, which it does once, whether the user sees it or not; but what is shown of
   * a hart that spins has not happened.
   */
  private atBreakpoint({ hart: id, shown }: Stop & { kind: 'breakpoint' }): void {
    const hart = this.machine.harts[id]!;
    const seen = this.seenAt.get(id);
    const fresh =
      seen?.pc !== hart.pc || seen.retired !== hart.retired || (hart.spinning && seen.now !== this.machine.now);
    this.seen(id);
    const decision = this.policy.decideAt(hart);
    const report = shown ? decision.report : this.carryOut(decision);
    if (report && fresh) this.halt(report);
    else if (this.want?.kind === 'reach' && this.want.addresses.includes(hart.pc) && this.want.accept(hart))
      this.happened(id);
  }

  /**
   * After an instruction that was observed the hart may stand at a breakpoint: the user sees it there once, not twice. It is
   * counted when the hart goes on.
   */
  private withBreakpoint(report: StopReport): StopReport {
    const hart = this.machine.harts[report.hart]!;
    if (!this.policy.addresses().has(hart.pc)) return report;
    this.seen(hart.id);
    const ids = [...(report.hitBreakpointIds ?? []), ...(this.policy.decideAt(hart).report?.hitBreakpointIds ?? [])];
    return ids.length > 0 ? { ...report, hitBreakpointIds: ids } : report;
  }

  /** What the plan wanted has happened, on this hart. */
  private happened(hart: number): void {
    const plan = this.plan;
    if (!plan) return;
    const trap = this.trap;
    this.trap = undefined;
    const before = this.want;
    if (this.advance(() => plan.next({ hart, trap }))) return;
    if (before?.kind === 'reach' || this.want?.kind === 'reach') this.setBreakpoints();
  }

  /** True if the plan is at its end, or can never come to it, and the machine stopped there. */
  private advance(next: () => IteratorResult<StepCondition, number>): boolean {
    let result;
    try {
      result = next();
    } catch (error) {
      if (!(error instanceof CannotArrive)) throw error;
      const { hart, message: text } = error;
      this.seen(hart);
      this.listener.stepped?.(hart);
      this.listener.logged(text);
      this.halt({ hart, reason: this.planned, description: 'Step without an end', text });
      return true;
    }
    if (!result.done) {
      this.want = result.value;
      return false;
    }
    this.seen(result.value);
    this.listener.stepped?.(result.value);
    this.halt({ hart: result.value, reason: this.planned });
    return true;
  }

  /** A defect of the machine or of a file's debug information must not take the session with it. */
  private fail(error: unknown): void {
    const text = `The run was stopped by an error: ${this.listener.failed(error)}`;
    this.halt({ hart: this.machine.current, reason: 'exception', description: 'Run stopped by an error', text });
  }

  private halt(report: StopReport): void {
    this.abandon();
    this.plan = undefined;
    this.want = undefined;
    this.trap = undefined;
    this.listener.stopped(report);
  }
}
