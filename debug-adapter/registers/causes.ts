/**
 * What scause and mcause say (RISC-V privileged specification 1.12, tables 3.6 and 4.2).
 */

const EXCEPTIONS: Record<number, string> = {
  0: 'instruction address misaligned',
  1: 'instruction access fault',
  2: 'illegal instruction',
  3: 'breakpoint',
  4: 'load address misaligned',
  5: 'load access fault',
  6: 'store address misaligned',
  7: 'store access fault',
  8: 'system call from user mode',
  9: 'call from supervisor mode',
  11: 'call from machine mode',
  12: 'instruction page fault',
  13: 'load page fault',
  15: 'store page fault',
};

const INTERRUPTS: Record<number, string> = {
  1: 'supervisor software interrupt',
  3: 'machine software interrupt',
  5: 'supervisor timer interrupt',
  7: 'machine timer interrupt',
  9: 'supervisor external interrupt',
  11: 'machine external interrupt',
};

/** The name of a trap's cause; `code` is without the interrupt bit. */
export function causeName(interrupt: boolean, code: number): string {
  const name = (interrupt ? INTERRUPTS : EXCEPTIONS)[code];
  return name ?? `${interrupt ? 'interrupt' : 'exception'} ${code}, which the specification reserves`;
}

/** Names of the interrupts by their bit in mip, as the fields are called: SSIP, MTIE… with the last letter given. */
export const INTERRUPT_BITS: readonly { bit: number; stem: string; code: number }[] = [
  { bit: 1, stem: 'SSI', code: 1 },
  { bit: 3, stem: 'MSI', code: 3 },
  { bit: 5, stem: 'STI', code: 5 },
  { bit: 7, stem: 'MTI', code: 7 },
  { bit: 9, stem: 'SEI', code: 9 },
  { bit: 11, stem: 'MEI', code: 11 },
];

/** Exceptions that medeleg can hand to S-mode, by bit. */
export const EXCEPTION_CODES: readonly number[] = Object.keys(EXCEPTIONS).map(Number);
