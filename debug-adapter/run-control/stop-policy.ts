/**
 * Decides at each stop of the machine whether the debugger stops: by breakpoints with their conditions, hit counts and log
 * messages, by catchpoints, and by data breakpoints.
 */
import { Mode, type Hart, type Stop } from '../../emulator/types';
import type { Program } from '../code/programs';
import type { Breakpoints } from './breakpoints';
import type { Catchpoints } from './catchpoints';
import type { DataBreakpoints } from './data-breakpoints';
import { evaluateHit, type ConditionEvaluator } from './conditions';
import type { StopPolicy } from './runner';
import type { StopReport } from './stops';

export interface PolicyContext extends ConditionEvaluator {
  /** The user program that a hart runs; undefined if it is not known. */
  programOn(hart: Hart): Program | undefined;
  /** Whether a hart has a program's bytes at an address. Faster than finding out which program it runs. */
  hasBytes(hart: Hart, program: Program, address: bigint): boolean;
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
    private readonly around: PolicyContext,
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
      owner !== 'kernel' && this.around.hasBytes(hart, owner, address);
    return this.breakpoints.at(address, has).length > 0;
  }

  breakpoint(hart: Hart): StopReport | undefined {
    const user = hart.mode === Mode.User;
    const program = user ? this.around.programOn(hart) : 'kernel';
    const hit = this.breakpoints
      .at(hart.pc, (owner) => owner === program)
      .map((breakpoint) => ({ breakpoint, answer: evaluateHit(this.around, breakpoint.spec, breakpoint, hart.id) }));
    const stopping = hit.filter(({ answer }) => answer.stop);
    const caught = user ? undefined : this.catchpoints.reached(hart);
    if (caught)
      return {
        ...caught,
        ...(stopping.length > 0 ? { hitBreakpointIds: stopping.map(({ breakpoint }) => breakpoint.id) } : {}),
      };
    const first = stopping[0];
    if (!first) return undefined;
    const { spec } = first.breakpoint;
    const { kind } = spec;
    const failure = stopping.find(({ answer }) => answer.failure !== undefined)?.answer.failure;
    return {
      hart: hart.id,
      reason: kind === 'line' ? 'breakpoint' : `${kind} breakpoint`,
      hitBreakpointIds: stopping.map(({ breakpoint }) => breakpoint.id),
      ...(spec.kind === 'line' ? { origin: { kind: spec.kind, line: first.breakpoint.binding.line } } : {}),
      ...(spec.kind === 'function' ? { origin: { kind: spec.kind, name: spec.name } } : {}),
      ...(failure === undefined ? {} : { description: failure, text: failure }),
    };
  }

  observed(stop: Stop): StopReport | undefined {
    if (!this.enabled) return undefined;
    return stop.kind === 'data' ? this.data.judge(stop) : this.catchpoints.judge(stop);
  }
}
