/** Where the kernel's context switch returns to: behind each call of `swtch`. */
import { decode, lengthOf } from '../../emulator/isa/decode';
import type { Binary } from '../symbols/api';

const RA = 1;

/** Linked addresses of the instructions behind the calls of a function; empty if there is no such function. */
export function returnsFrom(binary: Binary, name: string): bigint[] {
  const target = binary.symbol(name)?.address;
  if (target === undefined) return [];
  const found: bigint[] = [];
  for (const { executable, virtualAddress, bytes } of binary.segments) {
    if (!executable) continue;
    /** What auipc has just put into a register: the first half of a far call. */
    let far: { register: number; value: bigint } | undefined;
    for (let at = 0; at + 2 <= bytes.length;) {
      const length = lengthOf(bytes[at]!);
      const word = bytes.subarray(at, at + length).reduce((sum, byte, index) => sum | (byte << (8 * index)), 0);
      const decoded = decode(word);
      const address = virtualAddress + BigInt(at);
      at += length;
      const before = far;
      far = undefined;
      if (!decoded) continue;
      const { instruction, rd, rs1, imm } = decoded;
      if (instruction.name === 'auipc') far = { register: rd, value: address + BigInt(imm) };
      const near = instruction.name === 'jal' ? address + BigInt(imm) : undefined;
      const called = instruction.name === 'jalr' && before?.register === rs1 ? before.value + BigInt(imm) : near;
      if (rd === RA && called === target) found.push(virtualAddress + BigInt(at));
    }
  }
  return found;
}
