/**
 * Speculative execution with rollback: executes a hart's next instructions, and then restores the registers and the memory
 * that they changed, so that the scheduler can look ahead. It depends on the state of the machine alone, and not on caches,
 * breakpoints or watches. It can do the instructions that waiting loops are made of, and ends at anything else: a trap, a
 * device, the clock.
 */
import { type Decoded, decode, lengthOf } from '../isa/instructions/decode';
import { Csr } from '../isa/csrs';
import type { GuestMemory } from '../mmu/guest-memory';
import { AccessType, type Mmu } from '../mmu/mmu';
import type { Executor } from '../jit/executor';
import type { HartState } from '../cpu/hart';
import { Cell, HartOffset, PAGE } from '../layout';
import { Mstatus } from '../isa/csr-bits';
import { updated } from '../cpu/csr';
import { interruptToTake } from '../cpu/traps';

/** How an instruction is done speculatively, and the width in bytes of the memory that it touches. */
interface SpeculativeStep {
  decoded: Decoded;
  way: 'computes' | 'loads' | 'stores' | 'swaps' | 'csr';
  bytes: number;
  signed: boolean;
}

/** A loop that looks for work writes locks, which it also puts back, and its stack; some fill a buffer, and then put that back. */
const MANY_WORDS = 512;

export class Speculation {
  /** Words of 8 bytes that were touched, by host address, and what they held before. */
  readonly touched = new Map<number, bigint>();
  /** A store has changed memory. */
  changed = false;
  /** It has tried to take a lock that another hart holds. */
  lockContended = false;
  /** It writes ever more words, and most of them stay changed: it does not wait, but fills memory. */
  fills = false;
  private readonly written = new Map<number, bigint>();
  private readonly pages = new Map<number, number>();
  private readonly registers: Int32Array;
  private readonly mstatus: number;

  /** The hart must not run, nor have an interrupt to take. */
  constructor(
    private readonly hart: HartState,
    private readonly memory: GuestMemory,
    private readonly mmu: Mmu,
    private readonly executor: Executor,
  ) {
    this.registers = hart.registers();
    this.mstatus = hart.low(Cell.mstatus);
  }

  /** The hart is where it began, with the same registers. */
  get isAtStart(): boolean {
    const { hart, registers } = this;
    return hart.hasPc(registers) && hart.low(Cell.mstatus) === this.mstatus && hart.hasRegisters(registers);
  }

  /** All that was touched holds what it held before. */
  get memoryIsUnchanged(): boolean {
    for (const [word, before] of this.touched) if (this.memory.u64[word / 8] !== before) return false;
    return true;
  }

  /** From now on `memoryIsUnchanged` compares with what the touched words hold now. */
  beginPass(): void {
    for (const word of this.touched.keys()) this.touched.set(word, this.memory.u64[word / 8]!);
  }

  /** Executes an instruction. False, and nothing done, if that cannot be done speculatively. */
  step(): boolean {
    const word = this.fetch();
    const step = word === undefined ? undefined : stepOf(word);
    if (step === undefined) return false;
    switch (step.way) {
      case 'computes':
        return this.executor.executeOnce(this.hart, word!);
      case 'loads':
        return this.load(step);
      case 'stores':
      case 'swaps':
        return this.store(step);
      case 'csr':
        return this.csr(step);
    }
  }

  /** Restores registers and memory. */
  rollBack(): void {
    for (const [word, before] of this.written) this.memory.u64[word / 8] = before;
    this.hart.putRegisters(this.registers);
    this.hart.setLow(Cell.mstatus, this.mstatus);
  }

  private fetch(): number | undefined {
    const { view } = this.memory;
    const pc = this.hart.half(HartOffset.pc + 4) * 2 ** 32 + (this.hart.half(HartOffset.pc) >>> 0);
    const host = this.hostOf(pc, AccessType.fetch);
    if (host === 0) return undefined;
    const low = view.getUint16(host, true);
    if (lengthOf(low) === 2) return low;
    const rest = (host & (PAGE - 1)) === PAGE - 2 ? this.hostOf(pc + 2, AccessType.fetch) : host + 2;
    return rest === 0 ? undefined : low | (view.getUint16(rest, true) << 16);
  }

  private load({ decoded: { rd, rs1, imm, length }, bytes, signed }: SpeculativeStep): boolean {
    const host = this.touch(this.hart.signed(rs1) + imm, bytes);
    if (host === 0) return false;
    this.toRegister(rd, host, bytes, signed);
    this.hart.advance(length);
    return true;
  }

  private store({ decoded: { rd, rs1, rs2, imm, length }, way, bytes }: SpeculativeStep): boolean {
    const { hart, memory } = this;
    const host = this.touch(hart.signed(rs1) + (way === 'swaps' ? 0 : imm), bytes);
    if (host === 0 || memory.isRom(host)) return false;
    // Read first: rd may be the same register.
    const from = hart.xAt(rs2) / 4;
    const low = memory.i32[from]!;
    const high = memory.i32[from + 1]!;
    const changes = !this.holds(host, bytes, low, high);
    if (way === 'swaps') {
      this.toRegister(rd, host, bytes, true);
      if (!changes) this.lockContended = true;
    }
    if (changes) {
      this.changed = true;
      const word = wordOf(host);
      if (!this.written.has(word)) {
        this.written.set(word, memory.u64[word / 8]!);
        this.fills ||= this.mostStayChanged();
      }
      this.put(host, bytes, low, high);
    }
    hart.advance(length);
    return true;
  }

