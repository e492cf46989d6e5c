/**
 * Lets the machine run: in slices of a few milliseconds, so that requests are answered between them; paced by the wall
 * clock while the guest waits; until something asks for a stop. What a stop means is asked of the `Judge`; where a step
 * goes is asked of a `StepPlan` (stepping/step-plan.ts).
 */
import type { Hart, MachineApi, Stop, Subscription, TrapEvent } from '../../emulator/types';
import { Pace, type HostClock } from './clock';
import type { StepPlan, StepCondition } from './stepping/step-plan';
import type { StopPolicy } from './stop-policy';
import type { Decision, Ended, StopReport } from './stops';

/** Milliseconds of a slice. */
const SLICE = 4;
/** At least so often a waiting machine is looked at, in milliseconds. */
const LONGEST_WAIT = 1000;
/** The first wait of a run is short: a breakpoint in the loop of a hart that spins is met again when time has passed. */
const FIRST_WAIT = 1;
/** Instructions of the first run in a slice, and the most of any. */
const FIRST_BUDGET = 20_000;
const LARGEST_BUDGET = 4_000_000;

export interface RunListener {
  stopped(report: StopReport): void;
  /** A breakpoint has a message to log. */
  logged(text: string): void;
  ended(how: Ended): void;
  /** The guest has reset the machine: it boots again. */
  reset(): void;
  /** After each slice, with the milliseconds for which the guest has nothing to do. */
  betweenSlices(rest: number): void;
}

export class Runner {
  private readonly machine: MachineApi;
  private readonly policy: StopPolicy;
  private readonly clock: HostClock;
  private readonly listener: RunListener;
  private readonly pace: Pace;
  private readonly subscription: Subscription;
  private isRunning = false;
  /** Counts runs: a slice or a timer of an earlier run finds that it is late. */
  private run = 0;
  private callOff: () => void = () => undefined;
  private plan: StepPlan | undefined;
  /** What is said when the plan is at its end. */
  private planned: 'step' | 'entry' = 'step';
  private want: StepCondition | undefined;
  /** The trap that the stepped hart took in the instruction just done. */
  private trap: TrapEvent | undefined;
  private budget = FIRST_BUDGET;
  /** Where the stepped hart was first seen in the loop in which it spins. */
  private passFrom: bigint | undefined;
  private letsPass = false;
  /** The last slice ended in waiting. */
  private waited = false;
  /** The machine has waited since it went on. */
  private hasWaited = false;
  /** By hart: where the user has seen it stop, so that going on does not stop at the same instruction again. */
  private readonly seenAt = new Map<number, { pc: bigint; retired: number; now: number }>();

  constructor(machine: MachineApi, policy: StopPolicy, clock: HostClock, listener: RunListener) {
    this.machine = machine;
    this.policy = policy;
    this.clock = clock;
    this.listener = listener;
    this.pace = new Pace(clock);
    this.subscription = machine.subscribe({
      execute: () => true,
      appliesTo: (hart, address) => this.isPlanned(hart, address) || policy.appliesTo(hart, address),
      trap: (event) => {
        if (this.want?.kind === 'instruction' && this.want.hart === event.hart) this.trap = event;
        return false;
      },
    });
  }

  get running(): boolean {
    return this.isRunning;
  }

  /** Goes on, freely or by a plan. */
  start(plan?: StepPlan, planned: 'step' | 'entry' = 'step'): void {
    if (this.isRunning) throw new Error('The machine is running already.');
    this.plan = plan;
    this.planned = planned;
    this.want = undefined;
    this.hasWaited = false;
    this.passFrom = undefined;
    this.letsPass = false;
    this.isRunning = true;
    this.run++;
    this.pace.restart(this.machine.now);
    const run = this.run;
    try {
      if (plan && this.advance(plan.next())) return;
    } catch (error) {
      this.fail(error);
      return;
    }
    this.setBreakpoints();
    this.clock.soon(() => this.slice(run));
  }

  /** Stops at once, for a reason from outside. Nothing happens if it stands. */
  pause(report: StopReport): void {
    if (this.isRunning) this.halt(report);
  }

  /** Stops without a word: the session is over, or the machine is replaced. */
  abandon(): void {
    this.isRunning = false;
    this.run++;
    this.callOff();
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
    if (!this.isRunning) return;
    this.callOff();
    this.run++;
    const run = this.run;
    this.clock.soon(() => this.slice(run));
  }

  /** The user sees the hart here: going on does not stop at this instruction. */
  seen(hart: number): void {
    const { pc, retired } = this.machine.harts[hart]!;
    this.seenAt.set(hart, { pc, retired, now: this.machine.now });
  }

  /** Whether the plan may wait for a hart at an address. */
  private isPlanned(hart: Hart, address: bigint): boolean {
    const { want } = this;
    return want?.kind === 'reach' && want.addresses.includes(address) && (want.concerns?.(hart) ?? true);
  }

