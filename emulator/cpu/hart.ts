/**
 * The state of one hart, all of it in linear memory or in a few plain fields: registers, CSRs, mode, interrupt lines.
 * RISC-V privileged specification 1.12, chapters 2 to 4.
 */
import type { GuestMemory } from '../mmu/guest-memory';
import type { HartLine } from '../device';
import { type DifferenceEvent, Mode, type State, type Hart } from '../types';
import { SavedState } from '../history/saved-state';
import { readCsr, writeCsr } from './csr';
import { HartRegisters } from './hart-registers';
import { Cell, HartOffset } from '../layout';
import { Interrupt, MPP_SHIFT, Mstatus, SATP_SV39 } from '../isa/csr-bits';

const LINES: Record<HartLine, number> = {
  msip: Interrupt.msip,
  mtip: Interrupt.mtip,
  meip: Interrupt.meip,
  seip: Interrupt.seip,
};

/** What a hart needs of the machine around it. */
export interface HartHost {
  /** Virtual time in instructions, exact within an instruction; and the clock that the guest has set, in ticks. */
  cycles(): number;
  mtime(): bigint;
  /** Instructions that the hart has begun in the slice that is running, the one at hand included. */
  begun(hart: HartState): number;
  /** A CSR was written that decides on interrupts, the timer, translation or protection. */
  changed(hart: HartState, what: 'interrupts' | 'timer' | 'translation' | 'protection'): void;
  /** The instruction at hand does what QEMU takes in another way. */
  differs(hart: HartState, what: DifferenceEvent['what']): void;
}

export class HartState extends HartRegisters implements Hart {
  waiting = false;
  spinning = false;
  /** Instructions begun, and those among them that trapped and so did not retire. */
  steps = 0;
  trapped = 0;

  constructor(
    id: number,
    memory: GuestMemory,
    readonly host: HartHost,
  ) {
    super(id, memory);
  }

  reset(): void {
    this.memory.u8.fill(0, this.block, this.block + HartOffset.tlbs);
    this.mode = Mode.Machine;
    this.waiting = false;
    this.spinning = false;
    this.lines = 0;
    this.steps = 0;
    this.trapped = 0;
    this.setCell(Cell.stimecmp, 0xffff_ffff_ffff_ffffn);
  }

  get mode(): Mode {
    return this.memory.i32[(this.home + HartOffset.mode) / 4]!;
  }
  set mode(value: Mode) {
    this.memory.i32[(this.home + HartOffset.mode) / 4] = value;
  }
  /** Interrupt bits that devices and the supervisor timer hold up. */
  get lines(): number {
    return this.memory.i32[(this.home + HartOffset.lines) / 4]!;
  }
  private set lines(bits: number) {
    this.memory.i32[(this.home + HartOffset.lines) / 4] = bits;
  }

  /** Host address of the selected TLB context. */
  set tlb(host: number) {
    this.memory.i32[(this.home + HartOffset.tlb) / 4] = host;
  }
  /** A word that the atomic instruction at hand may use in place, by its host address. */
  set prepared(host: number) {
    this.memory.i32[(this.home + HartOffset.prepared) / 4] = host;
  }

  /** Its quantum ends when it enables interrupts. */
  set untilEnabled(value: boolean) {
    this.memory.i32[(this.home + HartOffset.untilEnabled) / 4] = Number(value);
  }

  /** See HartOffset. */
  get meets(): number {
    return this.memory.i32[(this.home + HartOffset.meets) / 4]!;
  }
  set meets(value: number) {
    this.memory.i32[(this.home + HartOffset.meets) / 4] = value;
  }
  get contends(): number {
    return this.memory.i32[(this.home + HartOffset.contends) / 4]!;
  }
  set contends(value: number) {
    this.memory.i32[(this.home + HartOffset.contends) / 4] = value;
  }

  /** Host address of the word that lr has reserved, 0 if none. */
  get reservation(): number {
    return this.memory.i32[(this.home + HartOffset.reservation) / 4]! >>> 0;
  }
  set reservation(host: number) {
    this.memory.i32[(this.home + HartOffset.reservation) / 4] = host;
  }

  get remaining(): number {
    return this.memory.i32[(this.home + HartOffset.remaining) / 4]!;
  }
  set remaining(value: number) {
    this.memory.i32[(this.home + HartOffset.remaining) / 4] = value;
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
    return this.steps + this.host.begun(this) - this.trapped;
  }

  /** The mode in which loads and stores are judged: MPRV lends M-mode the one in MPP. */
  get dataMode(): Mode {
    const mstatus = this.low(Cell.mstatus);
    return this.mode === Mode.Machine && (mstatus & Mstatus.mprv) !== 0
      ? (((mstatus & Mstatus.mpp) >> MPP_SHIFT) as Mode)
      : this.mode;
  }

  get translating(): boolean {
    return this.mode !== Mode.Machine && this.cell(Cell.satp) >> 60n === SATP_SV39;
  }

  csr(address: number): bigint | undefined {
    return readCsr(this, address);
  }
  setCsr(address: number, value: bigint): boolean {
    return writeCsr(this, address, BigInt.asUintN(64, value));
  }

  save(): State {
    const registers = Array.from({ length: 32 }, (_, register) => this.x(register));
    const floats = Array.from({ length: 32 }, (_, register) => this.f(register));
    const csr0 = (this.home + HartOffset.csrs) / 8;
    const csrs = [...this.memory.u64.subarray(csr0, csr0 + Cell.count)];
    const { mode, waiting, spinning, lines, steps, trapped } = this;
    const reservation = this.reservation === 0 ? -1 : this.memory.physicalOf(this.reservation);
    return {
      registers,
      floats,
      pc: this.pc,
      csrs,
      mode,
      waiting,
      spinning,
      lines,
      steps,
      trapped,
      reservation,
    };
  }

  /** Restores what `save` returned. Throws an Error if it is anything else. */
  restore(state: State): void {
    const saved = new SavedState(`hart ${this.id}`, state);
    saved.bigints('registers', 32).forEach((value, register) => this.setX(register, value));
    saved.bigints('floats', 32).forEach((value, register) => this.setF(register, value));
    this.pc = saved.bigint('pc');
    saved.bigints('csrs', Cell.count).forEach((value, cell) => this.setCell(cell, value));
    this.mode = saved.mode('mode');
    this.waiting = saved.boolean('waiting');
    this.spinning = saved.boolean('spinning');
    this.lines = saved.number('lines');
    this.steps = saved.number('steps');
    this.trapped = saved.number('trapped');
    const reservation = saved.number('reservation');
    this.reservation = reservation < 0 ? 0 : this.memory.hostOf(reservation);
  }
}
