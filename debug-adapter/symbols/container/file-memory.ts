/** The memory of a program as its file has it, by linked addresses. */
import type { ReadMemory, Segment } from '../api';

/** Reads of the bytes that the segments have in the file; undefined for what is not whole in one of them. */
export const fileMemory =
  (segments: readonly Segment[]): ReadMemory =>
  (address, length) => {
    const segment = segments.find(
      ({ virtualAddress, bytes }) =>
        virtualAddress <= address && address + BigInt(length) <= virtualAddress + BigInt(bytes.length),
    );
    const at = segment && Number(address - segment.virtualAddress);
    return at === undefined ? undefined : segment!.bytes.subarray(at, at + length);
  };