  private slice(run: number): void {
    if (run !== this.run || !this.isRunning) return;
    let wait = 0;
    try {
      wait = this.runSlice(run);
    } catch (error) {
      this.fail(error);
    }
    if (!this.isRunning || run !== this.run) return;
    this.waited = wait > 0;
    this.listener.betweenSlices(wait);
    if (!this.isRunning || run !== this.run) return;
    if (wait > 0) this.callOff = this.clock.later(wait, () => this.slice(run));
    else this.clock.soon(() => this.slice(run));
  }

  /** Runs for the length of a slice, or until a stop; answers the milliseconds for which the guest has nothing to do. */
  private runSlice(run: number): number {
    const end = this.clock.now() + SLICE;
    do {
      const before = this.clock.now();
      const stop = this.machine.run({ instructions: this.budget, ...this.limit() });
      if (stop.kind === 'idle') {
        const wait = this.idle(stop.until);
        if (wait > 0) return wait;
        this.waited = false;
      } else {
        this.waited = false;
        this.settle(stop);
        if (!this.isRunning || run !== this.run) return 0;
        if (stop.kind === 'budget') this.adapt(this.clock.now() - before);
      }
    } while (this.clock.now() < end);
    return 0;
  }

  /** Half a slice for one run of the machine: a request that arrives waits no longer than that and a bit. */
  private adapt(milliseconds: number): void {
    if (milliseconds < SLICE / 4) this.budget = Math.min(this.budget * 2, LARGEST_BUDGET);
    else if (milliseconds > SLICE / 2) this.budget = Math.max(this.budget >> 1, FIRST_BUDGET);
  }

  /** Lets virtual time pass as the wall clock allows; answers the milliseconds to wait before looking again. */
  private idle(until: number): number {
    const allowed = this.pace.allowed(this.machine.now, this.waited);
    this.machine.idleUntil(Math.min(allowed, until));
    if (until <= allowed) return 0;
    const longest = this.hasWaited ? LONGEST_WAIT : FIRST_WAIT;
    this.hasWaited = true;
    return Math.min(Math.max(this.pace.milliseconds(allowed, until), 1), longest);
  }

  private limit(): { hart?: { id: number; instructions: number } } {
    if (this.letsPass) {
      this.letsPass = false;
      return {};
    }
    return this.want?.kind === 'instruction' ? { hart: { id: this.want.hart, instructions: 1 } } : {};
  }

  /**
   * Steps of a hart that spins take no time, so a plan that goes on after a whole pass of the loop would go on for ever: the
   * machine then runs without it for once.
   */
  private notePass({ spinning, pc }: Hart): void {
    this.letsPass = spinning && this.passFrom === pc;
    this.passFrom = !spinning || this.letsPass ? undefined : (this.passFrom ?? pc);
  }

  private settle(stop: Stop): void {
    switch (stop.kind) {
      case 'breakpoint':
        this.atBreakpoint(this.machine.harts[stop.hart]!);
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
      case 'tableStore': {
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
        this.machine.reset();
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

  private atBreakpoint(hart: Hart, reached = true): void {
    const seen = this.seenAt.get(hart.id);
    const fresh =
      seen?.pc !== hart.pc || seen.retired !== hart.retired || (hart.spinning && seen.now !== this.machine.now);
    this.seen(hart.id);
    const report = fresh ? this.carryOut(this.policy.decideAt(hart)) : undefined;
    if (report) this.halt(report);
    else if (reached && this.want?.kind === 'reach' && this.want.addresses.includes(hart.pc) && this.want.accept(hart))
      this.happened(hart.id);
  }

  /** After an instruction that was observed the hart may stand at a breakpoint: the user sees it there once, not twice. */
  private withBreakpoint(report: StopReport): StopReport {
    const hart = this.machine.harts[report.hart]!;
    if (!this.policy.addresses().has(hart.pc)) return report;
    this.seen(hart.id);
    const ids = [
      ...(report.hitBreakpointIds ?? []),
      ...(this.carryOut(this.policy.decideAt(hart))?.hitBreakpointIds ?? []),
    ];
    return ids.length > 0 ? { ...report, hitBreakpointIds: ids } : report;
  }

  /** What the plan wanted has happened, on this hart. */
  private happened(hart: number): void {
    const plan = this.plan;
    if (!plan) return;
    const trap = this.trap;
    this.trap = undefined;
    const before = this.want;
    if (this.advance(plan.next({ hart, trap }))) return;
    if (before?.kind === 'reach' || this.want?.kind === 'reach') this.setBreakpoints();
    // The machine does not stop again where a step has ended, so a breakpoint that a step in a plan runs onto is seen to here.
    const now = this.machine.harts[hart]!;
    if (before?.kind === 'instruction' && this.policy.addresses().has(now.pc)) this.atBreakpoint(now, false);
  }

  /** True if the plan is at its end, and the machine stopped there. */
  private advance(result: IteratorResult<StepCondition, number>): boolean {
    if (!result.done) {
      this.want = result.value;
      return false;
    }
    this.seen(result.value);
    this.halt({ hart: result.value, reason: this.planned });
    return true;
  }

  /** A defect of the machine or of a file's debug information must not take the session with it. */
  private fail(error: unknown): void {
    const text = `The run was stopped by an error: ${error instanceof Error ? error.message : String(error)}`;
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
