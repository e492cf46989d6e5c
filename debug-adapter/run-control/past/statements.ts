/**
 * Where the lines of a call stack begin: a probe of the past that finds when a thread was about to begin a statement of one of
 * the functions that are on its stack now. A function is on a stack by its frame (the canonical frame address), so that
 * another call of it, before or within, is another one.
 */
import { X } from '../../../emulator/isa/registers';
import type { Probe } from '../../../emulator/history/timeline';
import { Mode, type Hart, type MachineApi } from '../../../emulator/types';
import type { MappedProgram } from '../../code/mapped-program';
import type { FrameRegisters, FunctionInfo, ReadMemory } from '../../symbols/api';
import { positionIn } from '../stepping/position';
import { executed } from './questions';
import type { StepContext } from '../stepping/step-plan';

/** A function that has been called and has not returned, innermost first in a stack. */
export interface Activation {
  readonly registers: FrameRegisters;
  readonly image: MappedProgram;
  readonly isUser: boolean;
  readonly read: ReadMemory;
  /** Calls inlined at its place that count as made. */
  readonly depth: number;
}

/** A thread of execution, and its stack. */
export interface StackedThread {
  readonly activations: readonly Activation[];
  /** See StepContext.processKey. */
  readonly process: string | undefined;
  /** The hart of a thread without a process. */
  readonly hart: number | undefined;
}

/** A statement, or the beginning of a function. */
export interface Statement {
  /** Which of the activations, by its index. */
  readonly activation: number;
  /** Undefined where the function begins. */
  readonly line: string | undefined;
}

/** A hart is about to begin a statement. */
export interface Beginning extends Statement {
  readonly hart: number;
}

/** A statement, and the frame in which it is one of the thread's. */
interface Framed extends Statement {
  readonly frame: Activation & { readonly cfa: bigint };
}

export class Statements {
  /** By the address at which they run. */
  private readonly statements = new Map<bigint, Framed[]>();

  constructor(
    private readonly machine: MachineApi,
    private readonly context: StepContext,
    private readonly thread: StackedThread,
  ) {
    for (const [index, activation] of thread.activations.entries()) {
      const { image, registers, read, depth } = activation;
      const info = image.binary.functionAt(image.lookup(registers));
      const cfa = frameAddress(activation, registers, read);
      if (info === undefined || cfa === undefined) continue;
      const frame = { ...activation, cfa };
      if (info.low !== info.stepStart) this.add(info.low, { activation: index, frame, line: undefined });
      for (const at of statementsOf(image, info)) {
        const place = positionIn(image, at, depth);
        if (place) this.add(at, { activation: index, frame, line: `${place.file}:${place.line}` });
      }
    }
  }

  /** Finds beginnings of the statements that `suits` holds for. */
  probe(suits: (statement: Statement) => boolean): Probe<Beginning> {
    const wanted = new Map<bigint, Framed[]>();
    for (const [address, all] of this.statements) {
      const suiting = all.filter(suits);
      if (suiting.length > 0) wanted.set(address, suiting);
    }
    const begun = (hart: Hart): Beginning | undefined => {
      const found = this.executes(hart) ? wanted.get(hart.pc)?.find(({ frame }) => this.isIn(hart, frame)) : undefined;
      return found && { hart: hart.id, activation: found.activation, line: found.line };
    };
    const probe = executed(this.machine, wanted.keys(), begun);
    // A process may have run on any hart.
    return { ...probe, hart: this.thread.process === undefined ? this.thread.hart : undefined };
  }

  private add(address: bigint, statement: Framed): void {
    for (const running of statement.frame.image.running(address)) {
      const others = this.statements.get(running);
      if (others) others.push(statement);
      else this.statements.set(running, [statement]);
    }
  }

  private executes(hart: Hart): boolean {
    const { process } = this.thread;
    return process === undefined
      ? hart.id === this.thread.hart && this.context.processKey(hart) === undefined
      : this.context.processKey(hart) === process;
  }

  private isIn(hart: Hart, { cfa, ...activation }: Framed['frame']): boolean {
    if (activation.isUser !== (hart.mode === Mode.User) || this.context.imageAt(hart) !== activation.image)
      return false;
    const x = Array.from({ length: 32 }, (_, register) => hart.x(register));
    return frameAddress(activation, { pc: hart.pc, x }, this.context.read(hart)) === cfa;
  }
}

/** The caller's stack pointer; the frame's own where there is no caller. */
function frameAddress({ image }: Activation, registers: FrameRegisters, read: ReadMemory): bigint | undefined {
  return image.caller(registers, read)?.x[X.sp] ?? registers.x[X.sp];
}

/** Where statements of a function begin, after its prologue. */
function statementsOf({ binary }: MappedProgram, { stepStart, high }: FunctionInfo): bigint[] {
  const found: bigint[] = [];
  for (let at = stepStart; at < high;) {
    const entry = binary.lineAt(at);
    if (entry?.isStatement && entry.address === at) found.push(at);
    at = entry !== undefined && entry.end > at ? entry.end : at + 2n;
  }
  return found;
}
