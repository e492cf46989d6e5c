/**
 * Exceptions that are not resolved: the kernel gets every chance (attempts.ts), and only what came of it shows that the exception
 * was the beginning of an end. The stop is then at the exception itself, in the past. It is known from there on: whoever comes
 * by that instant again, forward or backward, stops there.
 */
import { compareInstants, instantName, Phase, type Instant } from '../../../emulator/history/instant';
import { SavedState } from '../../../emulator/history/saved-state';
import { isEnvironmentCall } from '../../../emulator/isa/trap-kinds';
import { PAGE_FAULTS } from '../../../emulator/isa/causes';
import { Csr } from '../../../emulator/isa/csrs';
import { accessMode, denials, flagText, FORBIDS, PTE, pteFlags, type Walk } from '../../../emulator/isa/sv39';
import { Mode, type MachineApi, type State, type Subscription, type TrapEvent } from '../../../emulator/types';
import type { KernelEvent } from '../../xv6/kernel-events';
import { named } from '../../xv6/processes';
import type { StopCause, UnresolvedTrap } from '../stops';
import { Attempts, restoredAttempt, savedAttempt, type Attempt, type TrapPlace } from './attempts';
import { verdictOn, type Victim } from './verdict';

/** A process in whose context a hart executes. */
export interface RunningProcess extends Victim {
  readonly pid: number;
  readonly parentPid?: number | undefined;
  /** The root of its user table. */
  readonly pagetable?: bigint | undefined;
}

/** What is asked of the guest. */
export interface FaultGuest {
  /** The root in a hart's satp. */
  tableOn(hart: number): bigint | undefined;
  processOn(hart: number): RunningProcess | undefined;
  walk(root: bigint, va: bigint): Walk;
}

/** An exception for which a process was ended, perhaps as its parent wanted. */
interface Suspicion {
  attempt: Attempt;
  victim: string;
  /** Who can tell. */
  parent: number;
}

/** What is to be told, if anything, and what is then to be remembered. */
export interface Finding {
  cause: (StopCause & { kind: 'trap' }) | undefined;
  record(): void;
}

const NOTHING: Finding = { cause: undefined, record: () => undefined };
/** Suspicions that are kept, the latest. */
const MOST = 256;

export class Unresolved {
  private readonly attempts = new Attempts();
  private suspicions: readonly Suspicion[] = [];
  /** By the name of the instant: exceptions that are known not to be resolved, in this run, whatever is restored. */
  private readonly known = new Map<string, { at: Instant; outcome: string }>();
  /** Exceptions at which the user was stopped by another filter. */
  private readonly seen = new Set<string>();
  private inVain: { attempt: Attempt; hart: number } | undefined;
  private returns: Subscription | undefined;
  private bound:
    { guest: FaultGuest; machine: Pick<MachineApi, 'harts' | 'instant' | 'time' | 'subscribe'> } | undefined;

  /** Another run begins, on this machine. */
  bind(guest: FaultGuest, machine: Pick<MachineApi, 'harts' | 'instant' | 'time' | 'subscribe'>): void {
    this.attempts.clear();
    this.listen();
    this.bound = { guest, machine };
    this.suspicions = [];
    this.inVain = undefined;
    this.known.clear();
    this.seen.clear();
  }

  /** A trap is about to be taken. Returns true if it is to be decided on. */
  trapped(event: TrapEvent): boolean {
    const isException = !event.interrupt && !isEnvironmentCall(event);
    if (!this.bound || (!isException && !this.attempts.any)) return false;
    const { time, instant } = this.bound.machine;
    const at = { inputs: instant.inputs, time, phase: Phase.attempted };
    const attempt = this.attempts.trapped(event, this.place(event.hart), isException, at);
    this.listen();
    if (attempt && !this.isTold(attempt)) this.inVain = { attempt, hart: event.hart };
    return this.inVain !== undefined || (isException && this.known.has(instantName(at)));
  }

  /** At a trap for which `trapped` wanted a decision. */
  atTrap(event: TrapEvent): Finding {
    const known = this.bound && this.known.get(instantName(this.bound.machine.instant));
    if (known) return { ...NOTHING, cause: { kind: 'trap', event, unresolved: known } };
    const { attempt, hart } = this.inVain ?? {};
    if (!attempt || hart !== event.hart) return NOTHING;
    const times = `raised ${attempt.times} times in a row, with nothing executed in between`;
    const found = this.finding(attempt, `${times}${this.byNow(event)}`);
    return {
      ...found,
      record: () => {
        this.inVain = undefined;
        found.record();
      },
    };
  }

  /** What forbids the access now, after the handler has tried; empty where there still is no page. */
  private byNow({ hart, cause, tval, from }: TrapEvent): string {
    const { guest, machine } = this.bound!;
    const root = guest.tableOn(hart);
    const access = PAGE_FAULTS.get(cause);
    const leaf = root === undefined ? undefined : guest.walk(root, tval).leaf;
    if (access === undefined || leaf === undefined) return '';
    const flags = pteFlags(leaf.pte);
    const mstatus = machine.harts[hart]!.csr(Csr.mstatus) ?? 0n;
    const denied = denials(flags, access, accessMode(from as Mode, mstatus, access));
    if (denied.length === 0) return '';
    const bits = denied.map((rule) => `${FORBIDS[rule]}=${(flags & PTE[FORBIDS[rule]]) === 0 ? 0 : 1}`).join(', ');
    return `; by now a page is mapped there, ${flagText(flags)}: ${bits} forbids it`;
  }

