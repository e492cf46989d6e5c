/**
 * The instructions that the generated code leaves to us: CSR accesses, traps and returns, wfi, fences of translation,
 * lr and sc. RISC-V privileged specification 1.12, sections 3.3 and 4.2; Zicsr; Zalrsc.
 */
import { Csr } from '../isa/csrs';
import { Operation } from '../isa/instruction';
import type { GuestMemory } from '../mmu/guest-memory';
import { Mode } from '../types';
import type { MemoryAccess } from './access';
import { basisOfCsr, mayAccess, readCsr, writeCsr } from './csr';
import type { HartState } from './hart';
import { Offset, Record, Status } from './layout';
import { Cell, Mstatus } from './state';
import { Cause, returnFromMachine, returnFromSupervisor } from './traps';

/** What these instructions ask of the machine. In all of them the hart's pc is still that of the instruction. */
export interface EnvironmentSurroundings {
  raise(hart: HartState, cause: number, tval: bigint): Status;
  /** The instruction is done and pc stands behind it; mode, interrupts or translation may have changed. */
  settle(hart: HartState): Status;
  /** As `settle`, and the hart may have to wait for an interrupt. */
  wait(hart: HartState): Status;
  satpWritten(hart: HartState, pc: bigint, before: bigint, after: bigint): Status;
  fenced(hart: HartState, pc: bigint, address: bigint | undefined, asid: bigint | undefined): Status;
}

export class Environment {
  constructor(
    private readonly memory: GuestMemory,
    private readonly access: MemoryAccess,
    private readonly machine: EnvironmentSurroundings,
  ) {}

  execute(hart: HartState, operation: Operation, record: number): Status {
    switch (operation) {
      case Operation.csrrw:
      case Operation.csrrs:
      case Operation.csrrc:
        return this.csr(hart, record, (operation - Operation.csrrw) as Modify, this.rs1(hart, record));
      case Operation.csrrwi:
      case Operation.csrrsi:
      case Operation.csrrci:
        return this.csr(hart, record, (operation - Operation.csrrwi) as Modify, BigInt(this.rs1Index(record)));
      case Operation.ecall:
        return this.machine.raise(hart, Cause.userEcall + hart.mode, 0n);
      case Operation.ebreak:
        return this.machine.raise(hart, Cause.breakpoint, 0n);
      case Operation.mret:
        if (hart.mode !== Mode.Machine) return this.illegal(hart, record);
        returnFromMachine(hart);
        return this.machine.settle(hart);
      case Operation.sret:
        if (hart.mode === Mode.User || this.trapped(hart, Mstatus.tsr)) return this.illegal(hart, record);
        returnFromSupervisor(hart);
        return this.machine.settle(hart);
      case Operation.wfi:
        if (hart.mode === Mode.User || this.trapped(hart, Mstatus.tw)) return this.illegal(hart, record);
        hart.pc += 4n;
        return this.machine.wait(hart);
      case Operation.sfenceVma:
        return this.sfenceVma(hart, record);
      case Operation.loadReserved32:
      case Operation.loadReserved64:
        return this.loadReserved(hart, record, operation === Operation.loadReserved32 ? 4 : 8);
      case Operation.storeConditional32:
      case Operation.storeConditional64:
        return this.storeConditional(hart, record, operation === Operation.storeConditional32 ? 4 : 8);
    }
  }

  private csr(hart: HartState, record: number, modify: Modify, operand: bigint): Status {
    const address = this.memory.i32[(record + Record.imm) / 4];
    const writing = modify === Modify.write || this.rs1Index(record) !== 0;
    if (!mayAccess(hart, address, writing)) return this.illegal(hart, record);
    const old = readCsr(hart, address)!;
    const pc = hart.pc;
    if (!writing) {
      this.setRd(hart, record, old);
      return Status.done;
    }
    const basis = basisOfCsr(hart, address);
    const value = modify === Modify.write ? operand : modify === Modify.set ? basis | operand : basis & ~operand;
    writeCsr(hart, address, value);
    this.setRd(hart, record, old);
    if (PLAIN.has(address)) return Status.done;
    hart.pc = pc + 4n;
    return address === Csr.satp
      ? this.machine.satpWritten(hart, pc, old, hart.cell(Cell.satp))
      : this.machine.settle(hart);
  }

  private sfenceVma(hart: HartState, record: number): Status {
    if (hart.mode === Mode.User || this.trapped(hart, Mstatus.tvm)) return this.illegal(hart, record);
    const pc = hart.pc;
    const operand = (field: number): bigint | undefined => {
      const offset = this.memory.view.getUint16(record + field, true);
      return offset === 0 ? undefined : this.memory.u64[(hart.block + offset) / 8];
    };
    hart.pc = pc + 4n;
    return this.machine.fenced(hart, pc, operand(Record.rs1), operand(Record.rs2));
  }

  private loadReserved(hart: HartState, record: number, bytes: 4 | 8): Status {
    const status = this.access.loadReserved(hart, this.rs1(hart, record), bytes);
    if (status !== Status.done) return status;
    const value = this.memory.u64[(hart.block + Offset.result) / 8];
    this.setRd(hart, record, bytes === 4 ? BigInt.asUintN(64, BigInt.asIntN(32, value)) : value);
    return status;
  }

  private storeConditional(hart: HartState, record: number, bytes: 4 | 8): Status {
    const value = this.memory.u64[(hart.block + this.memory.view.getUint16(record + Record.rs2, true)) / 8];
    const status = this.access.storeConditional(hart, this.rs1(hart, record), bytes, value);
    if (status === Status.done) this.setRd(hart, record, this.memory.u64[(hart.block + Offset.result) / 8]);
    return status;
  }

  private illegal(hart: HartState, record: number): Status {
    return this.machine.raise(
      hart,
      Cause.illegalInstruction,
      BigInt(this.memory.view.getUint32(record + Record.word, true)),
    );
  }

  /** Whether mstatus makes the instruction trap in S-mode (TVM, TW, TSR). TW holds for every mode below M. */
  private trapped(hart: HartState, bit: number): boolean {
    return hart.mode !== Mode.Machine && (hart.low(Cell.mstatus) & bit) !== 0;
  }

  private rs1Index(record: number): number {
    return this.memory.view.getUint16(record + Record.rs1, true) / 8;
  }
  private rs1(hart: HartState, record: number): bigint {
    return hart.x(this.rs1Index(record));
  }
  /** Writes to x0 go to the cell that is never read. */
  private setRd(hart: HartState, record: number, value: bigint): void {
    this.memory.u64[(hart.block + this.memory.view.getUint16(record + Record.rd, true)) / 8] = value;
  }
}

const enum Modify {
  write,
  set,
  clear,
}

/** Writing these changes nothing but what they read: the code around may go straight on. */
const PLAIN: ReadonlySet<number> = new Set<number>([
  ...[Csr.mscratch, Csr.sscratch, Csr.mepc, Csr.sepc, Csr.mcause, Csr.scause, Csr.mtval, Csr.stval],
  ...[Csr.mtvec, Csr.stvec, Csr.mcounteren, Csr.scounteren, Csr.medeleg, Csr.misa],
]);
