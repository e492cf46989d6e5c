/**
 * The instructions that the generated code leaves to us: CSR accesses, traps and returns, wfi, fences of translation,
 * lr and sc where the TLB does not serve them, carry-less products. RISC-V privileged specification 1.12, sections 3.3 and
 * 4.2; Zicsr; Zalrsc.
 */
import { Csr } from '../isa/csrs';
import { carrylessProduct } from '../isa/instructions/bit-manipulation';
import { type CsrAccess, SystemOperation } from '../isa/instructions/instruction';
import { SYSTEM } from '../isa/instructions/system';
import { type CsrEvent, type FenceEvent, type Heard, Mode, type SatpEvent, type TrapReturnEvent } from '../types';
import type { MemoryAccess } from './access';
import { executeFloat } from './float-instructions';
import { executeCsr, readCsr, writesCsr } from './csr';
import type { HartState } from './hart';
import { Cell, Status } from '../layout';
import { Mstatus } from '../isa/csr-bits';
import { Cause } from '../isa/causes';
import { returnFromMachine, returnFromSupervisor } from './traps';

/** What these instructions ask of the machine. */
export interface SystemHost {
  /** An exception; the hart's pc is still that of the instruction. */
  raise(hart: HartState, cause: number, tval: bigint): Status;
  /** The instruction is done and pc is after it; mode, interrupts or translation may have changed. */
  settle(hart: HartState): Status;
  /** Whether somebody listens to these events; making one for nobody costs more than the instruction. */
  readonly heard: Heard;
  /** As `settle`, after a return from a trap; `event` is there if somebody wants to hear of it. */
  returned(hart: HartState, event?: TrapReturnEvent): Status;
  /** As `settle`, and the hart may have to wait for an interrupt. */
  wait(hart: HartState): Status;
  /** True to stop after the instruction. */
  csrWritten(event: CsrEvent): boolean;
  /** As `settle`, after a write to satp, and after an sfence.vma. */
  satpWritten(hart: HartState, event?: SatpEvent): Status;
  fenced(hart: HartState, event?: FenceEvent): Status;
}

/** The address-matching mode of the entries in a register of pmpcfg, in each of its halves: 0 is off. */
const PMP_MODES = 0x18181818;

const hasPmp = (hart: HartState): boolean =>
  [Cell.pmpcfg0, Cell.pmpcfg2].some((cell) => ((hart.low(cell) | hart.high(cell)) & PMP_MODES) !== 0);

/** Whether a return from M-mode leads to another mode: sret always does. */
const leavesMachine = (hart: HartState, by: (hart: HartState) => void): boolean =>
  by === returnFromSupervisor || (hart.low(Cell.mstatus) & Mstatus.mpp) !== Mstatus.mpp;

/** By the operation: what the instruction does with its CSR. */
const CSR_ACCESSES = Object.fromEntries(
  SYSTEM.flatMap(({ system, csr }) => (system === undefined || csr === undefined ? [] : [[system, csr]])),
) as Readonly<Record<SystemOperation, CsrAccess>>;

export class SystemInstructions {
  constructor(
    private readonly access: MemoryAccess,
    private readonly machine: SystemHost,
  ) {}