  /** The user stops at a trap for another reason: that is told, whatever comes of it. */
  shown(event: TrapEvent): void {
    if (this.bound && !event.interrupt && !isEnvironmentCall(event))
      this.seen.add(instantName(this.bound.machine.instant));
  }

  /** A process is about to end, or the kernel to panic. */
  atKernel(event: KernelEvent): Finding {
    if (event.kind === 'panic') return this.atPanic(event);
    return event.kind === 'exit' ? this.atExit(event) : NOTHING;
  }

  /** The run has another future after an instant. */
  forgetAfter(instant: Instant): void {
    for (const [name, { at }] of this.known) if (compareInstants(at, instant) > 0) this.known.delete(name);
    this.seen.clear();
  }

  save(): State {
    return {
      attempts: this.attempts.save(),
      suspicions: this.suspicions.map(({ attempt, ...who }) => ({ ...who, ...savedAttempt(attempt) })),
    };
  }

  /** Throws an Error, and changes nothing, if it is not what `save` made. */
  restore(state: State): void {
    const saved = new SavedState('unresolved', state);
    const suspicions = saved.records('suspicions').map((one) => ({
      attempt: restoredAttempt(one),
      ...{ victim: one.text('victim') ?? '', parent: one.count('parent') },
    }));
    this.attempts.restore(saved.raw('attempts'));
    this.suspicions = suspicions;
    this.inVain = undefined;
    this.listen();
  }

  private atPanic({ hart, message }: KernelEvent & { kind: 'panic' }): Finding {
    const process = this.bound?.guest.processOn(hart);
    const attempt = this.attempts.handled(hart, process?.pagetable);
    if (!attempt || this.isTold(attempt)) return NOTHING;
    if (attempt.event.from === Mode.User && process && this.verdict(attempt, process) === 'resolved') return NOTHING;
    return this.finding(attempt, `its handler came to a panic: ${message}`);
  }

  private atExit({ hart, status }: KernelEvent & { kind: 'exit' }): Finding {
    // Most exits are of processes that have had no exception: they cost no look at the processes.
    if (!this.attempts.any && this.suspicions.length === 0) return NOTHING;
    const process = this.bound?.guest.processOn(hart);
    if (!process) return NOTHING;
    const attempt = this.attempts.handled(hart, process.pagetable);
    const ended = `its handler ended ${named(process)} with status ${status}`;
    if (attempt) return this.judge(attempt, process, ended);
    const own = this.suspicions.filter(({ parent }) => parent === process.pid);
    const last = own.at(-1);
    if (last === undefined) return NOTHING;
    const forget = (): void => {
      this.suspicions = this.suspicions.filter((one) => !own.includes(one));
    };
    if (status === 0) return { cause: undefined, record: forget };
    const complaint = `${last.victim}; its parent, ${named(process)}, then exited with status ${status}: a test that failed, if this was not meant`;
    const found = this.finding(last.attempt, complaint);
    return {
      ...found,
      record: () => {
        forget();
        found.record();
      },
    };
  }

  private judge(attempt: Attempt, process: RunningProcess, ended: string): Finding {
    const verdict = this.verdict(attempt, process);
    if (verdict === 'unresolved') return this.finding(attempt, ended);
    const { parentPid } = process;
    return {
      cause: undefined,
      record: () => {
        this.attempts.forget(attempt);
        if (verdict === 'open' && parentPid !== undefined)
          this.suspicions = [...this.suspicions, { attempt, victim: ended, parent: parentPid }].slice(-MOST);
      },
    };
  }

  private verdict({ event }: Attempt, process: RunningProcess): ReturnType<typeof verdictOn> {
    const { pagetable } = process;
    return verdictOn(
      event,
      process,
      pagetable === undefined ? undefined : this.bound?.guest.walk(pagetable, event.tval),
    );
  }

  private finding(attempt: Attempt, outcome: string): Finding {
    const { event, at } = attempt;
    const text = `not resolved: ${outcome}`;
    const unresolved: UnresolvedTrap = { at, outcome: text };
    const record = (): void => {
      this.attempts.forget(attempt);
      this.known.set(instantName(at), unresolved);
    };
    return this.isTold(attempt) ? { cause: undefined, record } : { cause: { kind: 'trap', event, unresolved }, record };
  }

  private isTold({ at }: Attempt): boolean {
    const name = instantName(at);
    return this.known.has(name) || this.seen.has(name);
  }

  private place(hart: number): TrapPlace {
    const { guest, machine } = this.bound!;
    return { root: guest.tableOn(hart), retired: machine.harts[hart]!.retired };
  }

  /** Returns from traps are followed while there is an attempt: most runs have none. */
  private listen(): void {
    if (this.attempts.any === (this.returns !== undefined)) return;
    this.returns?.end();
    this.returns = undefined;
    if (!this.attempts.any) return;
    this.returns = this.bound?.machine.subscribe({
      trapReturn: (event) => {
        this.attempts.returned(event, this.place(event.hart));
        return false;
      },
    });
  }
}
