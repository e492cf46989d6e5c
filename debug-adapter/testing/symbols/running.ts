/** Programs of the fixtures as they run in the emulator, for tests of what the debugger reads of them. */
import assert from 'node:assert/strict';
import { Machine } from '../../../emulator/machine';
import { setBreakpoints } from '../../../emulator/testing/breakpoints';
import type { EvaluationContext } from '../../expressions/value';
import type { Binary } from '../../symbols/api';
import { fileMemory } from '../../symbols/container/file-memory';

/** Where the caller of `stop` is when it calls it for the `times`-th time. Its memory can be read and not written. */
export function callerOf(binary: Binary, bytes: Uint8Array, stop: string, times: number): EvaluationContext {
  const machine = new Machine({ harts: 1, memory: 2 ** 20, kernel: bytes, legacyVirtio: false });
  setBreakpoints(machine, [binary.functionsNamed(stop)[0]!.low]);
  for (let count = 0; count < times; count++)
    assert.equal(machine.run({ instructions: 1_000_000 }).kind, 'breakpoint', `${stop} is called ${times} times`);
  const hart = machine.harts[0]!;
  const readMemory = (address: bigint, length: number): Uint8Array | undefined => machine.memory.read(address, length);
  const x = Array.from({ length: 32 }, (_, register) => hart.x(register));
  const frame = binary.unwind({ pc: hart.pc, x }, readMemory);
  assert.ok(frame, `${stop} has a caller`);
  return { binary, frame, scopePc: frame.pc - 1n, readMemory };
}

/** A program that has not begun: its memory is what the file has, and may be written. */
export function unstarted(binary: Binary): EvaluationContext {
  const segments = binary.segments.map((segment) => ({ ...segment, bytes: segment.bytes.slice() }));
  const writeMemory = (address: bigint, bytes: Uint8Array): boolean => {
    const segment = segments.find(({ virtualAddress: low, bytes: { length } }) => {
      return low <= address && address + BigInt(bytes.length) <= low + BigInt(length);
    });
    segment?.bytes.set(bytes, Number(address - segment.virtualAddress));
    return segment !== undefined;
  };
  return { binary, frame: { pc: binary.entry, x: [] }, readMemory: fileMemory(segments), writeMemory };
}
