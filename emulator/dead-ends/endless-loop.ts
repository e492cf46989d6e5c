/**
 * Follows the code of a hart from where it stands, on paper: nothing is executed. Code that comes back to the same place with
 * the same registers and the same memory goes round for ever, unless an interrupt leads the hart away or somebody else
 * writes what a pass reads. That is known of few kinds of code, and of the others nothing is said: a pass must touch no
 * device and no clock, change nothing but the hart's own stack, and take no trap.
 */
import { Mstatus, SATP_SV39 } from '../isa/csr-bits';
import { Csr } from '../isa/csrs';
import type { Decoded } from '../isa/instructions/decode';
import { instructionResult } from '../isa/instructions/evaluate';
import { type Comparison, CsrUpdate, SystemOperation } from '../isa/instructions/instruction';
import { type ReadBytes, instructionAt } from '../isa/instructions/instruction-at';
import { X } from '../isa/registers';
import { PAGE_SIZE, satpRoot, walk } from '../isa/sv39';
import { type Hart, Mode, type PhysicalMemory } from '../types';

export interface EndlessLoop {
  /** The lowest and the highest address of its instructions. */
  low: bigint;
  high: bigint;
  /** Where the hart's stack pointer stays. */
  sp: bigint;
  /**
   * Virtual addresses, outside of the hart's own stack, that a pass reads, with what it reads there: only who writes something
   * else can end the loop.
   */
  awaited: ReadonlyMap<bigint, bigint>;
  /** Interrupts to the hart's mode are disabled throughout. */
  masked: boolean;
  /** It sleeps in wfi on its way. */
  sleeps: boolean;
}

/** Instructions to follow, in which a pass must have come round. */
const LONGEST = 1024;
/** Bytes on each side of sp that are taken for the hart's own. */
const OWN_STACK = 1024n;

/** CSRs that say the same however often they are read, and that nobody but the hart itself writes. */
const STEADY: readonly number[] = [
  ...[Csr.sstatus, Csr.sie, Csr.stvec, Csr.sscratch, Csr.sepc, Csr.scause, Csr.stval, Csr.satp, Csr.mhartid],
  ...[Csr.mstatus, Csr.mie, Csr.mtvec, Csr.mscratch, Csr.mepc, Csr.mcause, Csr.mtval, Csr.misa, Csr.mvendorid],
];

const COMPARISONS: Readonly<Record<Comparison, (a: bigint, b: bigint) => boolean>> = {
  eq: (a, b) => a === b,
  ne: (a, b) => a !== b,
  lt_u: (a, b) => a < b,
  ge_u: (a, b) => a >= b,
  lt_s: (a, b) => BigInt.asIntN(64, a) < BigInt.asIntN(64, b),
  ge_s: (a, b) => BigInt.asIntN(64, a) >= BigInt.asIntN(64, b),
};

/** The loop that a hart is in, if it is one of those that can be told. Never throws. */
export function endlessLoop(hart: Hart, memory: PhysicalMemory): EndlessLoop | undefined {
  if (hart.mode === Mode.User) return undefined;
  const path = new Path(hart, memory);
  let start = path.state();
  let distance = 1;
  path.begin();
  for (let count = 1; count <= LONGEST; count++) {
    const at = path.pc;
    if (!path.step()) return undefined;
    // A loop goes back somewhere; and it may begin further on than the hart stands.
    if (path.pc > at) continue;
    if (path.isIn(start)) return path.loop();
    if (count < distance) continue;
    start = path.state();
    path.begin();
    distance = count * 2;
  }
  return undefined;
}

/** Everything that decides where the path goes on. */
interface PathState {
  pc: bigint;
  x: readonly bigint[];
  status: bigint;
  stack: ReadonlyMap<bigint, number>;
}

