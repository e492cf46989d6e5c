/**
 * Stepping across the border at an ecall: from a user program into the kernel's function for the system call, which the
 * kernel's own table `syscalls` names, whatever the way from the trap vector to it.
 */
import { Mode, type Hart } from '../../../emulator/types';
import { instructionAt } from '../../stack/register-tracker';
import {
  executes,
  inKernel,
  instruction,
  isReturnToUser,
  threadOn,
  type Ground,
  type StepPlan,
  type Want,
} from './step-plan';

const A7 = 17;

/** Whether a hart in user mode is about to make a system call. */
export const isAtSystemCall = (ground: Ground, hart: Hart): boolean =>
  hart.mode === Mode.User && instructionAt(ground.read(hart), hart.pc)?.instruction.name === 'ecall';

/** The number of the system call that code at an address makes, as its first deed: a stub such as usys.S has. */
export function stubNumber(read: ReturnType<Ground['read']>, address: bigint): bigint | undefined {
  const load = instructionAt(read, address);
  if (load?.instruction.name !== 'addi' || load.rd !== A7 || load.rs1 !== 0) return undefined;
  const call = instructionAt(read, address + BigInt(load.length));
  return call?.instruction.name === 'ecall' ? BigInt(load.imm) : undefined;
}

/**
 * Executes the ecall a hart stands at, and goes on to the body of the kernel's function for it. If the kernel does not
 * call that, ends behind the ecall; if it has none, at the trap vector.
 */
export function* intoSystemCall(ground: Ground, hart: number): StepPlan {
  const caller = ground.harts[hart]!;
  const { process } = threadOn(ground, caller);
  const target = ground.systemCall(caller.x(A7));
  ({ hart } = yield* instruction(ground, hart, false));
  if (target === undefined || process === undefined || ground.harts[hart]!.mode === Mode.User) return hart;
  const { image } = ground;
  const bodies = image.running(image.binary.functionAt(target)?.stepStart ?? target);
  const thread = { ...threadOn(ground, ground.harts[hart]!), process };
  const accept = (other: Hart): boolean =>
    executes(ground, other, thread) && (bodies.includes(other.pc) || isReturnToUser(ground, other));
  const wanted: Want = { kind: 'reach', addresses: [...bodies, ...ground.trapReturns], accept, concerns: inKernel };
  for (;;) {
    ({ hart } = yield wanted);
    if (bodies.includes(ground.harts[hart]!.pc)) return hart;
    const { trap } = yield { kind: 'instruction', hart };
    if (!trap) return hart;
  }
}
