/**
 * Stepping in at an ecall: from a user program into the kernel's function for the system call, which the kernel's own table
 * `syscalls` names, whatever the path from the trap vector to it.
 */
import { Mode, type Hart } from '../../../emulator/types';
import type { Decoded } from '../../../emulator/isa/instructions/decode';
import { SystemOperation, isSum } from '../../../emulator/isa/instructions/instruction';
import { instructionAt } from '../../../emulator/isa/instructions/instruction-at';
import { X } from '../../../emulator/isa/registers';
import {
  executes,
  inKernel,
  oneInstruction,
  isReturnToUser,
  threadOn,
  type StepContext,
  type StepPlan,
  type StepCondition,
} from './step-plan';

const isSystemCall = (decoded: Decoded | undefined): boolean => decoded?.instruction.system === SystemOperation.ecall;

/** Whether a hart in user mode is about to make a system call. */
export const isAtSystemCall = (context: StepContext, hart: Hart): boolean =>
  hart.mode === Mode.User && isSystemCall(instructionAt(context.read(hart), hart.pc));

/** The number of the system call that a stub, such as those of usys.S, makes at an address; undefined if it is no stub. */
export function stubNumber(read: ReturnType<StepContext['read']>, address: bigint): bigint | undefined {
  const load = instructionAt(read, address);
  if (!load || !isSum(load.instruction, 'rs1', 'imm') || load.rd !== X.a7 || load.rs1 !== 0) return undefined;
  const call = instructionAt(read, address + BigInt(load.length));
  return isSystemCall(call) ? BigInt(load.imm) : undefined;
}

/**
 * Executes the ecall at a hart's pc and runs to the body of the kernel's function for it. If the kernel does not call that
 * function, ends after the ecall; if there is none, at the trap vector.
 */
export function* intoSystemCall(context: StepContext, hart: number): StepPlan {
  const caller = context.harts[hart]!;
  const { process } = threadOn(context, caller);
  const target = context.systemCall(caller.x(X.a7));
  ({ hart } = yield* oneInstruction(context, hart, false));
  if (target === undefined || process === undefined || context.harts[hart]!.mode === Mode.User) return hart;
  const { image } = context;
  const bodies = image.running(image.binary.functionAt(target)?.stepStart ?? target);
  const thread = { ...threadOn(context, context.harts[hart]!), process };
  const accept = (other: Hart): boolean =>
    executes(context, other, thread) && (bodies.includes(other.pc) || isReturnToUser(context, other));
  const wanted: StepCondition = {
    kind: 'reach',
    addresses: [...bodies, ...context.trapReturns],
    accept,
    concerns: inKernel,
  };
  for (;;) {
    ({ hart } = yield wanted);
    if (bodies.includes(context.harts[hart]!.pc)) return hart;
    const { trap } = yield { kind: 'instruction', hart };
    if (!trap) return hart;
  }
}
