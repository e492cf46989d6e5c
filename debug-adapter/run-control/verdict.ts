/**
 * Decides at each stop of the machine whether the user wants it: breakpoints with their conditions, hit counts and log
 * messages, the catchpoints, and panic.
 */
import { Mode, type Hart, type Stop } from '../../emulator/types';
import type { Program } from '../programs';
import type { Breakpoints } from './breakpoints';
import type { Catchpoints } from './catchpoints';
import type { DataBreakpoints } from './data-breakpoints';
import { ask, type Asking } from './question';
import type { Judge } from './runner';
import type { StopReport } from './stops';

export interface Surroundings extends Asking {
  /** The user program that a hart runs; undefined for one of which nothing is known. */
  programOn(hart: Hart): Program | undefined;
  /** Whether a program's bytes at an address are what a hart has there. Quicker to tell than which program it runs. */
  hasBytes(hart: Hart, program: Program, address: bigint): boolean;
  /** Addresses of the first instruction of the kernel's `panic`; empty if it has none. */
  panic: readonly bigint[];
  /** What is being panicked about, at panic's first instruction. */
  panicMessage(hart: Hart): string;
}

const NOWHERE: ReadonlySet<bigint> = new Set();

export class Verdict implements Judge {
  /** With noDebug nothing but the end of the machine stops it. */
  enabled = true;
  #version = -1;
  #addresses = NOWHERE;

  constructor(
    private readonly breakpoints: Breakpoints,
    private readonly catchpoints: Catchpoints,
    private readonly data: DataBreakpoints,
    private readonly around: Surroundings,
  ) {}

  addresses(): ReadonlySet<bigint> {
    if (this.#version !== this.breakpoints.version) {
      this.#version = this.breakpoints.version;
      this.#addresses = new Set([...this.breakpoints.addresses, ...this.around.panic]);
    }
    return this.enabled ? this.#addresses : NOWHERE;
  }

  concerns(hart: Hart, address: bigint): boolean {
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
      .map((breakpoint) => ({ breakpoint, answer: ask(this.around, breakpoint.wanted, breakpoint, hart.id) }));
    const stopping = hit.filter(({ answer }) => answer.stop);
    if (!user && this.around.panic.includes(hart.pc)) {
      const message = this.around.panicMessage(hart);
      return {
        hart: hart.id,
        reason: 'exception',
        description: `panic: ${message}`,
        text: `panic: ${message}`,
        cause: { kind: 'panic', message },
        ...(stopping.length > 0 ? { hitBreakpointIds: stopping.map(({ breakpoint }) => breakpoint.id) } : {}),
      };
    }
    const first = stopping[0];
    if (!first) return undefined;
    const { kind } = first.breakpoint.wanted;
    const failure = stopping.find(({ answer }) => answer.failure !== undefined)?.answer.failure;
    return {
      hart: hart.id,
      reason: kind === 'line' ? 'breakpoint' : `${kind} breakpoint`,
      hitBreakpointIds: stopping.map(({ breakpoint }) => breakpoint.id),
      ...(failure === undefined ? {} : { description: failure, text: failure }),
    };
  }

  observed(stop: Stop): StopReport | undefined {
    if (!this.enabled) return undefined;
    return stop.kind === 'data' ? this.data.judge(stop) : this.catchpoints.judge(stop);
  }
}
