/** Taking traps and returning from them (RISC-V privileged specification 1.12, sections 3.1.6, 3.1.8, 3.1.9 and 4.1). */
import { Cell } from '../layout';
import { Mode } from '../types';
import type { HartState } from './hart';
import { Interrupt, MPP_SHIFT, Mstatus } from '../isa/csr-bits';

/** Highest priority first (section 3.1.9). */
const PRIORITY = [Interrupt.meip, Interrupt.msip, Interrupt.mtip, Interrupt.seip, Interrupt.ssip, Interrupt.stip];

/** The code of the interrupt that the hart must take now, undefined if none. */
export function interruptToTake(hart: HartState): number | undefined {
  const pending = hart.pending & hart.low(Cell.mie);
  if (pending === 0) return undefined;
  const mstatus = hart.low(Cell.mstatus);
  const delegated = hart.low(Cell.mideleg);
  const machine = hart.mode < Mode.Machine || (mstatus & Mstatus.mie) !== 0 ? pending & ~delegated : 0;
  const supervisorEnabled =
    hart.mode < Mode.Supervisor || (hart.mode === Mode.Supervisor && (mstatus & Mstatus.sie) !== 0);
  const takeable = machine !== 0 ? machine : supervisorEnabled ? pending & delegated : 0;
  const bit = PRIORITY.find((candidate) => (takeable & candidate) !== 0);
  return bit === undefined ? undefined : 31 - Math.clz32(bit);
}

/** Interrupts are enabled for the mode that the hart is in. */
export function interruptible(hart: HartState): boolean {
  const mstatus = hart.low(Cell.mstatus);
  if (hart.mode === Mode.Machine) return (mstatus & Mstatus.mie) !== 0;
  return hart.mode === Mode.User || (mstatus & Mstatus.sie) !== 0;
}

/** The mode in which a trap will be handled. */
export function handlerMode(hart: HartState, interrupt: boolean, cause: number): Mode {
  const delegated = hart.low(interrupt ? Cell.mideleg : Cell.medeleg);
  return hart.mode !== Mode.Machine && ((delegated >> cause) & 1) !== 0 ? Mode.Supervisor : Mode.Machine;
}

/** The upper half of scause and mcause after an interrupt. */
const INTERRUPT_BIT = 1 << 31;

/** Takes a trap at the hart's pc. */
export function takeTrap(hart: HartState, interrupt: boolean, cause: number, tval: bigint): void {
  const to = handlerMode(hart, interrupt, cause);
  const mstatus = hart.low(Cell.mstatus);
  const isSupervisor = to === Mode.Supervisor;
  const causeCell = isSupervisor ? Cell.scause : Cell.mcause;
  const vectorCell = isSupervisor ? Cell.stvec : Cell.mtvec;
  hart.setHalves(causeCell, cause, interrupt ? INTERRUPT_BIT : 0);
  hart.savePc(isSupervisor ? Cell.sepc : Cell.mepc);
  if (isSupervisor) {
    hart.setCell(Cell.stval, tval);
    const spie = (mstatus & Mstatus.sie) !== 0 ? Mstatus.spie : 0;
    const spp = hart.mode === Mode.Supervisor ? Mstatus.spp : 0;
    hart.setLow(Cell.mstatus, (mstatus & ~(Mstatus.sie | Mstatus.spie | Mstatus.spp)) | spie | spp);
  } else {
    hart.setCell(Cell.mtval, tval);
    const mpie = (mstatus & Mstatus.mie) !== 0 ? Mstatus.mpie : 0;
    hart.setLow(
      Cell.mstatus,
      (mstatus & ~(Mstatus.mie | Mstatus.mpie | Mstatus.mpp)) | mpie | (hart.mode << MPP_SHIFT),
    );
  }
  hart.mode = to;
  hart.restorePc(vectorCell);
  const vectored = (hart.low(vectorCell) & 1) !== 0;
  hart.advance(vectored && interrupt ? 4 * cause : 0);
}

export function returnFromSupervisor(hart: HartState): void {
  const mstatus = hart.low(Cell.mstatus);
  hart.mode = (mstatus & Mstatus.spp) !== 0 ? Mode.Supervisor : Mode.User;
  const sie = (mstatus & Mstatus.spie) !== 0 ? Mstatus.sie : 0;
  hart.setLow(Cell.mstatus, (mstatus & ~(Mstatus.sie | Mstatus.spp | Mstatus.mprv)) | sie | Mstatus.spie);
  hart.restorePc(Cell.sepc);
}

export function returnFromMachine(hart: HartState): void {
  const mstatus = hart.low(Cell.mstatus);
  const to = ((mstatus & Mstatus.mpp) >> MPP_SHIFT) as Mode;
  hart.mode = to;
  const mie = (mstatus & Mstatus.mpie) !== 0 ? Mstatus.mie : 0;
  const mprv = to === Mode.Machine ? 0 : Mstatus.mprv;
  hart.setLow(Cell.mstatus, (mstatus & ~(Mstatus.mie | Mstatus.mpp | mprv)) | mie | Mstatus.mpie);
  hart.restorePc(Cell.mepc);
}