class Path {
  pc: bigint;
  private readonly x: bigint[];
  /** mstatus, of which the two global interrupt enables are kept. */
  private status: bigint;
  private readonly enable: bigint;
  /** Bytes that the path has made other than memory has them. */
  private readonly stack = new Map<bigint, number>();
  private readonly read: ReadBytes;
  /** The instructions that it has come to, by address. */
  private readonly code = new Map<bigint, Decoded | undefined>();
  private low = 0n;
  private high = 0n;
  private masked = true;
  private sleeps = false;
  private readonly awaited = new Map<bigint, bigint>();

  constructor(
    private readonly hart: Hart,
    memory: PhysicalMemory,
  ) {
    this.pc = hart.pc;
    this.x = Array.from({ length: 32 }, (_, register) => hart.x(register));
    this.status = hart.csr(Csr.mstatus) ?? 0n;
    this.enable = BigInt(hart.mode === Mode.Machine ? Mstatus.mie : Mstatus.sie);
    this.read = virtualMemory(hart, memory);
  }

  /** A pass begins here. */
  begin(): void {
    this.low = this.pc;
    this.high = this.pc;
    this.masked = true;
    this.sleeps = false;
    this.awaited.clear();
  }

  state(): PathState {
    return { pc: this.pc, x: [...this.x], status: this.status, stack: new Map(this.stack) };
  }

  isIn({ pc, x, status, stack }: PathState): boolean {
    return (
      this.pc === pc &&
      this.status === status &&
      x.every((value, register) => value === this.x[register]) &&
      stack.size === this.stack.size &&
      [...stack].every(([address, byte]) => this.stack.get(address) === byte)
    );
  }

  loop(): EndlessLoop {
    const { low, high, masked, sleeps } = this;
    return { low, high, sp: this.x[X.sp]!, awaited: new Map(this.awaited), masked, sleeps };
  }

  /** Follows one instruction; false if it may do what cannot be followed. */
  step(): boolean {
    const { pc } = this;
    if (!this.code.has(pc)) this.code.set(pc, instructionAt(this.read, pc));
    const decoded = this.code.get(pc);
    if (decoded === undefined) return false;
    if (pc < this.low) this.low = pc;
    if (pc > this.high) this.high = pc;
    if ((this.status & this.enable) !== 0n) this.masked = false;
    const { instruction, rd, rs1, rs2, imm, length } = decoded;
    const next = pc + BigInt(length);
    const [a, b] = [this.x[rs1]!, this.x[rs2]!];
    switch (instruction.control) {
      case 'branch':
        this.pc = COMPARISONS[instruction.condition!](a, b) ? unsigned(pc + BigInt(imm)) : next;
        return true;
      case 'jump':
        this.set(rd, next);
        this.pc = unsigned(pc + BigInt(imm));
        return true;
      case 'indirect':
        this.set(rd, next);
        this.pc = unsigned(a + BigInt(imm)) & ~1n;
        return true;
      case 'trap':
        return false;
      case 'none':
        this.pc = next;
        if (instruction.hasFloats) return false;
        if (instruction.access) return this.access(decoded);
        if (instruction.csr) return this.csr(decoded);
        if (instruction.system !== undefined) return this.waits(instruction.system);
        // Fences write nothing.
        this.set(rd, instructionResult(decoded, { rs1: a, rs2: b, pc }) ?? this.x[rd]!);
        return true;
    }
  }

  private waits(operation: SystemOperation): boolean {
    this.sleeps ||= operation === SystemOperation.wfi;
    return operation === SystemOperation.wfi;
  }

  private access({ instruction, rd, rs1, rs2, imm }: Decoded): boolean {
    const { kind, bytes, signed, swaps } = instruction.access!;
    if (kind === 'sc' || (kind === 'amo' && !swaps)) return false;
    const address = unsigned(this.x[rs1]! + (kind === 'load' || kind === 'store' ? BigInt(imm) : 0n));
    const found = this.load(address, bytes);
    if (found === undefined) return false;
    const isOwn = this.isOwn(address);
    if (kind !== 'store' && !isOwn) this.awaited.set(address, found);
    if ((kind === 'store' || kind === 'amo') && !this.store(address, bytes, this.x[rs2]!, isOwn)) return false;
    if (kind !== 'store') this.set(rd, signed ? unsigned(BigInt.asIntN(8 * bytes, found)) : found);
    return true;
  }

