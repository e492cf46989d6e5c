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
import { position } from '../stepping/position';
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

/** A hart is about to begin a statement, or the function itself. */
export interface Beginning {
  readonly hart: number;
  /** Which of the activations, by its index. */
  readonly activation: number;
  /** Undefined where the function begins. */
  readonly line: string | undefined;
}

interface Known extends Activation {
  readonly info: FunctionInfo;
  readonly cfa: bigint;
}

export class Statements {
  private readonly known: readonly (Known | undefined)[];
  private readonly addresses = new Set<bigint>();

  constructor(
    private readonly machine: MachineApi,
    private readonly context: StepContext,
    private readonly thread: StackedThread,
  ) {
    this.known = thread.activations.map((activation) => {
      const { image, registers, read } = activation;
      const info = image.binary.functionAt(image.lookup(registers));
      const cfa = frameAddress(activation, registers, read);
      if (info === undefined || cfa === undefined) return undefined;
      for (const address of [info.low, ...statementsOf(image, info)])
        for (const running of image.running(address)) this.addresses.add(running);
      return { ...activation, info, cfa };
    });
  }

  /** Finds beginnings that `suits` holds for. */
  probe(suits: (beginning: Beginning) => boolean): Probe<Beginning> {
    return executed(this.machine, this.addresses, (hart) => {
      const beginning = this.at(hart);
      return beginning !== undefined && suits(beginning) ? beginning : undefined;
    });
  }

  /** What the hart is about to begin; undefined if it is nothing of the thread's. */
  private at(hart: Hart): Beginning | undefined {
    if (!this.executes(hart)) return undefined;
    const isUser = hart.mode === Mode.User;
    for (const [activation, known] of this.known.entries()) {
      if (known?.isUser !== isUser) continue;
      const pc = known.image.linked(hart.pc);
      if (pc < known.info.low || pc >= known.info.high || !this.isIn(hart, known)) continue;
      if (pc === known.info.low && known.info.low !== known.info.stepStart)
        return { hart: hart.id, activation, line: undefined };
      const place = position(this.context, hart, known.depth);
      if (place?.startsStatement !== true) continue;
      return { hart: hart.id, activation, line: `${place.file}:${place.line}` };
    }
    return undefined;
  }

  private executes(hart: Hart): boolean {
    const { process } = this.thread;
    return process === undefined
      ? hart.id === this.thread.hart && this.context.processKey(hart) === undefined
      : this.context.processKey(hart) === process;
  }

  private isIn(hart: Hart, { cfa, ...activation }: Known): boolean {
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
