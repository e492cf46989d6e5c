/**
 * One-shot stops when a process next runs: when a context switch has given it a hart. Adds to the stop policy, which decides
 * about all other stops.
 */
import { named } from '../xv6/processes';
import { SavedState } from '../../emulator/history/saved-state';
import type { Hart, State, Stop } from '../../emulator/types';
import type { StopPolicy } from './stop-policy';
import type { Decision } from './stops';

/** A process by its pid and its slot in the kernel's table, since the kernel may reuse one of them. */
export interface ProcessIdentity {
  pid: number;
  slot: number;
}

export interface ContextSwitches {
  /** The addresses at which a process continues after a switch: after the kernel's calls of swtch, or its start. */
  resumptions(awaited: readonly ProcessIdentity[]): Iterable<bigint>;
  /** The process in whose context a hart executes. */
  processOn(hart: Hart): (ProcessIdentity & { name: string }) | undefined;
}

/** What the user waits for. It is kept when it has come, since it is awaited again where an earlier state is restored. */
interface Wish {
  readonly id: number;
  readonly process: ProcessIdentity;
  met: boolean;
}

const same = (a: ProcessIdentity, b: ProcessIdentity): boolean => a.pid === b.pid && a.slot === b.slot;

export class AwaitedProcesses implements StopPolicy {
  private nextId = 1;
  private wishes: readonly Wish[] = [];
  private resumptions: ReadonlySet<bigint> = new Set();

  constructor(
    private readonly policy: StopPolicy,
    private readonly around: ContextSwitches,
  ) {}

  /** Sets or clears the stop for a process. The caller must then update the machine's breakpoints. */
  set(process: ProcessIdentity, on: boolean): void {
    const others = this.wishes.filter((one) => !same(one.process, process));
    const { pid, slot } = process;
    this.wishes = on ? [...others, { id: this.nextId++, process: { pid, slot }, met: false }] : others;
    this.index();
  }

  awaits = (process: ProcessIdentity): boolean => this.awaited.some((one) => same(one, process));

  save(): State {
    return { met: this.wishes.filter(({ met }) => met).map(({ id }) => id) };
  }

  /**
   * What had come, for a machine that is restored already. Throws an Error, and changes nothing, if it is not what `save`
   * made. The caller must then update the machine's breakpoints.
   */
  restore(state: State): void {
    const met = new Set(new SavedState('awaited processes', state).numbers('met'));
    for (const wish of this.wishes) wish.met = met.has(wish.id);
    this.index();
  }

  private get awaited(): ProcessIdentity[] {
    return this.wishes.filter(({ met }) => !met).map(({ process }) => process);
  }

  private index(): void {
    const { awaited } = this;
    this.resumptions = new Set(awaited.length > 0 ? this.around.resumptions(awaited) : []);
  }

  private met(process: ProcessIdentity): void {
    for (const wish of this.wishes) if (same(wish.process, process)) wish.met = true;
    this.index();
  }

  addresses(): ReadonlySet<bigint> {
    const others = this.policy.addresses();
    return this.resumptions.size === 0 ? others : new Set([...others, ...this.resumptions]);
  }

  appliesTo(hart: Hart, address: bigint): boolean {
    return this.resumptions.has(address) || this.policy.appliesTo(hart, address);
  }

  decideAt(hart: Hart): Decision {
    const other = this.policy.decideAt(hart);
    const process = this.resumptions.has(hart.pc) ? this.around.processOn(hart) : undefined;
    if (!process || !this.awaits(process)) return other;
    const description = `${named(process)} runs`;
    const text = `${description}, as was waited for.`;
    return {
      report: other.report ?? { hart: hart.id, reason: 'breakpoint', description, text },
      logs: other.logs,
      record: () => {
        other.record();
        this.met(process);
      },
    };
  }

  decide(stop: Stop): Decision {
    return this.policy.decide(stop);
  }
}
