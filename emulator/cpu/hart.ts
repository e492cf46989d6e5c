/**
 * The state of one hart, all of it in linear memory or in a few plain fields: registers, CSRs, mode, interrupt lines.
 * RISC-V privileged specification 1.12, chapters 2 to 4.
 */
import type { GuestMemory } from '../mmu/guest-memory';
import type { HartLine } from '../device';
import { type DifferenceEvent, Mode, type State, type Hart } from '../types';
import { SavedState } from '../history/saved-state';
import { readCsr, writeCsr } from './csr';
import { Cell, HartOffset, RecordLayout, CURRENT_HART, hartBlock } from '../layout';
import { Interrupt, MPP_SHIFT, Mstatus, SATP_SV39 } from '../isa/csr-bits';

const LINES: Record<HartLine, number> = {
  msip: Interrupt.msip,
  mtip: Interrupt.mtip,
  meip: Interrupt.meip,
  seip: Interrupt.seip,
};

/** Words of 32 bits: x0 to x31, two that are always 0, pc. */
export const REGISTER_WORDS = HartOffset.remaining / 4;

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

export class HartState implements Hart {
  /** Host address of its block. */
  readonly block: number;
  /** Host address of its registers: in its own block, or in the current-hart block while it runs. */
  private home: number;
  waiting = false;
  spinning = false;
  /** Instructions begun, and those among them that trapped and so did not retire. */
  steps = 0;
  trapped = 0;
  /** Physical address reserved by lr, -1 if none. */
  reservation = -1;

  constructor(
    readonly id: number,
    readonly memory: GuestMemory,
    readonly host: HartHost,
  ) {
    this.block = hartBlock(id);
    this.home = this.block;
  }

  reset(): void {
    this.memory.u8.fill(0, this.block, this.block + HartOffset.tlbs);
    this.mode = Mode.Machine;
    this.waiting = false;
    this.spinning = false;
    this.lines = 0;
    this.steps = 0;
    this.trapped = 0;
    this.reservation = -1;
    this.setCell(Cell.stimecmp, 0xffff_ffff_ffff_ffffn);
  }

  /** Moves the state that the generated code works on into the current-hart block, and back. */
  makeCurrent(): void {
    this.memory.u8.copyWithin(CURRENT_HART, this.block, this.block + HartOffset.end);
    this.home = CURRENT_HART;
  }
  makeParked(): void {
    this.memory.u8.copyWithin(this.block, CURRENT_HART, CURRENT_HART + HartOffset.end);
    this.home = this.block;
  }

