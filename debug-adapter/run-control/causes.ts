/**
 * Kinds of traps, as the catchpoints tell them apart, by their causes.
 */
import { Cause, PAGE_FAULTS } from '../../emulator/isa/causes';
import { Mode, type Access, type TrapEvent } from '../../emulator/types';

/** What the hart was doing when it took a page fault; undefined for any other trap. */
export function pageFaultAccess(event: TrapEvent): Access | undefined {
  return event.interrupt ? undefined : PAGE_FAULTS.get(event.cause);
}

const ENVIRONMENT_CALLS: readonly number[] = [Cause.userEcall, Cause.supervisorEcall, Cause.machineEcall];

/** ecall: its handler returns after the instruction. */
export const isEnvironmentCall = (event: TrapEvent): boolean =>
  !event.interrupt && ENVIRONMENT_CALLS.includes(event.cause);

/** An exception in the kernel itself; calls of the firmware (ecall) are none. */
export const isKernelTrap = (event: TrapEvent): boolean =>
  !event.interrupt && event.from !== Mode.User && !isEnvironmentCall(event);

export const isSystemCall = (event: TrapEvent): boolean => !event.interrupt && event.cause === Cause.userEcall;
