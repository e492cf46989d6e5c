/**
 * What a trap was: the words of the label between the kernel's frames and those below it, "[system call: read]",
 * "[page fault: load 0x4008]". The cause is in scause only until the next trap, so it is taken from there when sepc shows
 * that it is still this trap's, else from what was seen when it was taken, else from what the kernel does about it. Where
 * none of them tells, the label says no more than that there was a trap. Causes are those of the RISC-V privileged
 * specification 1.12, table 4.2.
 */
import { hex } from '../../emulator/isa/hex';
import type { TrapEvent } from '../../emulator/types';
import { Cause, INTERRUPT_FLAG, InterruptCause, causeName } from '../../emulator/isa/causes';
import { pageFaultAccess } from '../../emulator/isa/trap-kinds';
import { interruptingDevice, servedSystemCall, servesTimer } from '../xv6/names';

export type Trap = Pick<TrapEvent, 'interrupt' | 'cause'> & { tval?: bigint };

/** From scause or mcause. */
export const trapOf = (cause: bigint, tval?: bigint): Trap => ({
  interrupt: (cause & INTERRUPT_FLAG) !== 0n,
  cause: Number(cause & ~INTERRUPT_FLAG & 0xffffn),
  ...(tval === undefined ? {} : { tval }),
});

const TIMER: readonly number[] = [InterruptCause.supervisorTimer, InterruptCause.machineTimer];
const EXTERNAL: readonly number[] = [InterruptCause.supervisorExternal, InterruptCause.machineExternal];

export interface TrapLabelContext {
  /** Functions of the kernel on the stack above the trap, innermost first. */
  functions: readonly string[];
  /** The name of the system call, or its number. */
  systemCall(): string;
  /** Whether the kernel's timer is the machine mode's, which passes it on as a software interrupt. */
  relaysTimer: boolean;
}

/** The label of a trap from a user program. `handler` is the kernel's function for them. */
export function userTrapLabel(trap: Trap | undefined, around: TrapLabelContext, handler: string): string {
  const { functions } = around;
  const served = servedSystemCall(functions);
  if (served !== undefined) return `[system call: ${served || around.systemCall()}]`;
  if (trap && !trap.interrupt && trap.cause === Cause.userEcall) return `[system call: ${around.systemCall()}]`;
  return words(trap, around, handler) ?? '[trap from user]';
}

/** The label of a trap that was taken in the kernel, or by the machine mode. */
export const kernelTrapLabel = (trap: Trap | undefined, around: TrapLabelContext, handler: string): string =>
  words(trap, around, handler) ?? '[trap in the kernel]';

/** "[return to user mode]": nothing is below it but what goes on there. */
export const RETURN_LABEL = '[return to user mode]';

function words(trap: Trap | undefined, around: TrapLabelContext, handler: string): string | undefined {
  const device = interruptingDevice(around.functions);
  if (!trap) {
    if (device !== undefined) return `[external interrupt: ${device}]`;
    return servesTimer(around.functions, handler) ? '[timer interrupt]' : undefined;
  }
  const { interrupt, cause, tval } = trap;
  if (interrupt) {
    if (TIMER.includes(cause) || (cause === InterruptCause.supervisorSoftware && around.relaysTimer))
      return '[timer interrupt]';
    if (EXTERNAL.includes(cause)) return `[external interrupt${device === undefined ? '' : `: ${device}`}]`;
    return `[${causeName(true, cause)}]`;
  }
  const access = pageFaultAccess({ ...NO_EVENT, interrupt, cause });
  if (access === undefined) return `[${causeName(false, cause)}]`;
  return `[page fault: ${access}${tval === undefined ? '' : ` ${hex(tval)}`}]`;
}

const NO_EVENT = { hart: 0, tval: 0n, epc: 0n, from: 0, to: 1 } as const;