  /** Looked at when so many words have been written, and when they have become twice as many. */
  private mostStayChanged(): boolean {
    const { size } = this.written;
    if (size < MANY_WORDS || (size & (size - 1)) !== 0) return false;
    let changed = 0;
    for (const [word, before] of this.written) if (this.memory.u64[word / 8] !== before) changed++;
    return changed > size / 2;
  }

  /** Whether so many bytes at a host address are those of a value, given by its halves. */
  private holds(host: number, bytes: number, low: number, high: number): boolean {
    const { i32, view } = this.memory;
    if (bytes === 1) return view.getUint8(host) === (low & 0xff);
    if (bytes === 2) return view.getUint16(host, true) === (low & 0xffff);
    return i32[host / 4] === low && (bytes === 4 || i32[host / 4 + 1] === high);
  }

  private put(host: number, bytes: number, low: number, high: number): void {
    const { i32, view } = this.memory;
    if (bytes === 1) view.setUint8(host, low);
    else if (bytes === 2) view.setUint16(host, low, true);
    else i32[host / 4] = low;
    if (bytes === 8) i32[host / 4 + 1] = high;
  }

  /** rd := so many bytes at a host address, extended to 64 bits. */
  private toRegister(rd: number, host: number, bytes: number, signed: boolean): void {
    if (rd === 0) return;
    const { i32, view } = this.memory;
    const at = this.hart.xAt(rd) / 4;
    const low = bytes === 1 ? view.getInt8(host) : bytes === 2 ? view.getInt16(host, true) : i32[host / 4]!;
    // Sign-extended so far.
    const mask = signed || bytes >= 4 ? -1 : (1 << (8 * bytes)) - 1;
    i32[at] = low & mask;
    i32[at + 1] = bytes === 8 ? i32[host / 4 + 1]! : signed ? low >> 31 : 0;
  }

  /** Reading sstatus and sie, and switching interrupts on and off while none is pending. */
  private csr({ decoded: { instruction, rd, rs1, imm, length } }: SpeculativeStep): boolean {
    const { hart } = this;
    if (imm !== Csr.sstatus && imm !== Csr.sie) return false;
    const before = hart.csr(imm)!;
    const { update, immediate } = instruction.csr!;
    const after = updated(update, before, immediate ? BigInt(rs1) : hart.x(rs1));
    if (after !== before) {
      if (imm !== Csr.sstatus || (after ^ before) !== BigInt(Mstatus.sie)) return false;
      hart.setLow(Cell.mstatus, hart.low(Cell.mstatus) ^ Mstatus.sie);
      if (interruptToTake(hart) !== undefined) {
        hart.setLow(Cell.mstatus, hart.low(Cell.mstatus) ^ Mstatus.sie);
        return false;
      }
    }
    hart.setX(rd, before);
    hart.advance(length);
    return true;
  }

  /** Host address of aligned bytes of memory, which are noted as touched; 0 if it is none. The address is a signed number. */
  private touch(address: number, bytes: number): number {
    const host = (address & (bytes - 1)) === 0 ? this.hostOf(address, AccessType.load) : 0;
    const word = wordOf(host);
    if (host !== 0 && !this.touched.has(word)) this.touched.set(word, this.memory.u64[word / 8]!);
    return host;
  }

  /** Numbers are exact up to 2^53, far beyond all that an Sv39 address can be. */
  private hostOf(virtual: number, access: AccessType.load | AccessType.fetch): number {
    const page = Math.floor(virtual / PAGE);
    const key = page * 2 + (access === AccessType.fetch ? 1 : 0);
    let host = this.pages.get(key);
    if (host === undefined) {
      host = this.mmu.hostAtHalves(this.hart, (page * PAGE) | 0, Math.floor((page * PAGE) / 2 ** 32), access, PAGE);
      this.pages.set(key, host);
    }
    return host === 0 ? 0 : host + (virtual & (PAGE - 1));
  }
}

/** The aligned word of 8 bytes in which a host address lies. */
const wordOf = (host: number): number => (host & ~7) >>> 0;

/** Steps by instruction word, as far as they were needed; null for what ends speculation. */
const steps = new Map<number, SpeculativeStep | null>();
const MOST_STEPS = 4096;

function stepOf(word: number): SpeculativeStep | undefined {
  let step = steps.get(word);
  if (step === undefined) {
    if (steps.size === MOST_STEPS) steps.clear();
    steps.set(word, (step = makeStep(word)));
  }
  return step ?? undefined;
}

function makeStep(word: number): SpeculativeStep | null {
  const decoded = decode(word);
  // What waits does not calculate.
  if (decoded === undefined || decoded.floats !== undefined) return null;
  const { access, csr, system } = decoded.instruction;
  if (access !== undefined) {
    const way =
      access.kind === 'load' ? 'loads' : access.kind === 'store' ? 'stores' : access.swaps ? 'swaps' : undefined;
    return way === undefined ? null : { decoded, way, bytes: access.bytes, signed: access.signed };
  }
  if (csr !== undefined) return { decoded, way: 'csr', bytes: 0, signed: false };
  return system === undefined ? { decoded, way: 'computes', bytes: 0, signed: false } : null;
}
