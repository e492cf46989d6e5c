/**
 * The instruction at an address of whatever memory: a hart's address space, a program in its file. An instruction has one or
 * two parcels of 16 bits (RISC-V unprivileged specification, section 1.5), and the second may lie in another page than the
 * first, or where nothing can be read: then each is read by itself.
 */
import { PAGE_SIZE } from '../sv39';
import { type Decoded, decode, lengthOf } from './decode';

/** Reads `length` bytes; undefined if not all of them can be read. */
export type ReadBytes = (address: bigint, length: number) => Uint8Array | undefined;

/** The instruction word at an address, as `decode` takes it; undefined where it cannot be read. */
export function wordAt(read: ReadBytes, address: bigint): number | undefined {
  const both = address % PAGE_SIZE <= PAGE_SIZE - 4n ? read(address, 4) : undefined;
  if (both?.length === 4) {
    const word = new DataView(both.buffer, both.byteOffset).getInt32(0, true);
    return lengthOf(word) === 2 ? word & 0xffff : word;
  }
  const low = parcelAt(read, address);
  if (low === undefined || lengthOf(low) === 2) return low;
  const high = parcelAt(read, BigInt.asUintN(64, address + 2n));
  return high === undefined ? undefined : low | (high << 16);
}

function parcelAt(read: ReadBytes, address: bigint): number | undefined {
  const bytes = read(address, 2);
  return bytes?.length === 2 ? bytes[0]! | (bytes[1]! << 8) : undefined;
}

/** The instruction at an address; undefined where it cannot be read or is none. */
export function instructionAt(read: ReadBytes, address: bigint): Decoded | undefined {
  const word = wordAt(read, address);
  return word === undefined ? undefined : decode(word);
}

export interface PlacedInstruction {
  address: bigint;
  word: number;
  /** Undefined if the word is illegal. */
  decoded: Decoded | undefined;
}

/** The instructions in memory from `from` to before `to`, or to where nothing can be read. */
export function* instructionsFrom(read: ReadBytes, from: bigint, to = 1n << 64n): Generator<PlacedInstruction> {
  for (let address = from; address < to;) {
    const word = wordAt(read, address);
    if (word === undefined) return;
    yield { address, word, decoded: decode(word) };
    address += BigInt(lengthOf(word));
  }
}
