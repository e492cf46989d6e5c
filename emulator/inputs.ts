/** What an input does to a machine's harts and memory; what the board as a whole does with it is in machine.ts. */
import type { HartState } from './cpu/hart';
import type { GuestMemory } from './mmu/guest-memory';
import type { MachineInput } from './types';

/** As the log keeps it: whoever applied it may use its bytes again. */
export const copyOf = (input: MachineInput): MachineInput =>
  'bytes' in input ? { ...input, bytes: input.bytes.slice() } : input;

/** What a debugger writes. */
export type DebuggerWrite = Extract<MachineInput, { kind: 'pc' | 'register' | 'csr' | 'mode' | 'memory' }>;

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
    case 'csr':
      return hart.setCsr(input.csr, input.value);
    case 'mode':
      hart.mode = input.mode;
      return true;
  }
}
