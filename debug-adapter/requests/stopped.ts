/**
 * One stop: why, the stacks of the harts as they are asked for, and the references to variables that were given out. All
 * of it is void when the machine goes on.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Debuggee } from '../debuggee';
import type { StepInTarget } from '../run-control/step-in-targets';
import type { StopReport } from '../run-control/stops';
import { walkStack, type Frame } from '../stack';
import type { Thread } from '../threads';

/** What a variables reference stands for. */
export interface Container {
  list(page: { start: number; count: number; hex: boolean }): DebugProtocol.Variable[];
  /** Sets the variable of that name and answers it as it is then. Absent: none can be set. */
  set?(name: string, value: string, hex: boolean): DebugProtocol.Variable;
}

export class Stopped {
  readonly #frames = new Map<number, Frame>();
  readonly #stacks = new Map<string, Frame[]>();
  readonly #containers: Container[] = [];
  readonly #steps: StepInTarget[] = [];

  constructor(
    private readonly debuggee: Debuggee,
    readonly report: StopReport,
  ) {}

  /** The frames of a thread, innermost first. */
  stack(thread: Thread): readonly Frame[] {
    const key = thread.kind === 'hart' ? `hart ${thread.hart}` : `process ${thread.process.address}`;
    let stack = this.#stacks.get(key);
    if (!stack) {
      stack = walkStack(this.debuggee, thread, this.#frames.size + 1);
      this.#stacks.set(key, stack);
      for (const frame of stack) this.#frames.set(frame.id, frame);
    }
    return stack;
  }

  /** A frame by its id, or with no id the innermost one of the hart that stopped. */
  frame(id?: number): Frame {
    const frame = id === undefined ? this.stack({ kind: 'hart', hart: this.report.hart })[0] : this.#frames.get(id);
    if (!frame) throw new Error(`There is no stack frame ${id} at this stop.`);
    return frame;
  }

  /** Values have been changed: stacks are to be walked anew. Frames that were given out keep their ids. */
  changed(): void {
    this.#stacks.clear();
  }

  /** Keeps a call that `stepIn` may be given, and answers its id. */
  keepStep(target: StepInTarget): number {
    return this.#steps.push(target);
  }

  stepInTarget(id: number): StepInTarget {
    const target = this.#steps[id - 1];
    if (!target) throw new Error(`There is no step-in target ${id} at this stop.`);
    return target;
  }

  /** Keeps a container for later requests and answers its variables reference, never 0. */
  keep(container: Container): number {
    return this.#containers.push(container);
  }

  container(reference: number): Container {
    const container = this.#containers[reference - 1];
    if (!container) throw new Error(`There is no variables reference ${reference} at this stop.`);
    return container;
  }
}
