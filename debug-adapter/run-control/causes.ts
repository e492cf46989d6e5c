/**
 * Kinds of traps, as the catchpoints tell them apart. Cause numbers of the RISC-V privileged specification 1.12,
 * tables 4.2 (scause) and 3.6 (mcause).
 */
import { Mode, type Access, type TrapEvent } from '../../emulator/types';

/** What the hart was doing when it took a page fault; undefined for any other trap. */
export function pageFaultAccess(event: TrapEvent): Access | undefined {
  if (event.interrupt) return undefined;
  return ({ 12: 'fetch', 13: 'load', 15: 'store' } as const)[event.cause];
}

const ENVIRONMENT_CALLS: readonly number[] = [8, 9, 11];

/** ecall: its handler returns behind the instruction. */
export const isEnvironmentCall = (event: TrapEvent): boolean =>
  !event.interrupt && ENVIRONMENT_CALLS.includes(event.cause);

/** An exception in the kernel itself; calls of the firmware (ecall) are none. */
export const isKernelTrap = (event: TrapEvent): boolean =>
  !event.interrupt && event.from !== Mode.User && !isEnvironmentCall(event);

export const isSystemCall = (event: TrapEvent): boolean => !event.interrupt && event.cause === 8;
