/** Runs a hart for a slice: the generated code as far as it gets, then by hand what it left, and so on. */
import { lengthOf } from '../isa/instructions/decode';
import type { GuestMemory } from '../mmu/guest-memory';
import type { AccessSize } from '../types';
import type { MemoryAccess } from '../cpu/access';
import type { CodeCache } from './code-cache';
import type { SystemInstructions } from '../cpu/system-instructions';
import type { HartState } from '../cpu/hart';
import { Begin, Exit, type InterpreterExports } from './interpreter';
import { interpreterBytes } from './interpreter-bytes';
import { BOXED, SIGNED, Status } from '../layout';
import { FIRST_SIDE_EXIT } from './translator';
import { writeSingleStep } from './opcodes';

/** What the executor needs of the machine. */
export interface ExecutorHost {
  /** By its next instruction the hart may meet others, which are behind: its turn comes to its end. */
  meets(hart: HartState): void;
  /** The instruction at hand has tried to take a lock that is taken. */
  contends(hart: HartState): void;
  /** Watched bytes were touched since this was last called, by an instruction that is done or that has only been fetched. */
  watchedTouched(done: boolean): void;
}

/** After these the instruction at hand is still to be executed. */
const BEGINS: ReadonlySet<Exit> = new Set([Exit.fetch, Exit.special, Exit.hot, Exit.loopIdiom]);

/** The interpreter's module, compiled once a process. */
let compiled: WebAssembly.Module | undefined;

export class Executor {
  private generated: InterpreterExports['run'] | undefined;

  constructor(
    private readonly memory: GuestMemory,
    private readonly code: CodeCache,
    private readonly access: MemoryAccess,
    private readonly system: SystemInstructions,
    private readonly machine: ExecutorHost,
  ) {}

  /** The generated code, made when it is first needed. */
  private get interpret(): InterpreterExports['run'] {
    if (this.generated === undefined) {
      const env = { memory: this.memory.memory, table: this.code.table };
      const instance = new WebAssembly.Instance((compiled ??= new WebAssembly.Module(interpreterBytes())), { env });
      this.generated = (instance.exports as unknown as InterpreterExports).run;
    }
    return this.generated;
  }

  /** Until the hart's remaining count is 0, or something ends the slice. */
  run(hart: HartState): void {
    let status = Status.reload;
    const { interpret } = this;
    hart.makeCurrent();
    while (status !== Status.exit) {
      const result = interpret(status === Status.scratch ? Begin.scratch : Begin.atPc);
      const reason = result < FIRST_SIDE_EXIT ? (result as Exit) : this.takeSideExit(hart, result);
      // Noted first: a store may detach the very record it came from.
      const length = lengthOf(hart.word);
      status = this.handleExit(hart, reason);
      if (status === Status.done) hart.advance(length);
      if (this.memory.watches.pending) this.machine.watchedTouched(!BEGINS.has(reason));
    }
    hart.makeParked();
  }

  /**
   * Executes one instruction that reads, computes or jumps, given by its word at the hart's pc; false, and nothing done, if
   * it faults or reads a device. It does not matter what is cached, nor whether there is a breakpoint. Quicker for a hart that is
   * current already.
   */
  executeOnce(hart: HartState, word: number): boolean {
    hart.remaining = 1;
    hart.meets = 0;
    hart.contends = 0;
    const { isCurrent } = hart;
    if (!isCurrent) hart.makeCurrent();
    writeSingleStep(this.memory, word);
    const reason = this.interpret(Begin.scratch);
    let done = hart.remaining === 0 && reason !== Exit.load;
    if (reason === Exit.load) {
      const { address, detail } = hart;
      done = this.access.tryLoad(hart, address, (detail & 15) as AccessSize, (detail & SIGNED) !== 0);
      if (done) hart.advance(lengthOf(word));
    }
    if (!isCurrent) hart.makeParked();
    return done;
  }

  private load(hart: HartState, detail: number): Status {
    const status = this.access.load(hart, (detail & 15) as AccessSize, (detail & SIGNED) !== 0);
    if ((detail & BOXED) !== 0 && status === Status.done) hart.boxRd();
    return status;
  }

  /** An atomic on a watched word is run here and now, so that what it did is known at its end. */
  private atomic(hart: HartState, bytes: 4 | 8): Status {
    // Noted first: the store may detach the very record it comes from.
    const { word } = hart;
    const status = this.access.atomic(hart, bytes);
    if (status !== Status.scratch) return status;
    writeSingleStep(this.memory, word);
    if (!this.memory.watches.pending) return status;
    const { remaining, meets, contends } = hart;
    hart.remaining = 1;
    hart.meets = 0;
    hart.contends = remaining <= contends ? 1 : 0;
    const taken = this.interpret(Begin.scratch) === Exit.contends;
    hart.remaining = remaining - 1;
    hart.meets = meets;
    hart.contends = contends;
    if (taken) {
      this.machine.contends(hart);
      hart.advance(4);
    }
    return Status.reload;
  }

  /** A region, whose index is the detail, has left an instruction to be done here: records which. */
  private takeSideExit(hart: HartState, result: number): Exit {
    const { exit, detail, back, offset, record } = this.code.sideExit(hart.detail, result);
    hart.tookSideExit(offset, record, detail);
    hart.remaining += back;
    return exit;
  }

  private handleExit(hart: HartState, reason: Exit): Status {
    const { detail } = hart;
    switch (reason) {
      case Exit.budget:
        return Status.exit;
      case Exit.fetch:
        return this.code.fetch(hart);
      case Exit.load:
        return this.load(hart, detail);
      case Exit.store:
        return this.access.store(hart, detail as AccessSize);
      case Exit.atomic:
        return this.atomic(hart, detail as 4 | 8);
      case Exit.environment:
        return this.system.execute(hart, detail);
      case Exit.special:
        return this.code.special(hart, hart.record);
      case Exit.loopIdiom:
        return this.code.loopIdiom(hart, hart.record);
      case Exit.hot:
        return this.code.hot(hart);
      case Exit.contends:
        this.machine.contends(hart);
        return Status.done;
      case Exit.meets:
        this.machine.meets(hart);
        return Status.reload;
      case Exit.region:
      case Exit.short:
        throw new Error('the dispatcher returned an exit that it handles itself');
    }
  }
}
