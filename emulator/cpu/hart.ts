/**
 * The state of one hart, all of it in linear memory or in a few plain fields: registers, CSRs, mode, interrupt lines.
 * RISC-V privileged specification 1.12, chapters 2 to 4.
 */
import type { GuestMemory } from '../mmu/guest-memory';
import { type HartLine, Mode, type State, type Hart } from '../types';
import { readCsr, writeCsr } from './csr';
import { Offset, hartBlock } from './layout';
import { Cell, Interrupt, MPP_SHIFT, Mstatus } from './state';

const LINES: Record<HartLine, number> = {
  msip: Interrupt.msip,
  mtip: Interrupt.mtip,
  meip: Interrupt.meip,
  seip: Interrupt.seip,
};

/** What a hart needs of the machine around it. */
export interface HartSurroundings {
  /** Virtual time in instructions and in ticks, exact within an instruction. */
  cycles(): number;
  ticks(): number;
  /** A CSR was written that decides on interrupts, the timer, translation or protection. */
  changed(hart: HartState, what: 'interrupts' | 'timer' | 'translation' | 'protection'): void;
}

export class HartState implements Hart {
  /** Host address of its block. */
  readonly block: number;
  mode = Mode.Machine;
  waiting = false;
  /** Interrupt bits that devices and the supervisor timer hold up. */
  lines = 0;
  /** Instructions begun, and those among them that trapped and so did not retire. */
  steps = 0;
  trapped = 0;
  /** What writes to mcycle and minstret have added. */
  cycleOffset = 0n;
  instretOffset = 0n;
  /** Physical address reserved by lr, -1 if none. */
  reservation = -1;
  private readonly x0: number;
  private readonly csr0: number;

  constructor(
    readonly id: number,
    readonly memory: GuestMemory,
    readonly surroundings: HartSurroundings,
  ) {
    this.block = hartBlock(id);
    this.x0 = (this.block + Offset.x) / 8;
    this.csr0 = (this.block + Offset.csrs) / 8;
  }

  reset(): void {
    this.memory.u8.fill(0, this.block, this.block + Offset.banks);
    this.mode = Mode.Machine;
    this.waiting = false;
    this.lines = 0;
    this.steps = 0;
    this.trapped = 0;
    this.cycleOffset = 0n;
    this.instretOffset = 0n;
    this.reservation = -1;
    this.setCell(Cell.stimecmp, 0xffff_ffff_ffff_ffffn);
  }

  get pc(): bigint {
    return this.memory.u64[(this.block + Offset.pc) / 8];
  }
  set pc(value: bigint) {
    this.memory.u64[(this.block + Offset.pc) / 8] = value & ~1n;
  }

  x(register: number): bigint {
    return this.memory.u64[this.x0 + register];
  }
  setX(register: number, value: bigint): void {
    if (register !== 0) this.memory.u64[this.x0 + register] = value;
  }

  cell(cell: Cell): bigint {
    return this.memory.u64[this.csr0 + cell];
  }
  setCell(cell: Cell, value: bigint): void {
    this.memory.u64[this.csr0 + cell] = value;
  }
  /** The low 32 bits of a cell: enough for mstatus, mie, mip and the delegations, and quicker. */
  low(cell: Cell): number {
    return this.memory.i32[(this.csr0 + cell) * 2];
  }
  setLow(cell: Cell, value: number): void {
    this.memory.i32[(this.csr0 + cell) * 2] = value;
  }

  get remaining(): number {
    return this.memory.i32[(this.block + Offset.remaining) / 4];
  }
  set remaining(value: number) {
    this.memory.i32[(this.block + Offset.remaining) / 4] = value;
  }

  /** mip as software reads it. */
  get pending(): number {
    return this.low(Cell.mip) | this.lines;
  }

  setLine(line: HartLine, level: boolean): void {
    this.raise(LINES[line], level);
  }
  raise(bits: number, level: boolean): void {
    this.lines = level ? this.lines | bits : this.lines & ~bits;
  }

  get retired(): number {
    return this.steps - this.trapped;
  }

  /** The mode in which loads and stores are judged: MPRV lends M-mode the one in MPP. */
  get dataMode(): Mode {
    const mstatus = this.low(Cell.mstatus);
    return this.mode === Mode.Machine && (mstatus & Mstatus.mprv) !== 0
      ? (((mstatus & Mstatus.mpp) >> MPP_SHIFT) as Mode)
      : this.mode;
  }

  get translating(): boolean {
    return this.mode !== Mode.Machine && this.cell(Cell.satp) >> 60n === 8n;
  }

  csr(address: number): bigint | undefined {
    return readCsr(this, address);
  }
  setCsr(address: number, value: bigint): boolean {
    return writeCsr(this, address, BigInt.asUintN(64, value));
  }

  save(): State {
    const words = (Offset.csrs + Cell.count * 8) / 8;
    const first = this.block / 8;
    const cells = [...this.memory.u64.subarray(first, first + words)];
    // Not state: the slice at hand, the bank, the scratch cells.
    const registers = [...cells.slice(0, 32), this.pc, ...cells.slice(Offset.csrs / 8)];
    const { mode, waiting, lines, steps, trapped, cycleOffset, instretOffset, reservation } = this;
    return { registers, mode, waiting, lines, steps, trapped, cycleOffset, instretOffset, reservation };
  }
}
