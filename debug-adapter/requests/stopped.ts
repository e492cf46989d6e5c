/**
 * One stop: its reason, the stacks of the threads, computed on demand, and the references sent to the client. All of it
 * becomes invalid when the machine continues.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Hart } from '../../emulator/types';
import type { Debuggee } from '../launch/debuggee';
import type { MappedProgram } from '../code/mapped-program';
import { CSRS } from '../../emulator/isa/csr-fields';
import { F_NAMES, X_NAMES } from '../../emulator/isa/registers';
import type { StepInTarget } from '../run-control/stepping/step-in-targets';
import type { EvaluationContext, Value } from '../expressions/value';
import type { StopReport } from '../run-control/stops';
import type { Frame } from '../stack/frame';
import { walkStack } from '../stack/stack';
import type { Thread } from '../stack/threads';

/** What a variables reference refers to. */
export interface Container {
  list(page: { start: number; count: number; hex: boolean }): DebugProtocol.Variable[];
  /** Sets a variable by name and returns it with its new value. Absent if none can be set. */
  set?(name: string, value: string, hex: boolean): DebugProtocol.Variable;
  /** The value of a variable. Absent if the variables are only texts. */
  find?(name: string): { value: Value; evaluateName?: string; evaluation: EvaluationContext } | undefined;
}

/** pc, registers and CSRs of a hart, by name. */
export type RegisterValues = ReadonlyMap<string, bigint>;

function registersOf(hart: Hart): RegisterValues {
  const registers = new Map([['pc', hart.pc]]);
  X_NAMES.forEach((name, number) => registers.set(name, hart.x(number)));
  F_NAMES.forEach((name, number) => registers.set(name, hart.f(number)));
  for (const { name, address } of CSRS) {
    const value = hart.csr(address);
    if (value !== undefined) registers.set(name, BigInt.asUintN(64, value));
  }
  return registers;
}

/** A line of a source, as recorded by the compiler. */
export interface SourceLocation {
  file: string;
  line: number;
}

/** A linked address in a program. */
export interface GotoTarget {
  image: MappedProgram;
  address: bigint;
}

export class Stopped {
  /** A heading for it, as the client was told. */
  title = 'Stopped';
  /** The harts' registers when they stopped. */
  readonly registers: readonly RegisterValues[];
  private readonly frames = new Map<number, Frame>();
  private readonly stacks = new Map<string, Frame[]>();
  private readonly containers: Container[] = [];
  private readonly locations: SourceLocation[] = [];
  private readonly targets: GotoTarget[] = [];
  private readonly steps: StepInTarget[] = [];

  constructor(
    private readonly debuggee: Debuggee,
    readonly report: StopReport,
    /** The harts' registers at the stop before. */
    readonly before?: readonly RegisterValues[],
  ) {
    this.registers = debuggee.harts.map(registersOf);
  }

  /** The frames of a thread, innermost first. */
  stack(thread: Thread): readonly Frame[] {
    const key = thread.kind === 'hart' ? `hart ${thread.hart}` : `process ${thread.process.address}`;
    let stack = this.stacks.get(key);
    if (!stack) {
      const stoppedHere = thread.kind === 'hart' && thread.hart === this.report.hart;
      stack = walkStack(this.debuggee, thread, this.frames.size + 1, stoppedHere ? this.report.origin : undefined);
      this.stacks.set(key, stack);
      for (const frame of stack) this.frames.set(frame.id, frame);
    }
    return stack;
  }

  /** A frame by its id; without an id, the innermost one of the hart that stopped. */
  frame(id?: number): Frame {
    const frame = id === undefined ? this.stack({ kind: 'hart', hart: this.report.hart })[0] : this.frames.get(id);
    if (!frame) throw new Error(`There is no stack frame ${id} at this stop.`);
    return frame;
  }

  /** Discards the stacks after a change of values. Frames sent to the client keep their ids. */
  changed(): void {
    this.stacks.clear();
  }

  /** The stack of a frame, innermost first. */
  stackOf(frame: Frame): readonly Frame[] {
    return [...this.stacks.values()].find((stack) => stack.includes(frame)) ?? [frame];
  }

  /** Keeps a source location. Returns its reference, never 0. */
  keepLocation(location: SourceLocation): number {
    return this.locations.push(location);
  }

  location(reference: number): SourceLocation {
    const location = this.locations[reference - 1];
    if (!location) throw new Error(`There is no location reference ${reference} at this stop.`);
    return location;
  }

  /** Keeps a target of `goto`. Returns its id. */
  keepTarget(target: GotoTarget): number {
    return this.targets.push(target);
  }

  target(id: number): GotoTarget {
    const target = this.targets[id - 1];
    if (!target) throw new Error(`There is no goto target ${id} at this stop.`);
    return target;
  }

  /** Keeps a target of `stepIn`. Returns its id. */
  keepStep(target: StepInTarget): number {
    return this.steps.push(target);
  }

  stepInTarget(id: number): StepInTarget {
    const target = this.steps[id - 1];
    if (!target) throw new Error(`There is no step-in target ${id} at this stop.`);
    return target;
  }

  /** Keeps a container for later requests. Returns its variables reference, never 0. */
  keep(container: Container): number {
    return this.containers.push(container);
  }

  container(reference: number): Container {
    const container = this.containers[reference - 1];
    if (!container) throw new Error(`There is no variables reference ${reference} at this stop.`);
    return container;
  }
}
