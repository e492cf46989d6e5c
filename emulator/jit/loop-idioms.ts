/**
 * Loops that fill or copy memory, done at the speed of memory. xv6 fills every page that it frees byte by byte, and copies
 * alike; compilers turn that into one block: sums of registers and constants, one store, perhaps the load that feeds it, and a
 * branch back to the start. Nothing a guest can see tells the difference: as many instructions are counted, faults and
 * interrupts come where they would, and a page that is watched is left to the ordinary way.
 */
import { type Decoded, decode, lengthOf } from '../isa/instructions/decode';
import { type Comparison, type Instruction, isSum } from '../isa/instructions/instruction';
import { type GuestMemory, PageFlag } from '../mmu/guest-memory';
import { AccessType, type Mmu } from '../mmu/mmu';
import type { HartState } from '../cpu/hart';
import { PAGE } from '../layout';

/**
 * What a pass computes: a constant and the values that two registers (or x0, which holds 0) have when it begins. Each pass adds
 * `step` to it.
 */
interface Linear {
  first: number;
  second: number;
  constant: number;
  step: number;
}

/** A load or store of the loop. */
interface Reference {
  address: Linear;
  bytes: number;
  /** The register that is loaded or stored. */
  register: number;
  signed: boolean;
}

/**
 * A sum is exact as a safe integer, what a 32-bit instruction has computed only if it fits; an unsigned comparison is one of numbers
 * only if they have no sign.
 */
interface Bounded {
  value: Linear;
  least: number;
  most: number;
}

export interface LoopIdiom {
  /** Instructions, the branch included; and bytes before the branch. */
  length: number;
  bytes: number;
  /** Its first instruction is the store. */
  beginsWithStore: boolean;
  /** What the registers hold at the end of a pass, those aside that it leaves alone and the one it loads. */
  results: readonly { register: number; value: Linear }[];
  /** What must lie within bounds to be the sum that it is here. */
  exact: readonly Bounded[];
  store: Reference;
  load: Reference | undefined;
  /** What each pass adds to the addresses: as many bytes as it stores, up or down. */
  step: number;
  /** The branch's condition for another pass, and what it compares. */
  condition: Comparison;
  compared: readonly [Linear, Linear];
}

/** Passes below which leaving the generated code for a loop costs more than it gains. */
export const FEW_PASSES = 128;
const LONGEST = 8;
export const MAX_LOOP_BYTES = LONGEST * 4;

/** Conditions by which such loops go on. */
const CONDITIONS: ReadonlySet<Comparison | undefined> = new Set(['ne', 'lt_s', 'lt_u'] as const);
/** A branch that may close such a loop. */
export const canClose = ({ condition }: Instruction): boolean => CONDITIONS.has(condition);

/** As Linear, within a pass, where registers may add up that then are too many. */
interface Sum {
  registers: readonly number[];
  constant: number;
}
const NOTHING: Sum = { registers: [], constant: 0 };
const plus = (one: Sum, other: Sum): Sum => ({
  registers: [...one.registers, ...other.registers],
  constant: one.constant + other.constant,
});

/** What the instructions of a pass compute, one after the other. */
class Pass {
  readonly results = new Map<number, Sum>();
  readonly narrow: Sum[] = [];
  store: (Omit<Reference, 'address'> & { at: Sum }) | undefined;
  load: (Omit<Reference, 'address'> & { at: Sum }) | undefined;

  /** False if the instruction is none of such a loop. */
  add({ instruction, rd, rs1, rs2, imm, floats }: Decoded): boolean {
    const { access } = instruction;
    if (floats !== undefined) return false;
    const first = this.of(rs1);
    if (first === undefined) return false;
    const constant = { registers: [], constant: imm };
    if (access?.kind === 'load') {
      if (this.load !== undefined || this.store !== undefined || rd === 0 || this.results.has(rd)) return false;
      this.load = { at: plus(first, constant), bytes: access.bytes, register: rd, signed: access.signed };
      return true;
    }
    if (access?.kind === 'store') {
      if (this.store !== undefined) return false;
      this.store = { at: plus(first, constant), bytes: access.bytes, register: rs2, signed: false };
      return true;
    }
    const isWide = isSum(instruction, 'rs1', 'imm') || isSum(instruction, 'rs1', 'rs2');
    if (!isWide && !instruction.sum32) return false;
    const second = instruction.hasRs2 ? this.of(rs2) : constant;
    if (second === undefined || rd === 0 || rd === this.load?.register) return false;
    const sum = plus(first, second);
    if (!isWide) this.narrow.push(sum);
    this.results.set(rd, sum);
    return true;
  }

