/** Where a function returns to: after each call of it, as of the kernel’s context switch. */
import { isCall, jumpDistance } from '../../emulator/isa/instructions/calls';
import type { Decoded } from '../../emulator/isa/instructions/decode';
import { instructionsFrom } from '../../emulator/isa/instructions/instruction-at';
import type { Binary } from '../symbols/api';
import { fileMemory } from '../symbols/container/file-memory';

/** Linked addresses of the instructions after the calls of a function; empty if there is no such function. */
export function returnsFrom(binary: Binary, name: string): bigint[] {
  const target = binary.symbol(name)?.address;
  if (target === undefined) return [];
  const found: bigint[] = [];
  for (const { executable, virtualAddress, bytes } of binary.segments) {
    if (!executable) continue;
    const end = virtualAddress + BigInt(bytes.length);
    let before: Decoded | undefined;
    for (const { address, decoded } of instructionsFrom(fileMemory(binary.segments), virtualAddress, end)) {
      const distance = decoded && isCall(decoded) ? jumpDistance(decoded, before) : undefined;
      if (distance !== undefined && address + BigInt(distance) === target)
        found.push(address + BigInt(decoded!.length));
      before = decoded;
    }
  }
  return found;
}
