/**
 * Tracks symbolically what a straight line of assembly does to the registers. Trap vectors and context switches follow no
 * calling convention, so only their own instructions, up to the hart's pc, show where they have saved the registers of the
 * interrupted code. Follows the RISC-V unprivileged specification (RV64I) and "Zicsr"; assumes that a call preserves what the
 * psABI says.
 */
import { isCall, isJump, isTrapReturn } from '../../emulator/isa/instructions/calls';
import type { Decoded } from '../../emulator/isa/instructions/decode';
import { instructionResult } from '../../emulator/isa/instructions/evaluate';
import { CsrUpdate, type CsrAccess } from '../../emulator/isa/instructions/instruction';
import { instructionAt } from '../../emulator/isa/instructions/instruction-at';
import { X } from '../../emulator/isa/registers';
import type { ReadMemory } from '../symbols/api';

/** A value at the start (of `x2`, of `csr 0x140`) or loaded from memory, plus a number; or just a number. */
interface Term {
  base: string | undefined;
  offset: bigint;
}

/** Registers and memory at one end of the code. */
export interface RegisterState {
  x: readonly (bigint | undefined)[];
  csr(address: number): bigint | undefined;
  read: ReadMemory;
}

/** A register's value at the other end, and where it is saved: in memory, or in a register. */
export interface Recovered {
  value: bigint | undefined;
  savedAt?: bigint;
  register?: number;
}

/** Most instructions to follow; a vector that saves all registers has about 70. */
const LONGEST = 512;
/** gp, tp, sp and s0 to s11. */
const kept = (register: number): boolean =>
  (register >= 2 && register <= 4) || register === 8 || register === 9 || (register >= 18 && register <= 27);

const wrap = (value: bigint): bigint => BigInt.asUintN(64, value);
const constant = (value: bigint): Term => ({ base: undefined, offset: wrap(value) });
const plus = (term: Term, offset: bigint): Term => ({ base: term.base, offset: wrap(term.offset + offset) });
const key = ({ base, offset }: Term): string => `${base ?? ''}+${offset}`;

export class RegisterTracker {
  private readonly registers: (Term | undefined)[] = Array.from({ length: 32 }, (_, register) =>
    register === 0 ? constant(0n) : { base: `x${register}`, offset: 0n },
  );
  private readonly csrs = new Map<number, Term | undefined>();
  private readonly memory = new Map<string, { at: Term; value: Term | undefined }>();
  /** Addresses of loaded values, by the name of the value. */
  private readonly loads = new Map<string, Term>();

  /** Follows the code from `start` up to, not including, `end`; undefined if it is not a straight line. */
  static between(start: bigint, end: bigint, code: ReadMemory): RegisterTracker | undefined {
    const line = new RegisterTracker();
    let at = start;
    for (let count = 0; at < end && count < LONGEST; count++) {
      const decoded = instructionAt(code, at);
      if (!decoded || !line.follow(decoded, at)) return undefined;
      at += BigInt(decoded.length);
    }
    return at === end ? line : undefined;
  }

  /** Whether sp is still on the stack of the start. */
  get keepsStack(): boolean {
    return this.registers[X.sp]?.base === `x${X.sp}`;
  }

  /** The value of a register at the start, given the state at the end. */
  before(register: number, now: RegisterState): Recovered {
    return register === 0 ? { value: 0n } : this.recover(`x${register}`, now, new Set());
  }

  /** The value of a register at the end, given the state at the start. */
  after(register: number, now: RegisterState): Recovered {
    const term = this.registers[register];
    if (!term) return { value: undefined };
    const load = term.base === undefined ? undefined : this.loads.get(term.base);
    const savedAt = load && term.offset === 0n ? this.value(load, now) : undefined;
    const value = this.value(term, now);
    return { value, ...(savedAt === undefined ? {} : { savedAt }) };
  }

  private value({ base, offset }: Term, now: RegisterState, depth = 0): bigint | undefined {
    if (base === undefined) return offset;
    if (depth > 16) return undefined;
    const load = this.loads.get(base);
    const address = load && this.value(load, now, depth + 1);
    const value = load ? address && word(now.read, address) : startValue(base, now);
    return value === undefined ? undefined : wrap(value + offset);
  }