  /** The value of a register by now; undefined if that is what was loaded. */
  of(register: number): Sum | undefined {
    if (register === 0) return NOTHING;
    if (register === this.load?.register) return undefined;
    return this.results.get(register) ?? { registers: [register], constant: 0 };
  }

  /** What each pass adds to a register; undefined if its value does not go on from the pass before. */
  private stepOf(register: number): number | undefined {
    const result = this.results.get(register);
    if (result === undefined) return register === this.load?.register ? undefined : 0;
    return result.registers.length === 1 && result.registers[0] === register ? result.constant : undefined;
  }

  /** A sum, with what each pass adds to it; undefined if it takes something over from the pass before, or is one of too many. */
  linear(sum: Sum | undefined): Linear | undefined {
    if (sum === undefined || sum.registers.length > 2) return undefined;
    const [first = 0, second = 0] = sum.registers;
    const one = this.stepOf(first);
    const other = this.stepOf(second);
    if (one === undefined || other === undefined) return undefined;
    return { first, second, constant: sum.constant, step: one + other };
  }
}

/** The loop that the branch at host address `branch` closes, if it is of this kind. All of it lies in one page. */
export function loopIdiomAt(view: DataView, branch: number): LoopIdiom | undefined {
  const end = decode(wordAt(view, branch));
  if (end === undefined || !canClose(end.instruction) || end.imm >= 0 || (branch % PAGE) + end.imm < 0)
    return undefined;
  const pass = new Pass();
  let length = 1;
  let at = branch + end.imm;
  let beginsWithStore = false;
  for (; at < branch; length++) {
    const part = decode(wordAt(view, at));
    if (part === undefined || length === LONGEST || !pass.add(part)) return undefined;
    if (length === 1) beginsWithStore = pass.store !== undefined;
    at += part.length;
  }
  // Instructions that do not lead up to the branch itself go past it.
  if (at !== branch || pass.store === undefined) return undefined;
  const store = referenceIn(pass, pass.store);
  const load = pass.load && referenceIn(pass, pass.load);
  const compared = [pass.linear(pass.of(end.rs1)), pass.linear(pass.of(end.rs2))] as const;
  if (store === undefined || compared[0] === undefined || compared[1] === undefined) return undefined;
  const { step } = store.address;
  if (Math.abs(step) !== store.bytes) return undefined;
  // What is loaded is stored, in steps of the same size and direction; or what is stored stays the same.
  if (pass.load === undefined ? pass.results.has(store.register) : store.register !== load?.register) return undefined;
  if (load !== undefined && (load.bytes !== store.bytes || load.address.step !== step)) return undefined;
  const condition = end.instruction.condition!;
  const { MIN_SAFE_INTEGER: least, MAX_SAFE_INTEGER: most } = Number;
  const exact = compared.map((value): Bounded => ({ value: value!, least: condition === 'lt_u' ? 0 : least, most }));
  for (const { address } of load === undefined ? [store] : [store, load]) exact.push({ value: address, least, most });
  const results: { register: number; value: Linear }[] = [];
  for (const [register, sum] of pass.results) {
    const value = pass.linear(sum);
    if (value === undefined) return undefined;
    results.push({ register, value });
    exact.push({ value, least, most });
  }
  for (const sum of pass.narrow) {
    const value = pass.linear(sum);
    if (value === undefined) return undefined;
    exact.push({ value, least: -(2 ** 31), most: 2 ** 31 - 1 });
  }
  return {
    ...{ length, bytes: -end.imm, beginsWithStore, results, exact, store, load, step },
    ...{ condition, compared: [compared[0], compared[1]] },
  };
}

function referenceIn(pass: Pass, { at, ...rest }: NonNullable<Pass['store']>): Reference | undefined {
  const address = pass.linear(at);
  return address && { ...rest, address };
}

const wordAt = (view: DataView, host: number): number => {
  const half = view.getUint16(host, true);
  // A four-byte instruction across the page's end is no part of a loop; what is read in its place is illegal.
  if (lengthOf(half) === 2 || host % PAGE > PAGE - 4) return lengthOf(half) === 2 ? half : 0;
  return view.getInt32(host, true);
};

/**
 * Makes as many passes of the loop as can be made at once, from its branch to its branch, and counts them. False if there
 * are none: then the next pass goes the ordinary way. `code` is the host address of the page with the loop in it.
 */
