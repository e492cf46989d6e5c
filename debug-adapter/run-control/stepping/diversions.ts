/**
 * Handlers, of an alarm or a signal, that a kernel makes a program run. It calls one by changing the trap frame, and with a
 * system call such as sigreturn the handler has the earlier trap frame put back.
 * A step waits for a handler that is called on its way; where the trap frame of another moment is put back, what was
 * stepped will not go on, and the step ends where the program does.
 */
import { Csr } from '../../../emulator/isa/csrs';
import { X } from '../../../emulator/isa/registers';
import type { Hart } from '../../../emulator/types';
import { functionOrLabelAt } from '../../symbols/named-code';
import type { StepContext } from './step-plan';

/** Where a program is. */
interface Place {
  pc: bigint;
  sp: bigint;
}

/** No instruction is longer. */
const LONGEST_INSTRUCTION = 4n;

/** Whether the sret that a hart is at brings a program somewhere else than the trap has interrupted it. */
export function diverts(context: StepContext, hart: Hart): boolean {
  const trap = context.lastTrap(hart);
  if (!trap) return false;
  const distance = (hart.csr(Csr.sepc) ?? trap.epc) - trap.epc;
  // After the instruction, if the kernel has done it in the program's stead, as with an ecall.
  return hart.x(X.sp) !== trap.sp || distance < 0n || distance > LONGEST_INSTRUCTION;
}

/** Follows the diversions of one program. */
export class Diversions {
  /** What handlers have interrupted that were called on the way. */
  private readonly interrupted: Place[] = [];

  constructor(private readonly context: StepContext) {}

  /** After an sret that diverts: whether what was executed before has been replaced, and will not go on. */
  replaces(hart: Hart): boolean {
    const { pc, sp } = placeOf(hart);
    const resumed = this.interrupted.findIndex((place) => place.pc === pc && place.sp === sp);
    if (resumed >= 0) {
      this.interrupted.length = resumed;
      return false;
    }
    const trap = this.context.lastTrap(hart);
    if (!trap || sp > trap.sp || !this.startsFunction(hart)) return true;
    this.interrupted.push({ pc: trap.epc, sp: trap.sp });
    return false;
  }

  /** Where nothing is known of the code, it may. */
  private startsFunction(hart: Hart): boolean {
    const image = this.context.imageAt(hart);
    const linked = image?.linked(hart.pc) ?? 0n;
    const found = image && functionOrLabelAt(image.binary, linked);
    return !found || found.low === linked;
  }
}

const placeOf = (hart: Hart): Place => ({ pc: hart.pc, sp: hart.x(X.sp) });