  private recover(base: string, now: RegisterState, visited: Set<string>): Recovered {
    if (visited.has(base)) return { value: undefined };
    visited.add(base);
    const here = this.registers.findIndex((term, register) => term?.base === base && now.x[register] !== undefined);
    if (here >= 0) return { value: wrap(now.x[here]! - this.registers[here]!.offset), register: here };
    for (const [address, term] of this.csrs) {
      const value = term?.base === base ? now.csr(address) : undefined;
      if (value !== undefined) return { value: wrap(value - term!.offset) };
    }
    if (base.startsWith('csr') && !this.csrs.has(Number(base.slice(4)))) return { value: startValue(base, now) };
    const load = this.loads.get(base);
    if (load) {
      const address = this.place(load, now, visited);
      return { value: address === undefined ? undefined : word(now.read, address) };
    }
    for (const { at, value } of this.memory.values()) {
      if (value?.base !== base) continue;
      const address = this.place(at, now, visited);
      const found = address === undefined ? undefined : word(now.read, address);
      if (found !== undefined)
        return { value: wrap(found - value.offset), ...(value.offset === 0n ? { savedAt: address! } : {}) };
    }
    return { value: undefined };
  }

  private place({ base, offset }: Term, now: RegisterState, visited: Set<string>): bigint | undefined {
    const start = base === undefined ? 0n : this.recover(base, now, visited).value;
    return start === undefined ? undefined : wrap(start + offset);
  }

  /** Returns false if the code does not continue after the instruction. */
  private follow(decoded: Decoded, at: bigint): boolean {
    const { instruction, rd, rs1, rs2, imm, length } = decoded;
    const { access, csr } = instruction;
    if (instruction.control === 'branch' || isTrapReturn(decoded)) return false;
    if (isJump(decoded)) {
      if (!isCall(decoded)) return false;
      this.call(at + BigInt(length));
    } else if (csr) {
      this.csr(csr, rd, rs1, imm);
    } else if (access) {
      const base = access.bytes === 8 ? this.registers[rs1] : undefined;
      const place = base && plus(base, BigInt(imm));
      if (access.kind === 'load') this.set(rd, place && this.load(place));
      else if (access.kind !== 'store') this.set(rd, undefined);
      else if (place) this.memory.set(key(place), { at: place, value: this.registers[rs2] });
    } else {
      this.set(rd, this.computed(decoded, at));
    }
    return true;
  }

  /** The value that an instruction which only computes writes to rd. */
  private computed(decoded: Decoded, at: bigint): Term | undefined {
    const { instruction, rs1, rs2, imm } = decoded;
    const terms = { rs1: this.registers[rs1], rs2: this.registers[rs2], imm: constant(BigInt(imm)), pc: constant(at) };
    if (instruction.sum) return instruction.sum.map((term) => terms[term]).reduce(sum);
    const [a, b] = [valueOf(terms.rs1), valueOf(terms.rs2)];
    const value =
      a === undefined || b === undefined ? undefined : instructionResult(decoded, { rs1: a, rs2: b, pc: at });
    return value === undefined ? undefined : constant(value);
  }

  private set(register: number, term: Term | undefined): void {
    if (register !== 0) this.registers[register] = term;
  }

  private load(at: Term): Term | undefined {
    const stored = this.memory.get(key(at));
    if (stored) return stored.value;
    const base = `load ${this.loads.size}`;
    this.loads.set(base, at);
    return { base, offset: 0n };
  }

  private csr({ update, immediate }: CsrAccess, rd: number, rs1: number, csr: number): void {
    const before = this.csrs.has(csr) ? this.csrs.get(csr) : { base: `csr ${csr}`, offset: 0n };
    const isWrite = update === CsrUpdate.write;
    // With a zero operand, the other CSR instructions only read.
    if (isWrite || rs1 !== 0) this.csrs.set(csr, isWrite && !immediate ? this.registers[rs1] : undefined);
    this.set(rd, before);
  }

  private call(returnAddress: bigint): void {
    for (let register = 1; register < 32; register++) if (!kept(register)) this.registers[register] = undefined;
    this.registers[X.ra] = constant(returnAddress);
    for (const csr of this.csrs.keys()) this.csrs.set(csr, undefined);
  }
}

function startValue(base: string, now: RegisterState): bigint | undefined {
  return base.startsWith('csr') ? now.csr(Number(base.slice(4))) : now.x[Number(base.slice(1))];
}

const sum = (a: Term | undefined, b: Term | undefined): Term | undefined => {
  if (!a || !b || (a.base !== undefined && b.base !== undefined)) return undefined;
  return a.base === undefined ? plus(b, a.offset) : plus(a, b.offset);
};

/** The value of a term that is just a number. */
const valueOf = (term: Term | undefined): bigint | undefined =>
  term && term.base === undefined ? term.offset : undefined;

function word(read: ReadMemory, address: bigint): bigint | undefined {
  const bytes = read(address, 8);
  return bytes?.length === 8 ? new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true) : undefined;
}
