/**
 * The core-local interruptor: software interrupts (msip) and the machine timer (mtime, mtimecmp) of every hart. Layout
 * of the SiFive CLINT; widths, and mtime as a writable register, as QEMU 7.2 has them (hw/intc/riscv_aclint.c).
 */
import type { Board, Device } from '../device';
import type { AccessSize, State } from '../types';
import { MemoryMap } from './memory-map';
import { SavedState } from '../history/saved-state';

const MTIMECMP = 0x4000;
const MTIME = 0xbff8;
const END = 0xc000;

type ClintBoard = Pick<Board, 'harts' | 'now' | 'setHartLine'>;

export class Clint implements Device {
  readonly name = 'clint';
  readonly base = MemoryMap.clint.base;
  readonly size = MemoryMap.clint.size;

  private msip: boolean[];
  private mtip: boolean[];
  private mtimecmp: bigint[];
  private offset = 0n;
  private next = Infinity;

  /** `timeWritten` is called after the guest writes mtime, so that others can recompute what depends on it. */
  constructor(
    private readonly board: ClintBoard,
    private readonly timeWritten?: () => void,
  ) {
    this.msip = Array<boolean>(board.harts).fill(false);
    this.mtip = Array<boolean>(board.harts).fill(false);
    this.mtimecmp = Array<bigint>(board.harts).fill(0n);
  }

  /** mtime minus virtual time, modulo 2^64: not 0 once the guest has written mtime. The `time` CSR adds it too. */
  get timeOffset(): bigint {
    return this.offset;
  }

  /** 64 bits. */
  get mtime(): bigint {
    return BigInt.asUintN(64, BigInt(this.board.now()) + this.offset);
  }

  read(offset: number, size: AccessSize): bigint | undefined {
    if (!isAllowed(offset, size)) return undefined;
    if (offset < MTIMECMP) return this.msip[offset >> 2] ? 1n : 0n;
    const value = offset >= MTIME ? this.mtime : (this.mtimecmp[(offset - MTIMECMP) >> 3] ?? 0n);
    if (size === 8) return value;
    return offset & 4 ? value >> 32n : value & 0xffff_ffffn;
  }

  write(offset: number, size: AccessSize, value: bigint): boolean {
    if (!isAllowed(offset, size)) return false;
    if (offset < MTIMECMP) this.writeMsip(offset >> 2, (value & 1n) === 1n);
    else if (offset >= MTIME) this.writeMtime(merge(this.mtime, offset, size, value));
    else this.writeMtimecmp((offset - MTIMECMP) >> 3, offset, size, value);
    return true;
  }

  /** mtime counts from 0 again, and mtimecmp is 0: as under QEMU, the timer interrupt is pending from the start. */
  reset(): void {
    this.msip.fill(false);
    this.mtimecmp.fill(0n);
    this.mtip.fill(true);
    this.offset = 0n;
    this.drive();
  }

  save(): State {
    return { msip: [...this.msip], mtip: [...this.mtip], mtimecmp: [...this.mtimecmp], offset: this.offset };
  }

  restore(state: State): void {
    const saved = new SavedState(this.name, state);
    this.msip = saved.booleans('msip', this.board.harts);
    this.mtip = saved.booleans('mtip', this.board.harts);
    this.mtimecmp = saved.bigints('mtimecmp', this.board.harts);
    this.offset = saved.bigint('offset');
    this.drive();
  }

  nextEvent(): number {
    return this.next;
  }

  advance(now: number): void {
    if (now < this.next) return;
    for (let hart = 0; hart < this.mtimecmp.length; hart++) if (this.dueAt(hart) <= now) this.setMtip(hart, true);
    this.schedule();
  }

  private writeMsip(hart: number, level: boolean): void {
    if (hart >= this.board.harts) return;
    this.msip[hart] = level;
    this.board.setHartLine(hart, 'msip', level);
  }

  private writeMtimecmp(hart: number, offset: number, size: AccessSize, value: bigint): void {
    if (hart >= this.board.harts) return;
    this.mtimecmp[hart] = merge(this.mtimecmp[hart]!, offset, size, value);
    this.setMtip(hart, this.mtimecmp[hart] <= this.mtime);
    this.schedule();
  }

  private writeMtime(value: bigint): void {
    this.offset = BigInt.asUintN(64, value - BigInt(this.board.now()));
    this.mtimecmp.forEach((compare, hart) => this.setMtip(hart, compare <= value));
    this.schedule();
    this.timeWritten?.();
  }

  private setMtip(hart: number, level: boolean): void {
    this.mtip[hart] = level;
    this.board.setHartLine(hart, 'mtip', level);
  }

  /** The tick at which mtime reaches the hart's mtimecmp; Infinity beyond 2^53, which no run reaches. */
  private dueAt(hart: number): number {
    if (this.mtip[hart]) return Infinity;
    const tick = BigInt.asUintN(64, this.mtimecmp[hart]! - this.offset);
    return tick > BigInt(Number.MAX_SAFE_INTEGER) ? Infinity : Number(tick);
  }

  private schedule(): void {
    this.next = Infinity;
    for (let hart = 0; hart < this.mtimecmp.length; hart++) this.next = Math.min(this.next, this.dueAt(hart));
  }

  private drive(): void {
    this.msip.forEach((level, hart) => this.board.setHartLine(hart, 'msip', level));
    this.mtip.forEach((level, hart) => this.board.setHartLine(hart, 'mtip', level));
    this.schedule();
  }
}

/** msip is 4 bytes wide, the timer 4 or 8. */
function isAllowed(offset: number, size: AccessSize): boolean {
  if (offset % size !== 0 || offset >= END) return false;
  return size === 4 || (size === 8 && offset >= MTIMECMP);
}

/** `register` with the half, or the whole, that an access of `size` bytes at `offset` covers. */
function merge(register: bigint, offset: number, size: AccessSize, value: bigint): bigint {
  if (size === 8) return value;
  return offset & 4 ? (register & 0xffff_ffffn) | (value << 32n) : ((register >> 32n) << 32n) | value;
}