export function runLoopIdiom(hart: HartState, loop: LoopIdiom, memory: GuestMemory, mmu: Mmu, code: number): boolean {
  const { step, store, load, length } = loop;
  const wanted = Math.min(passesToEnd(hart, loop), Math.floor(hart.remaining / length));
  const to = valueOf(hart, store.address);
  const from = load === undefined ? 0 : valueOf(hart, load.address);
  const most = Math.min(wanted, passesInPage(to, step), load === undefined ? Infinity : passesInPage(from, step));
  if (!(most >= 1) || !isExact(hart, loop, most)) return false;
  if (load === undefined) {
    const physical = translated(hart, mmu, to, store.bytes, AccessType.store);
    if (physical >= 0 && fillsUnmade(hart, loop, memory, physical, most)) {
      passed(hart, loop, most);
      return true;
    }
  }
  // In this order, as the instructions would: the load's page is touched first.
  const source = load === undefined ? 0 : plainHost(hart, memory, mmu, from, load.bytes, AccessType.load);
  if (load !== undefined && source === 0) return false;
  const target = plainHost(hart, memory, mmu, to, store.bytes, AccessType.store);
  // A loop that may change itself is left to those who notice.
  if (target === 0 || memory.pageOf(target) === memory.pageOf(code)) return false;

  const passes = passesOverTable(memory, target, step, most);
  if (passes === 0) return false;
  const bytes = passes * store.bytes;
  const lowest = (host: number): number => (step > 0 ? host : host - bytes + store.bytes);
  memory.stored(lowest(target), bytes);
  if (load === undefined) fill(memory, lowest(target), bytes, hart, store);
  else copy(memory, lowest(target), lowest(source), bytes, step);
  passed(hart, loop, passes);
  if (load !== undefined) {
    const value = readElement(memory, target + step * (passes - 1), store.bytes);
    hart.setX(load.register, BigInt.asUintN(64, load.signed ? BigInt.asIntN(load.bytes * 8, value) : value));
  }
  return true;
}

/**
 * Makes passes from the store that begins the loop, and has been counted, to the branch: in a page that is not committed, at this
 * physical address. Else such a fill would leave the generated code twice, for its first pass and for the others. False, and nothing done,
 * if none can be made, or few: blocks of a page are filled one after the other soonest once it is committed.
 */
export function fillFromStore(hart: HartState, loop: LoopIdiom, memory: GuestMemory, physical: number): boolean {
  const { step, store, length, bytes } = loop;
  // As from the branch, which is no part of the first pass; nor has the store been done.
  const left = hart.remaining + 2;
  const passes = Math.min(
    passesToEnd(hart, loop),
    Math.floor(left / length),
    passesInPage(valueOf(hart, store.address), step),
  );
  if (!(passes >= FEW_PASSES) || !isExact(hart, loop, passes)) return false;
  if (!fillsUnmade(hart, loop, memory, physical, passes)) return false;
  hart.remaining = left;
  passed(hart, loop, passes);
  hart.advance(bytes);
  return true;
}

/** What a sum is in the first pass from here. */
function valueOf(hart: HartState, { first, second, constant }: Linear): number {
  return constant + hart.signed(first) + hart.signed(second);
}

const values = new Float64Array(LONGEST);

/** Counts so many passes, and sets the registers. */
function passed(hart: HartState, { results, length }: LoopIdiom, passes: number): void {
  // All of them first: they are sums of what the registers hold now.
  for (let i = 0; i < results.length; i++) {
    const { value } = results[i]!;
    values[i] = valueOf(hart, value) + value.step * (passes - 1);
  }
  for (let i = 0; i < results.length; i++) hart.setSigned(results[i]!.register, values[i]!);
  hart.remaining -= passes * length;
}

/** Whether all that the passes compute, and what they begin with, is exact. */
function isExact(hart: HartState, { exact }: LoopIdiom, passes: number): boolean {
  return exact.every(({ value, least, most }) => {
    if (!Number.isSafeInteger(hart.signed(value.first)) || !Number.isSafeInteger(hart.signed(value.second)))
      return false;
    const begin = valueOf(hart, value);
    const end = begin + value.step * (passes - 1);
    return begin >= least && begin <= most && end >= least && end <= most;
  });
}

/** Fills with one byte, upwards, what lies in a page that is not committed; false, and nothing done, if it cannot be. */
function fillsUnmade(
  hart: HartState,
  { step, store }: LoopIdiom,
  memory: GuestMemory,
  physical: number,
  passes: number,
): boolean {
  if (step < 0 || !isOneByte(hart, store)) return false;
  return memory.fillLazily(physical, passes * store.bytes, hart.lowByte(store.register));
}

