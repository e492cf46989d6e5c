/**
 * One-shot stops when a process next runs: when a context switch has given it a hart. Adds to the stop policy, which decides
 * about all other stops.
 */
import type { Hart, Stop } from '../../emulator/types';
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

const same = (a: ProcessIdentity, b: ProcessIdentity): boolean => a.pid === b.pid && a.slot === b.slot;

export class AwaitedProcesses implements StopPolicy {
  private awaited: ProcessIdentity[] = [];
  private resumptions: ReadonlySet<bigint> = new Set();

  constructor(
    private readonly policy: StopPolicy,
    private readonly around: ContextSwitches,
  ) {}

  /** Sets or clears the stop for a process. The caller must then update the machine's breakpoints. */
  set(process: ProcessIdentity, on: boolean): void {
    const others = this.awaited.filter((one) => !same(one, process));
    this.awaited = on ? [...others, { pid: process.pid, slot: process.slot }] : others;
    this.resumptions = new Set(this.awaited.length > 0 ? this.around.resumptions(this.awaited) : []);
  }

  awaits = (process: ProcessIdentity): boolean => this.awaited.some((one) => same(one, process));

  addresses(): ReadonlySet<bigint> {
    const others = this.policy.addresses();
    return this.awaited.length === 0 ? others : new Set([...others, ...this.resumptions]);
  }

  appliesTo(hart: Hart, address: bigint): boolean {
    return this.resumptions.has(address) || this.policy.appliesTo(hart, address);
  }

  decideAt(hart: Hart): Decision {
    const other = this.policy.decideAt(hart);
    const process = this.resumptions.has(hart.pc) ? this.around.processOn(hart) : undefined;
    if (!process || !this.awaits(process)) return other;
    const description = `pid ${process.pid} ${process.name} runs`;
    const text = `${description}, as was waited for.`;
    return {
      report: other.report ?? { hart: hart.id, reason: 'breakpoint', description, text },
      logs: other.logs,
      record: () => {
        other.record();
        this.set(process, false);
      },
    };
  }

  decide(stop: Stop): Decision {
    return this.policy.decide(stop);
  }
}
