/**
 * The registers of one hart and the instruction that it is at, in linear memory: in the hart's own block, or in the
 * current-hart block while it runs (layout.ts). RISC-V unprivileged specification, chapters 2 and 11.
 */
import { Mstatus } from '../isa/csr-bits';
import { CURRENT_HART, Cell, HartOffset, RecordLayout, hartBlock } from '../layout';
import type { GuestMemory } from '../mmu/guest-memory';

/** Words of 32 bits: x0 to x31, two that are always 0, pc; then those of f0 to f31 and fcsr. */
const INTEGER_WORDS = HartOffset.remaining / 4;
const FLOAT_WORDS = 64;
export const REGISTER_WORDS = INTEGER_WORDS + FLOAT_WORDS + 1;

/** Where pc is, in words of 32 bits. */
const PC = HartOffset.pc / 4;

export class HartRegisters {
  /** Host address of its block. */
  readonly block: number;
  /** Host address of its registers: in its own block, or in the current-hart block while it runs. */
  protected home: number;

  constructor(
    readonly id: number,
    readonly memory: GuestMemory,
  ) {
    this.block = hartBlock(id);
    this.home = this.block;
  }

  /** Moves the state that the generated code works on into the current-hart block, and back. */
  makeCurrent(): void {
    this.memory.u8.copyWithin(CURRENT_HART, this.block, this.block + HartOffset.end);
    this.home = CURRENT_HART;
    if (this.hasFloats) this.moveFloats(this.block, CURRENT_HART);
  }
  makeParked(): void {
    this.memory.u8.copyWithin(this.block, CURRENT_HART, CURRENT_HART + HartOffset.end);
    this.home = this.block;
    if (this.hasFloats) this.moveFloats(CURRENT_HART, this.block);
  }
  get isCurrent(): boolean {
    return this.home === CURRENT_HART;
  }

  /** Sets mstatus.FS, by which floating-point registers are in the current-hart block or not. */
  setFloatStatus(bits: number): void {
    const had = this.hasFloats;
    this.setLow(Cell.mstatus, (this.low(Cell.mstatus) & ~Mstatus.fs) | bits);
    if (this.home === this.block || this.hasFloats === had) return;
    if (had) this.moveFloats(CURRENT_HART, this.block);
    else this.moveFloats(this.block, CURRENT_HART);
  }

  /** Floating-point registers are in use: mstatus.FS is not off. */
  get hasFloats(): boolean {
    return (this.low(Cell.mstatus) & Mstatus.fs) !== 0;
  }

  private moveFloats(from: number, to: number): void {
    this.memory.u8.copyWithin(to + HartOffset.f, from + HartOffset.f, from + HartOffset.f + 4 * FLOAT_WORDS);
  }

  /** The 64 bits of a floating-point register. */
  f(register: number): bigint {
    return this.memory.u64[this.floatAt(register)]!;
  }
  setF(register: number, value: bigint): void {
    this.memory.u64[this.floatAt(register)] = value;
  }
  private floatAt(register: number): number {
    return ((this.hasFloats ? this.home : this.block) + HartOffset.f) / 8 + register;
  }

  /** A copy of registers and pc, by words, with those for floating point if they are in use; to be compared with. */
  registers(words = new Int32Array(REGISTER_WORDS)): Int32Array {
    const { i32 } = this.memory;
    const first = this.home / 4;
    for (let i = 0; i < INTEGER_WORDS; i++) words[i] = i32[first + i]!;
    if (this.hasFloats) {
      for (let i = 0; i < FLOAT_WORDS; i++) words[INTEGER_WORDS + i] = i32[first + HartOffset.f / 4 + i]!;
      words[INTEGER_WORDS + FLOAT_WORDS] = this.low(Cell.fcsr);
    }
    return words.fill(0, HartOffset.discard / 4, HartOffset.discard / 4 + 2);
  }
  hasRegisters(words: ArrayLike<number>): boolean {
    const { i32 } = this.memory;
    const first = this.home / 4;
    for (let i = 0; i < INTEGER_WORDS; i++)
      if (words[i] !== i32[first + i] && i >> 1 !== HartOffset.discard / 8) return false;
    if (!this.hasFloats) return true;
    for (let i = 0; i < FLOAT_WORDS; i++)
      if (words[INTEGER_WORDS + i] !== i32[first + HartOffset.f / 4 + i]) return false;
    return words[INTEGER_WORDS + FLOAT_WORDS] === this.low(Cell.fcsr);
  }
  /** Whether pc is what it is among these. */
  hasPc(words: ArrayLike<number>): boolean {
    const { i32 } = this.memory;
    const at = this.home / 4;
    return words[PC] === i32[at + PC] && words[PC + 1] === i32[at + PC + 1];
  }
  /** Puts x0 to x31 and pc back. */
  putRegisters(words: Int32Array): void {
    this.memory.i32.set(words.subarray(0, INTEGER_WORDS), this.home / 4);
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
    const pc = this.home / 4 + PC;
    const cell = this.cellAt(into);
    i32[cell] = i32[pc]!;
    i32[cell + 1] = i32[pc + 1]!;
  }
  restorePc(from: Cell): void {
    const { i32 } = this.memory;
    const pc = this.home / 4 + PC;
    const cell = this.cellAt(from);
    i32[pc] = i32[cell]! & ~1;
    i32[pc + 1] = i32[cell + 1]!;
  }

  /** pc += bytes, without the cost of a bigint. */
  advance(bytes: number): void {
    const { i32 } = this.memory;
    const at = this.home / 4 + PC;
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

  /** Host address of a register. */
  xAt(register: number): number {
    return this.home + HartOffset.x + register * 8;
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
  set address(value: bigint) {
    this.memory.u64[(this.home + HartOffset.address) / 8] = value;
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
    return immediate ? this.rs1Index : this.rs1Low;
  }
  /** The halves of rs1 and rs2, signed: quicker, without a bigint. */
  get rs1Low(): number {
    return this.memory.i32[this.halvesAt(RecordLayout.rs1)]!;
  }
  get rs1High(): number {
    return this.memory.i32[this.halvesAt(RecordLayout.rs1) + 1]!;
  }
  get rs2Low(): number {
    return this.memory.i32[this.halvesAt(RecordLayout.rs2)]!;
  }
  get rs2High(): number {
    return this.memory.i32[this.halvesAt(RecordLayout.rs2) + 1]!;
  }
  /** Index of the low half of a register that a field of the record names, among the words of memory. */
  private halvesAt(field: number): number {
    return (this.home + this.memory.view.getUint16(this.record + field, true)) / 4;
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

  /** Fills the upper half of rd with ones. */
  boxRd(): void {
    this.memory.i32[this.halvesAt(RecordLayout.rd) + 1] = -1;
  }

  /** rd := 32 bits, extended. */
  setRdLow(low: number, signed: boolean): void {
    this.setRdHalves(low, signed ? low >> 31 : 0);
  }

  setRdHalves(low: number, high: number): void {
    const at = this.halvesAt(RecordLayout.rd);
    this.memory.i32[at] = low;
    this.memory.i32[at + 1] = high;
  }
}