  execute(hart: HartState, operation: SystemOperation): Status {
    switch (operation) {
      case SystemOperation.csrrw:
      case SystemOperation.csrrs:
      case SystemOperation.csrrc:
      case SystemOperation.csrrwi:
      case SystemOperation.csrrsi:
      case SystemOperation.csrrci:
        return this.csr(hart, CSR_ACCESSES[operation]);
      case SystemOperation.ecall:
        return this.machine.raise(hart, Cause.userEcall + hart.mode, 0n);
      case SystemOperation.ebreak:
        return this.machine.raise(hart, Cause.breakpoint, 0n);
      case SystemOperation.mret:
        if (hart.mode !== Mode.Machine) return this.illegal(hart);
        return this.returnBy(hart, returnFromMachine);
      case SystemOperation.sret:
        if (hart.mode === Mode.User || this.trapped(hart, Mstatus.tsr)) return this.illegal(hart);
        return this.returnBy(hart, returnFromSupervisor);
      case SystemOperation.wfi:
        if (hart.mode === Mode.User || this.trapped(hart, Mstatus.tw)) return this.illegal(hart);
        hart.advance(4);
        return this.machine.wait(hart);
      case SystemOperation.sfenceVma:
        return this.sfenceVma(hart);
      case SystemOperation.loadReserved32:
      case SystemOperation.loadReserved64:
        return this.access.loadReserved(hart, operation === SystemOperation.loadReserved32 ? 4 : 8);
      case SystemOperation.storeConditional32:
      case SystemOperation.storeConditional64:
        return this.access.storeConditional(hart, operation === SystemOperation.storeConditional32 ? 4 : 8);
      case SystemOperation.clmul:
        return this.writeProduct(hart, 0n);
      case SystemOperation.clmulr:
        return this.writeProduct(hart, 63n);
      case SystemOperation.clmulh:
        return this.writeProduct(hart, 64n);
      case SystemOperation.float:
        return executeFloat(hart, this.access) ?? this.illegal(hart);
    }
  }

  /** rd := the carry-less product of rs1 and rs2 from bit `from` on. */
  private writeProduct(hart: HartState, from: bigint): Status {
    hart.setRd(carrylessProduct(hart.rs1, hart.rs2) >> from, 8, false);
    return Status.done;
  }

  private returnBy(hart: HartState, leave: (hart: HartState) => void): Status {
    if (hart.mode === Mode.Machine && !hasPmp(hart) && leavesMachine(hart, leave)) hart.host.differs(hart, 'pmp-off');
    if (!this.machine.heard.trapReturn) {
      leave(hart);
      return this.machine.returned(hart);
    }
    const { pc, mode: from } = hart;
    leave(hart);
    return this.machine.returned(hart, { hart: hart.id, pc, from, to: hart.mode, target: hart.pc });
  }

  private csr(hart: HartState, csr: CsrAccess): Status {
    const address = hart.immediate;
    const satp = address === Csr.satp && this.machine.heard.satpWrite ? hart.cell(Cell.satp) : undefined;
    const observed = this.machine.heard.csrWrite && writesCsr(hart, csr);
    const before = observed ? readCsr(hart, address) : undefined;
    const changes = executeCsr(hart, address, csr);
    if (changes === undefined) return this.illegal(hart);
    const stops = before !== undefined && this.csrWritten(hart, address, before);
    if (!changes && !stops) return Status.done;
    hart.advance(4);
    if (!changes) return Status.exit;
    if (address !== Csr.satp) return this.machine.settle(hart);
    if (satp === undefined) return this.machine.satpWritten(hart);
    const event = { hart: hart.id, pc: hart.pc - 4n, before: satp, after: hart.cell(Cell.satp) };
    return this.machine.satpWritten(hart, event);
  }

  private csrWritten(hart: HartState, csr: number, before: bigint): boolean {
    const after = readCsr(hart, csr)!;
    return this.machine.csrWritten({ hart: hart.id, pc: hart.pc, csr, before, after });
  }

  private sfenceVma(hart: HartState): Status {
    if (hart.mode === Mode.User || this.trapped(hart, Mstatus.tvm)) return this.illegal(hart);
    const event: FenceEvent | undefined = this.machine.heard.fence
      ? {
          hart: hart.id,
          pc: hart.pc,
          ...(hart.rs1Index !== 0 && { address: hart.rs1 }),
          ...(hart.rs2Index !== 0 && { asid: hart.rs2 }),
        }
      : undefined;
    hart.advance(4);
    return this.machine.fenced(hart, event);
  }

  private illegal(hart: HartState): Status {
    return this.machine.raise(hart, Cause.illegalInstruction, BigInt(hart.word));
  }

  /** Whether mstatus makes the instruction trap in S-mode (TVM, TW, TSR). TW holds for every mode below M. */
  private trapped(hart: HartState, bit: number): boolean {
    return hart.mode !== Mode.Machine && (hart.low(Cell.mstatus) & bit) !== 0;
  }
}
