/**
 * Whatever enters the machine from outside, and what that does to its harts and memory; what the board as a whole does with it
 * is in machine.ts.
 */
import type { HartState } from './cpu/hart';
import type { GuestMemory } from './mmu/guest-memory';
import type { Moment } from './history/instant';
import type { Mode } from './types';

/** Whatever enters the machine from outside. */
export type MachineInput =
  /** Key strokes for the UART. */
  | { kind: 'console'; bytes: Uint8Array }
  /** An Ethernet frame for the network interface, without its checksum. */
  | { kind: 'frame'; bytes: Uint8Array }
  /** Power on again: same kernel, same disk, fresh memory. */
  | { kind: 'reset' }
  /** While all harts wait: virtual time passes up to this tick, but not beyond what is due next. */
  | { kind: 'idle'; until: number }
  // What a debugger writes. It takes effect before the next instruction.
  | { kind: 'pc'; hart: number; value: bigint }
  | { kind: 'register'; hart: number; register: number; value: bigint }
  /** The 64 bits of f0 to f31. */
  | { kind: 'float'; hart: number; register: number; value: bigint }
  /** By its 12-bit address. */
  | { kind: 'csr'; hart: number; csr: number; value: bigint }
  | { kind: 'mode'; hart: number; mode: Mode }
  /** Physical, in DRAM. */
  | { kind: 'memory'; address: bigint; bytes: Uint8Array };

/** An input, and when it came. */
export interface LoggedInput extends Moment {
  readonly input: MachineInput;
}

/** The inputs that have come in since the first power on. */
export interface InputHistory {
  readonly count: number;
  /** Those after the first `count`. Throws RangeError if they are not known, as before the checkpoint of another machine. */
  since(count: number): readonly LoggedInput[];
  /** The first so many from the first power on, also those that are to come in again. Throws RangeError as `since` does. */
  through(count: number): readonly LoggedInput[];
}

/** As the log keeps it: whoever applied it may use its bytes again. (A Buffer's slice() would still be the same bytes.) */
export const copyOf = (input: MachineInput): MachineInput =>
  'bytes' in input ? { ...input, bytes: Uint8Array.from(input.bytes) } : input;

/** What a debugger writes. */
export type DebuggerWrite = Extract<MachineInput, { kind: 'pc' | 'register' | 'float' | 'csr' | 'mode' | 'memory' }>;

/** False, and nothing done, if there is no such CSR or memory. Throws RangeError if there is no such hart. */
export function write(harts: readonly HartState[], memory: GuestMemory, input: DebuggerWrite): boolean {
  if (input.kind === 'memory') return input.address >= memory.dramBase && memory.write(input.address, input.bytes);
  const hart = harts[input.hart];
  if (hart === undefined) throw new RangeError(`there is no hart ${input.hart}; the machine has ${harts.length}`);
  switch (input.kind) {
    case 'pc':
      hart.pc = BigInt.asUintN(64, input.value);
      return true;
    case 'register':
      hart.setX(input.register, BigInt.asUintN(64, input.value));
      return true;
    case 'float':
      hart.setF(input.register, BigInt.asUintN(64, input.value));
      return true;
    case 'csr':
      return hart.setCsr(input.csr, input.value);
    case 'mode':
      hart.mode = input.mode;
      return true;
  }
}
