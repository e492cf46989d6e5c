/**
 * Decides at each stop of the machine whether the debugger stops: by breakpoints with their conditions, hit counts and log
 * messages, by catchpoints, and by data breakpoints.
 */
import { Mode, type Hart, type Stop } from '../../emulator/types';
import type { Program } from '../code/programs';
import type { Breakpoint, Breakpoints } from './breakpoints';
import type { Catchpoints } from './catchpoints';
import type { DataBreakpoints } from './data-breakpoints';
import { note } from './hits';
import { decideHit, type ConditionEvaluator, type HitDecision } from './conditions';
import { RUN_ON, type Decision, type StopReport } from './stops';

/** Decides whether the user wants to stop. Deciding has no effects; see Decision. */
export interface StopPolicy {
  /** Addresses at which the machine must stop for a decision. */
  addresses(): ReadonlySet<bigint>;
  /** Whether an address may be one of them for what the hart runs now: only then the machine need stop. */
  appliesTo(hart: Hart, address: bigint): boolean;
  /** At the instruction that a hart is about to execute. */
  decideAt(hart: Hart): Decision;
  /** At a stop that an observer requested. */
  decide(stop: Stop): Decision;
}

export interface PolicyContext extends ConditionEvaluator {
  /** The user program that a hart runs; undefined if it is not known. */
  programOn(hart: Hart): Program | undefined;
  /** Whether a hart has a program's bytes at an address. Faster than finding out which program it runs. */
  hasBytes(hart: Hart, program: Program, address: bigint): boolean;
}

interface BreakpointHit {
  breakpoint: Breakpoint;
  decision: HitDecision;
}

const NOWHERE: ReadonlySet<bigint> = new Set();

export class BreakpointPolicy implements StopPolicy {
  /** False with noDebug: then only the end of the machine stops it. */
  enabled = true;
  private version = -1;
  private knownAddresses = NOWHERE;

  constructor(
    private readonly breakpoints: Breakpoints,
    private readonly catchpoints: Catchpoints,
    private readonly data: DataBreakpoints,
    private readonly context: PolicyContext,
  ) {}

  addresses(): ReadonlySet<bigint> {
    const version = this.breakpoints.version + this.catchpoints.version;
    if (this.version !== version) {
      this.version = version;
      this.knownAddresses = new Set([...this.breakpoints.addresses, ...this.catchpoints.addresses]);
    }
    return this.enabled ? this.knownAddresses : NOWHERE;
  }

  appliesTo(hart: Hart, address: bigint): boolean {
    if (hart.mode !== Mode.User) return true;
    const has = (owner: 'kernel' | Program): boolean =>
      owner !== 'kernel' && this.context.hasBytes(hart, owner, address);
    return this.breakpoints.at(address, has).length > 0;
  }

  decideAt(hart: Hart): Decision {
    if (!this.enabled) return RUN_ON;
    const user = hart.mode === Mode.User;
    const program = user ? this.context.programOn(hart) : 'kernel';
    const hit = this.breakpoints
      .at(hart.pc, (owner) => owner === program)
      .map((breakpoint) => ({ breakpoint, decision: decideHit(this.context, breakpoint.spec, breakpoint, hart.id) }));
    const caught = user ? RUN_ON : this.catchpoints.decideAt(hart);
    return {
      report: this.reportOf(hart, hit, caught.report),
      logs: hit.flatMap(({ decision }) => decision.log ?? []),
      record: () => {
        for (const { breakpoint, decision } of hit) note(breakpoint, decision.after, this.breakpoints.run?.instant);
        caught.record();
      },
    };
  }

  decide(stop: Stop): Decision {
    if (!this.enabled) return RUN_ON;
    const caught = this.catchpoints.decide(stop);
    if (stop.kind !== 'data') return caught;
    const own = this.data.decide(stop);
    return {
      report: caught.report ? { ...own.report, ...caught.report } : own.report,
      logs: own.logs,
      record: () => {
        own.record();
        caught.record();
      },
    };
  }

  private reportOf(hart: Hart, hit: readonly BreakpointHit[], caught: StopReport | undefined): StopReport | undefined {
    const stopping = hit.filter(({ decision }) => decision.stop);
    const hitBreakpointIds = stopping.map(({ breakpoint }) => breakpoint.id);
    if (caught) return { ...caught, ...(stopping.length > 0 ? { hitBreakpointIds } : {}) };
    const first = stopping[0];
    if (!first) return undefined;
    const { spec, binding } = first.breakpoint;
    const { kind } = spec;
    const { file, line } = binding;
    const failure = stopping.find(({ decision }) => decision.failure !== undefined)?.decision.failure;
    return {
      hart: hart.id,
      reason: kind === 'line' ? 'breakpoint' : `${kind} breakpoint`,
      hitBreakpointIds,
      ...(spec.kind === 'line' ? { origin: { kind: spec.kind, file, line } } : {}),
      ...(spec.kind === 'function' ? { origin: { kind: spec.kind, name: spec.name } } : {}),
      ...(failure === undefined ? {} : { description: failure, text: failure }),
    };
  }
}