  private csr({ instruction, rd, rs1, imm }: Decoded): boolean {
    const { update, immediate } = instruction.csr!;
    const isStatus = imm === Csr.mstatus || imm === Csr.sstatus;
    const before = STEADY.includes(imm) ? this.hart.csr(imm) : undefined;
    if (before === undefined) return false;
    const enables = BigInt(imm === Csr.sstatus ? Mstatus.sie : Mstatus.sie | Mstatus.mie);
    const old = isStatus ? (before & ~enables) | (this.status & enables) : before;
    if (update === CsrUpdate.write || rs1 !== 0) {
      const operand = immediate ? BigInt(rs1) : this.x[rs1]!;
      const after = update === CsrUpdate.write ? operand : update === CsrUpdate.set ? old | operand : old & ~operand;
      // Only interrupts may be enabled and disabled.
      if (!isStatus || ((after ^ old) & ~enables) !== 0n) return false;
      this.status = (this.status & ~enables) | (after & enables);
    }
    this.set(rd, old);
    return true;
  }

  private isOwn(address: bigint): boolean {
    const sp = this.x[X.sp]!;
    return address >= sp - OWN_STACK && address < sp + OWN_STACK;
  }

  private load(address: bigint, bytes: number): bigint | undefined {
    const found = this.read(address, bytes);
    if (found === undefined) return undefined;
    // By halves, and without a look at the stack where nothing is on it: most of what is followed in vain loads in a loop.
    const halves = [0, 0];
    for (let i = 0; i < bytes; i++) {
      const byte = this.stack.size === 0 ? found[i]! : (this.stack.get(address + BigInt(i)) ?? found[i]!);
      halves[i >> 2]! += byte * 2 ** (8 * (i & 3));
    }
    return (BigInt(halves[1]!) << 32n) | BigInt(halves[0]!);
  }

  /** False if that changes what is not the hart's own. */
  private store(address: bigint, bytes: number, value: bigint, isOwn: boolean): boolean {
    const found = this.read(address, bytes)!;
    for (let i = 0; i < bytes; i++) {
      const at = address + BigInt(i);
      const byte = Number((value >> BigInt(8 * i)) & 0xffn);
      if (byte === found[i]) this.stack.delete(at);
      else if (isOwn) this.stack.set(at, byte);
      else return false;
    }
    return true;
  }

  private set(register: number, value: bigint): void {
    if (register !== 0) this.x[register] = value;
  }
}

const unsigned = (value: bigint): bigint => BigInt.asUintN(64, value);

/** Memory as a hart sees it, a page at a time; undefined for devices. */
function virtualMemory(hart: Hart, memory: PhysicalMemory): ReadBytes {
  const satp = hart.csr(Csr.satp) ?? 0n;
  const root = hart.translating && satp >> 60n === SATP_SV39 ? satpRoot(satp) : undefined;
  const pages = new Map<bigint, bigint | undefined>();
  const physicalPage = (page: bigint): bigint | undefined => {
    if (!pages.has(page)) {
      const { leaf } = walk(root!, page, (address) => memory.readU64(address));
      pages.set(page, leaf?.pa);
    }
    return pages.get(page);
  };
  return (address, length) => {
    if (root === undefined) return memory.read(address, length);
    const offset = address % PAGE_SIZE;
    const page = offset + BigInt(length) > PAGE_SIZE ? undefined : physicalPage(address - offset);
    return page === undefined ? undefined : memory.read(page + offset, length);
  };
}
