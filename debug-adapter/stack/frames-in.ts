/** Which of the kernel's functions are under way: their frames on the stacks of all harts, and of the processes that none runs. */
import { X } from '../../emulator/isa/registers';
import { PAGE_SIZE } from '../../emulator/isa/sv39';
import { kernelSpace } from '../xv6/address-spaces';
import { parkedRegisters, type Process } from '../xv6/processes';
import type { Frame } from './frame';
import { walkKernelStack, type StackGuest } from './stack';
import { parkedProcesses, type Thread } from './threads';

/** The code of a function. */
export interface Range {
  readonly low: bigint;
  readonly high: bigint;
}

/** Pages of a stack that are looked at; xv6's have one. */
const STACK_PAGES = 16;

/** Frames in one of some functions. */
export function framesIn(guest: StackGuest, functions: readonly Range[]): Frame[] {
  const parked = parkedProcesses(guest).filter((process) => mayBeIn(guest, process, functions));
  const threads: Thread[] = [
    ...guest.harts.map(({ id }): Thread => ({ kind: 'hart', hart: id })),
    ...parked.map((process): Thread => ({ kind: 'process', process })),
  ];
  return threads
    .flatMap((thread) => walkKernelStack(guest, thread))
    .filter(({ isLabel, lookup }) => !isLabel && functions.some(({ low, high }) => lookup >= low && lookup < high));
}

/**
 * Whether any register or word on the stack of a process that no hart runs lies in one of the functions, as a return address in
 * it must: to look is much less than to unwind.
 */
function mayBeIn(guest: StackGuest, process: Process, functions: readonly Range[]): boolean {
  const registers = parkedRegisters(guest.xv6, process);
  const sp = registers?.x[X.sp];
  if (sp === undefined) return true;
  const isIn = (value: bigint): boolean => functions.some(({ low, high }) => value >= low && value <= high);
  if (registers!.x.some((value) => value !== undefined && isIn(value))) return true;
  const space = kernelSpace(guest, process);
  let at = sp;
  for (let page = 0; page < STACK_PAGES; page++) {
    const bytes = space.read(at, Number(PAGE_SIZE - (at % PAGE_SIZE)));
    if (bytes === undefined) return false;
    const view = new DataView(bytes.buffer);
    for (let offset = 0; offset + 8 <= bytes.length; offset += 8)
      if (isIn(view.getBigUint64(offset, true))) return true;
    at += BigInt(bytes.length);
  }
  return true;
}
