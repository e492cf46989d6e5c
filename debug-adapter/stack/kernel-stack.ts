/** The kernel stack of a process: how much of it is in use, and how much ever was, as far as its bytes tell. */
import { X } from '../../emulator/isa/registers';
import { PAGE_SIZE } from '../../emulator/isa/sv39';
import { Mode, type Hart } from '../../emulator/types';
import { kernelSpace, type GuestKernel } from '../xv6/address-spaces';
import { allProcesses, parkedRegisters, type Process } from '../xv6/processes';

/** Pages of the largest stack that is looked at. */
const MOST_PAGES = 16;

export interface KernelStack {
  /** Its lowest address, and its size in bytes. */
  readonly address: bigint;
  readonly size: number;
  /** Bytes from the top to the stack pointer; undefined where that is not in this stack, as in user mode. */
  readonly used: number | undefined;
  /**
   * Bytes from the top down to the lowest byte that differs from those at the bottom, which a stack has not reached where all are
   * alike: kalloc fills a page with one byte. Undefined if the stack cannot be read.
   */
  readonly deepest: number | undefined;
}

/** `hart`: the one that runs the process now, if one does. */
export function kernelStack(guest: GuestKernel, process: Process, hart: Hart | undefined): KernelStack | undefined {
  const address = process.kstack;
  if (address === undefined || address === 0n) return undefined;
  const space = kernelSpace(guest, process);
  const others = new Set(allProcesses(guest.xv6).flatMap(({ kstack }) => kstack ?? []));
  const contents: Uint8Array[] = [];
  // Up to the guard page of the stack above, or to that stack itself.
  while (contents.length < MOST_PAGES) {
    const page = address + BigInt(contents.length) * PAGE_SIZE;
    const bytes = contents.length > 0 && others.has(page) ? undefined : space.read(page, Number(PAGE_SIZE));
    if (bytes === undefined || page === guest.xv6.top.trampoline) break;
    contents.push(bytes);
  }
  const size = Math.max(1, contents.length) * Number(PAGE_SIZE);
  const sp =
    hart === undefined
      ? parkedRegisters(guest.xv6, process)?.x[X.sp]
      : hart.mode === Mode.User
        ? undefined
        : hart.x(X.sp);
  const used = sp === undefined ? undefined : Number(address + BigInt(size) - sp);
  return {
    ...{ address, size },
    used: used !== undefined && used >= 0 && used <= size ? used : undefined,
    deepest: contents.length === 0 ? undefined : size - untouched(contents),
  };
}

/** Bytes at the bottom that are all alike. */
function untouched(contents: readonly Uint8Array[]): number {
  const fill = contents[0]![0]!;
  let count = 0;
  for (const page of contents) {
    const end = page.findIndex((byte) => byte !== fill);
    if (end >= 0) return count + end;
    count += page.length;
  }
  return count;
}
