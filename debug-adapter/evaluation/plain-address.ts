/**
 * Whether a number of the kernel is plainly an address, and so is shown in hexadecimal: by where it lies, since xv6 keeps
 * addresses, sizes and counts alike in `uint64`. An address in user memory is as small as a size, and is not told from one.
 */
import { rangeAt, memoryMap } from '../memory/memory-map';
import type { GuestKernel } from '../xv6/address-spaces';

/** Bit 38 of an address is 0 in xv6 (riscv.h: MAXVA). */
const MAXVA = 1n << 38n;
/** Below MAXVA lie the trampoline, trap frames and kernel stacks, within one lowest table. */
const TOP = 1n << 21n;

/** Pages of the largest device whose registers count; the windows for PCIe are so large that a count may well lie there. */
const LARGEST_DEVICE = 0x4000000 / 4096;

/**
 * In RAM or at its end; at a device, and more than there is memory, so that it is no size; or at the top of the address space,
 * where xv6 has the trampoline, trap frames and kernel stacks.
 */
export function isPlainAddress({ machine: { memory } }: Pick<GuestKernel, 'machine'>, value: bigint): boolean {
  const { dramBase, dramSize } = memory;
  if (value >= dramBase && value <= dramBase + dramSize) return true;
  if (value >= MAXVA - TOP && value < MAXVA) return true;
  if (value <= dramSize || value >= dramBase) return false;
  const device = rangeAt(memoryMap(memory), Number(value >> 12n));
  return device !== undefined && device.end - device.start <= LARGEST_DEVICE;
}
