/** What scause and mcause say (RISC-V privileged specification 1.12, tables 3.6 and 4.2). */

/** The bit of scause and mcause that tells an interrupt from an exception. */
export const INTERRUPT_FLAG = 1n << 63n;

/** Exceptions. */
export const enum Cause {
  instructionMisaligned = 0,
  instructionAccess = 1,
  illegalInstruction = 2,
  breakpoint = 3,
  loadMisaligned = 4,
  loadAccess = 5,
  storeMisaligned = 6,
  storeAccess = 7,
  /** Calls from supervisor and machine mode follow at the numbers of their modes. */
  userEcall = 8,
  supervisorEcall = 9,
  machineEcall = 11,
  instructionPageFault = 12,
  loadPageFault = 13,
  storePageFault = 15,
}

/** Interrupts; also the numbers of their bits in mip, mie and mideleg. */
export const enum InterruptCause {
  supervisorSoftware = 1,
  machineSoftware = 3,
  supervisorTimer = 5,
  machineTimer = 7,
  supervisorExternal = 9,
  machineExternal = 11,
}

const EXCEPTIONS: Readonly<Record<number, string>> = {
  [Cause.instructionMisaligned]: 'instruction address misaligned',
  [Cause.instructionAccess]: 'instruction access fault',
  [Cause.illegalInstruction]: 'illegal instruction',
  [Cause.breakpoint]: 'breakpoint',
  [Cause.loadMisaligned]: 'load address misaligned',
  [Cause.loadAccess]: 'load access fault',
  [Cause.storeMisaligned]: 'store address misaligned',
  [Cause.storeAccess]: 'store access fault',
  [Cause.userEcall]: 'system call from user mode',
  [Cause.supervisorEcall]: 'call from supervisor mode',
  [Cause.machineEcall]: 'call from machine mode',
  [Cause.instructionPageFault]: 'instruction page fault',
  [Cause.loadPageFault]: 'load page fault',
  [Cause.storePageFault]: 'store page fault',
};

/** With the stem of the names of their bits: SSI gives SSIP and SSIE. */
const INTERRUPTS: Readonly<Record<number, readonly [name: string, stem: string]>> = {
  [InterruptCause.supervisorSoftware]: ['supervisor software interrupt', 'SSI'],
  [InterruptCause.machineSoftware]: ['machine software interrupt', 'MSI'],
  [InterruptCause.supervisorTimer]: ['supervisor timer interrupt', 'STI'],
  [InterruptCause.machineTimer]: ['machine timer interrupt', 'MTI'],
  [InterruptCause.supervisorExternal]: ['supervisor external interrupt', 'SEI'],
  [InterruptCause.machineExternal]: ['machine external interrupt', 'MEI'],
};

/** The name of a trap's cause; `code` is without the interrupt bit. */
export function causeName(interrupt: boolean, code: number): string {
  const name = interrupt ? INTERRUPTS[code]?.[0] : EXCEPTIONS[code];
  return name ?? `${interrupt ? 'interrupt' : 'exception'} ${code}, which the specification reserves`;
}

/** All exceptions and all interrupts by number, which are bits of medeleg, and of mideleg, mie and mip. */
export const EXCEPTION_CODES: readonly number[] = Object.keys(EXCEPTIONS).map(Number);
export const INTERRUPT_CODES: readonly number[] = Object.keys(INTERRUPTS).map(Number);
/** Those of supervisor mode. */
export const SUPERVISOR_INTERRUPT_CODES: readonly number[] = [
  InterruptCause.supervisorSoftware,
  InterruptCause.supervisorTimer,
  InterruptCause.supervisorExternal,
];

/** What the specification calls an interrupt's bit, without the last letter: "SSI" of SSIP and SSIE. */
export const interruptStem = (code: number): string => INTERRUPTS[code]![1];

/** What was refused, by the cause: by a page table, and by memory protection or because nothing lies there. */
export const PAGE_FAULTS: ReadonlyMap<number, 'load' | 'store' | 'fetch'> = new Map([
  [Cause.loadPageFault, 'load'],
  [Cause.storePageFault, 'store'],
  [Cause.instructionPageFault, 'fetch'],
]);
export const ACCESS_FAULTS: ReadonlyMap<number, 'load' | 'store' | 'fetch'> = new Map([
  [Cause.loadAccess, 'load'],
  [Cause.storeAccess, 'store'],
  [Cause.instructionAccess, 'fetch'],
]);