/** Whether the bytes that are stored are all alike: compilers fill with wider words, too, when they may optimize most. */
function isOneByte(hart: HartState, { bytes, register }: Reference): boolean {
  if (bytes === 1) return true;
  const ofByte = BigInt(hart.lowByte(register)) * 0x0101_0101_0101_0101n;
  return BigInt.asUintN(bytes * 8, hart.x(register) ^ ofByte) === 0n;
}

/** Passes until the branch no longer leads back; Infinity if it always will, as far as one can see. */
function passesToEnd(hart: HartState, { condition, compared }: LoopIdiom): number {
  const a = compared[0];
  const b = compared[1];
  const apart = valueOf(hart, b) - valueOf(hart, a);
  const approach = a.step - b.step;
  if (condition !== 'ne') return apart <= 0 ? 1 : approach > 0 ? 1 + Math.ceil(apart / approach) : Infinity;
  if (apart === 0) return 1;
  const passes = 1 + apart / approach;
  return Number.isInteger(passes) && passes >= 1 ? passes : Infinity;
}

/** Elements from an address to the end of its page, in the direction of the step. */
function passesInPage(address: number, step: number): number {
  const offset = address & (PAGE - 1);
  const bytes = Math.abs(step);
  if (offset + bytes > PAGE) return 0;
  return step > 0 ? Math.floor((PAGE - offset) / bytes) : Math.floor(offset / bytes) + 1;
}

/** Of `most` passes, those before one that changes a valid entry of a page table: it may be one that the loop needs. */
function passesOverTable(memory: GuestMemory, target: number, step: number, most: number): number {
  if ((memory.flags[memory.pageOf(target)]! & PageFlag.table) === 0) return most;
  const isValid = (byte: number): boolean => (memory.u8[byte - (byte % 8)]! & 1) !== 0;
  const width = Math.abs(step);
  for (let passes = 0; passes < most; passes++) {
    const at = target + step * passes;
    if (isValid(at) || isValid(at + width - 1)) return passes;
  }
  return most;
}

/** See Mmu.translateQuietly: what is to be told of an access is told where the instruction does it. */
function translated(hart: HartState, mmu: Mmu, at: number, bytes: number, access: AccessType): number {
  return mmu.translateQuietly(hart, at | 0, Math.floor(at / 2 ** 32) | 0, access, bytes);
}

/** Host address of an access to memory that nobody watches, else 0. */
function plainHost(
  hart: HartState,
  memory: GuestMemory,
  mmu: Mmu,
  at: number,
  bytes: number,
  access: AccessType,
): number {
  const physical = translated(hart, mmu, at, bytes, access);
  const host = physical < 0 ? 0 : memory.hostOf(physical);
  if (host === 0) return 0;
  const flags = memory.flags[memory.pageOf(host)]!;
  if (access === AccessType.load) return (flags & PageFlag.watchedLoads) !== 0 ? 0 : host;
  return memory.isRom(host) || (flags & (PageFlag.watchedStores | PageFlag.watchedLoads)) !== 0 ? 0 : host;
}

function fill(memory: GuestMemory, host: number, bytes: number, hart: HartState, store: Reference): void {
  const { bytes: width, register } = store;
  if (width === 1) {
    memory.u8.fill(hart.lowByte(register), host, host + bytes);
    return;
  }
  const value = hart.x(register);
  for (let i = 0; i < width; i++) memory.u8[host + i] = Number((value >> BigInt(8 * i)) & 0xffn);
  for (let done = width; done < bytes; done *= 2)
    memory.u8.copyWithin(host + done, host, host + Math.min(done, bytes - done));
}

/** Copies in the order of the loop: where the ranges overlap, what was written is read again. */
function copy(memory: GuestMemory, target: number, source: number, bytes: number, step: number): void {
  const repeats = step > 0 ? target > source && target < source + bytes : source > target && source < target + bytes;
  if (!repeats) {
    memory.u8.copyWithin(target, source, source + bytes);
    return;
  }
  const width = Math.abs(step);
  for (let i = 0; i < bytes; i += width) {
    const at = step > 0 ? i : bytes - width - i;
    memory.u8.copyWithin(target + at, source + at, source + at + width);
  }
}

function readElement({ view }: GuestMemory, host: number, bytes: number): bigint {
  let value = 0n;
  for (let i = bytes - 1; i >= 0; i--) value = (value << 8n) | BigInt(view.getUint8(host + i));
  return value;
}