  /** A copy of registers and pc, by words; to be compared with, or put back. Not while it runs. */
  registers(words = new Int32Array(REGISTER_WORDS)): Int32Array {
    const { i32 } = this.memory;
    const first = this.block / 4;
    for (let i = 0; i < REGISTER_WORDS; i++) words[i] = i32[first + i]!;
    return words.fill(0, HartOffset.discard / 4, HartOffset.discard / 4 + 2);
  }
  hasRegisters(words: ArrayLike<number>): boolean {
    const { i32 } = this.memory;
    const first = this.block / 4;
    for (let i = 0; i < REGISTER_WORDS; i++)
      if (words[i] !== i32[first + i] && i >> 1 !== HartOffset.discard / 8) return false;
    return true;
  }
  /** Whether pc is what it is among these. */
  hasPc(words: ArrayLike<number>): boolean {
    const { i32 } = this.memory;
    const [low, high] = [HartOffset.pc / 4, HartOffset.pc / 4 + 1];
    return words[low] === i32[this.home / 4 + low] && words[high] === i32[this.home / 4 + high];
  }
  putRegisters(words: ArrayLike<number>): void {
    this.memory.i32.set(words, this.block / 4);
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

  /** 32 bits of the state that the generated code works on, by their HartOffset. */
  half(offset: number): number {
    return this.memory.i32[(this.home + offset) / 4]!;
  }

  get pc(): bigint {
    return this.memory.u64[(this.home + HartOffset.pc) / 8]!;
  }
  set pc(value: bigint) {
    this.memory.u64[(this.home + HartOffset.pc) / 8] = value & ~1n;
  }

  /** Saves pc in a CSR, and restores it from one, without the cost of a bigint. */
  savePc(into: Cell): void {
    const { i32 } = this.memory;
    const [pc, cell] = [(this.home + HartOffset.pc) / 4, this.cellAt(into)];
    i32[cell] = i32[pc]!;
    i32[cell + 1] = i32[pc + 1]!;
  }
  restorePc(from: Cell): void {
    const { i32 } = this.memory;
    const [pc, cell] = [(this.home + HartOffset.pc) / 4, this.cellAt(from)];
    i32[pc] = i32[cell]! & ~1;
    i32[pc + 1] = i32[cell + 1]!;
  }

  /** pc += bytes, without the cost of a bigint. */
  advance(bytes: number): void {
    const { i32 } = this.memory;
    const at = (this.home + HartOffset.pc) / 4;
    const sum = (i32[at]! >>> 0) + bytes;
    i32[at] = sum;
    i32[at + 1] = i32[at + 1]! + Math.floor(sum / 2 ** 32);
  }

  x(register: number): bigint {
    return this.memory.u64[(this.home + HartOffset.x) / 8 + register]!;
  }
  setX(register: number, value: bigint): void {
    if (register !== 0) this.memory.u64[(this.home + HartOffset.x) / 8 + register] = value;
  }

  /** The low byte of a register. */
  lowByte(register: number): number {
    return this.memory.u8[this.home + HartOffset.x + register * 8]!;
  }
  /** A register as a signed number, without the cost of a bigint: exact if it is a safe integer. */
  signed(register: number): number {
    const at = (this.home + HartOffset.x) / 4 + register * 2;
    const { i32 } = this.memory;
    return i32[at + 1]! * 2 ** 32 + (i32[at]! >>> 0);
  }
  /** Sets a register that is not x0 to a safe integer. */
  setSigned(register: number, value: number): void {
    const at = (this.home + HartOffset.x) / 4 + register * 2;
    this.memory.i32[at] = value;
    this.memory.i32[at + 1] = Math.floor(value / 2 ** 32);
  }

  cell(cell: Cell): bigint {
    return this.memory.u64[(this.home + HartOffset.csrs) / 8 + cell]!;
  }
  setCell(cell: Cell, value: bigint): void {
    this.memory.u64[(this.home + HartOffset.csrs) / 8 + cell] = value;
  }
  /** The low 32 bits of a cell: enough for mstatus, mie, mip and the delegations, and quicker. */
  low(cell: Cell): number {
    return this.memory.i32[(this.home + HartOffset.csrs) / 4 + cell * 2]!;
  }
  setHalves(cell: Cell, low: number, high: number): void {
    const at = this.cellAt(cell);
    this.memory.i32[at] = low;
    this.memory.i32[at + 1] = high;
  }
  setLow(cell: Cell, value: number): void {
    this.memory.i32[(this.home + HartOffset.csrs) / 4 + cell * 2] = value;
  }

  /** A region left the instruction `offset` bytes from the page it began in: sets the exit's details as the interpreter would have. */
  tookSideExit(offset: number, record: number, detail: number): void {
    const { i32, view } = this.memory;
    const at = this.home / 4;
    i32[at + HartOffset.pc / 4] = i32[at + HartOffset.base / 4]!;
    i32[at + HartOffset.pc / 4 + 1] = i32[at + HartOffset.base / 4 + 1]!;
    this.advance(offset);
    i32[at + HartOffset.record / 4] = record;
    i32[at + HartOffset.detail / 4] = detail;
    // What a store would store.
    const value = (this.home + view.getUint16(record + RecordLayout.rs2, true)) / 4;
    i32[at + HartOffset.value / 4] = i32[value]!;
    i32[at + HartOffset.value / 4 + 1] = i32[value + 1]!;
  }

  /** Index of a cell's low half among the words of memory. */
  private cellAt(cell: Cell): number {
    return (this.home + HartOffset.csrs) / 4 + cell * 2;
  }
  /** The upper 32 bits of a cell. */
  high(cell: Cell): number {
    return this.memory.i32[(this.home + HartOffset.csrs) / 4 + cell * 2 + 1]!;
  }

  /** The instruction that the generated code has left to us: its record, the address and the value it stores. */
  get record(): number {
    return this.memory.i32[(this.home + HartOffset.record) / 4]!;
  }
  /** Host address of the records of the page that runs. */
  get records(): number {
    return this.memory.i32[(this.home + HartOffset.records) / 4]!;
  }
  get detail(): number {
    return this.memory.i32[(this.home + HartOffset.detail) / 4]!;
  }
  /** The halves of the address of an access, signed: quicker, without a bigint. */
  get addressLow(): number {
    return this.memory.i32[(this.home + HartOffset.address) / 4]!;
  }
  get addressHigh(): number {
    return this.memory.i32[(this.home + HartOffset.address) / 4 + 1]!;
  }
  /** Host address of the value that is to be stored. */
  get valueAt(): number {
    return this.home + HartOffset.value;
  }
  get address(): bigint {
    return this.memory.u64[(this.home + HartOffset.address) / 8]!;
  }
  get value(): bigint {
    return this.memory.u64[(this.home + HartOffset.value) / 8]!;
  }
  get rs1Index(): number {
    return this.memory.view.getUint16(this.record + RecordLayout.rs1, true) / 8;
  }
  get rs2Index(): number {
    return this.memory.view.getUint16(this.record + RecordLayout.rs2, true) / 8;
  }
  get rs1(): bigint {
    return this.x(this.rs1Index);
  }
  get rs2(): bigint {
    return this.x(this.rs2Index);
  }
  /** What a CSR instruction is given: rs1, or the immediate in its place. */
  operand(immediate: boolean): bigint {
    return immediate ? BigInt(this.rs1Index) : this.rs1;
  }
  operandLow(immediate: boolean): number {
    return immediate
      ? this.rs1Index
      : this.memory.i32[(this.home + this.memory.view.getUint16(this.record + RecordLayout.rs1, true)) / 4]!;
  }
  /** The instruction's immediate; of a CSR instruction the CSR's address. */
  get immediate(): number {
    return this.memory.view.getInt32(this.record + RecordLayout.imm, true);
  }
  /** The instruction's bits, unsigned. */
  get word(): number {
    return this.memory.view.getUint32(this.record + RecordLayout.word, true);
  }
  /** Writes the low `bytes` bytes of a value, extended, to rd. */
  setRd(value: bigint, bytes: number, signed: boolean): void {
    const at = (this.home + this.memory.view.getUint16(this.record + RecordLayout.rd, true)) / 8;
    this.memory.u64[at] = BigInt.asUintN(64, signed ? BigInt.asIntN(bytes * 8, value) : value);
  }

  /** rd := 32 bits, extended. */
  setRdLow(low: number, signed: boolean): void {
    this.setRdHalves(low, signed ? low >> 31 : 0);
  }

  setRdHalves(low: number, high: number): void {
    const at = (this.home + this.memory.view.getUint16(this.record + RecordLayout.rd, true)) / 4;
    this.memory.i32[at] = low;
    this.memory.i32[at + 1] = high;
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
    const csr0 = (this.home + HartOffset.csrs) / 8;
    const csrs = [...this.memory.u64.subarray(csr0, csr0 + Cell.count)];
    const { mode, waiting, spinning, lines, steps, trapped, reservation } = this;
    return {
      registers,
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
    this.pc = saved.bigint('pc');
    saved.bigints('csrs', Cell.count).forEach((value, cell) => this.setCell(cell, value));
    this.mode = saved.mode('mode');
    this.waiting = saved.boolean('waiting');
    this.spinning = saved.boolean('spinning');
    this.lines = saved.number('lines');
    this.steps = saved.number('steps');
    this.trapped = saved.number('trapped');
    this.reservation = saved.number('reservation');
  }
}
