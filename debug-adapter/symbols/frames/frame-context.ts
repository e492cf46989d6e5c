/** The frame that a DWARF expression is evaluated in: its registers and memory, and facts of its function. */
import type { FrameRegisters, Location, ReadMemory } from '../api';
import { type ExpressionFrame, Unavailable } from '../dwarf/expression';

/** What depends on the function, and what call frame information does not use. */
export interface FunctionContext {
  frameBase(): bigint;
  cfa(): bigint;
  entryValue(expression: Uint8Array): bigint;
}

export class FrameContext implements ExpressionFrame {
  constructor(
    private readonly frame: FrameRegisters,
    readonly memory: ReadMemory,
    private readonly around?: FunctionContext,
  ) {}

  register(number: number): bigint {
    const value = this.frame.x[number];
    if (value === undefined) throw new Unavailable();
    return value;
  }

  registerLocation(number: number): Location {
    const saved = this.frame.savedAt?.[number];
    if (saved !== undefined) return { kind: 'memory', address: saved };
    return this.frame.x[number] !== undefined ? { kind: 'register', register: number } : { kind: 'optimized-out' };
  }

  read(address: bigint, length: number): Uint8Array {
    const bytes = this.memory(BigInt.asUintN(64, address), length);
    if (bytes?.length !== length) throw new Unavailable();
    return bytes;
  }

  frameBase(): bigint {
    return this.function().frameBase();
  }
  cfa(): bigint {
    return this.function().cfa();
  }
  entryValue(expression: Uint8Array): bigint {
    return this.function().entryValue(expression);
  }

  private function(): FunctionContext {
    if (this.around === undefined) throw new Unavailable();
    return this.around;
  }
}
