/**
 * The pages at the top of xv6's address spaces (memlayout.h): the trampoline, a page of the kernel's text that every table
 * maps a second time, so that code can continue while satp changes; below it, in a user table, the trap frame, and in some
 * labs a page that the kernel shares with the program.
 */
import { PAGE_SIZE } from '../../emulator/isa/sv39';
import { evaluate } from '../expressions/evaluate';
import { numberOf } from '../expressions/value';
import type { Binary } from '../symbols/api';

export interface TopPages {
  /** The address at which every table maps the trampoline; in user tables, the other pages are below it. */
  trampoline: bigint;
  trapFrame: bigint;
  usyscall: bigint;
  /** The trampoline's linked address; undefined without its symbol. */
  linked: bigint | undefined;
}

/** MAXVA uses one bit less than Sv39 allows, so that no address needs sign extension. The trampoline is the last page below. */
const TRAMPOLINE = (1n << 38n) - PAGE_SIZE;

/** Determined by the kernel's symbols and, if it was built with -g3, its macro TRAMPOLINE. */
export function topPages(binary: Binary): TopPages {
  const symbol = binary.symbol('trampoline') ?? binary.symbol('uservec');
  const trampoline = (symbol && macroValue(binary, 'TRAMPOLINE')) ?? TRAMPOLINE;
  return {
    trampoline,
    trapFrame: trampoline - PAGE_SIZE,
    usyscall: trampoline - 2n * PAGE_SIZE,
    linked: symbol && symbol.address & ~(PAGE_SIZE - 1n),
  };
}

/** Whether an address is in the trampoline page at the top. */
export const onTrampoline = ({ trampoline }: TopPages, pc: bigint): boolean =>
  pc >= trampoline && pc < trampoline + PAGE_SIZE;

function macroValue(binary: Binary, name: string): bigint | undefined {
  if (!binary.macro(name)) return undefined;
  try {
    const context = { binary, frame: { pc: 0n, x: [] }, scopePc: 0n, readMemory: () => undefined };
    return BigInt.asUintN(64, numberOf(evaluate(name, context), context));
  } catch {
    return undefined;
  }
}
