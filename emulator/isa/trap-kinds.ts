/** The kinds of traps that catchpoints distinguish, by their causes. */
import { Cause, PAGE_FAULTS } from './causes';
import { Mode, type Access, type TrapEvent } from '../types';

/** The access that caused a page fault; undefined for any other trap. */
export function pageFaultAccess(event: TrapEvent): Access | undefined {
  return event.interrupt ? undefined : PAGE_FAULTS.get(event.cause);
}

const ENVIRONMENT_CALLS: readonly number[] = [Cause.userEcall, Cause.supervisorEcall, Cause.machineEcall];

/** ecall: its handler returns after the instruction. */
export const isEnvironmentCall = (event: TrapEvent): boolean =>
  !event.interrupt && ENVIRONMENT_CALLS.includes(event.cause);

/** Whether a trap is an exception in the kernel itself, other than a call of the firmware (ecall). */
export const isKernelTrap = (event: TrapEvent): boolean =>
  !event.interrupt && event.from !== Mode.User && !isEnvironmentCall(event);

export const isSystemCall = (event: TrapEvent): boolean => !event.interrupt && event.cause === Cause.userEcall;
