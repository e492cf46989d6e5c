/**
 * Loops that fill or copy memory, done at the speed of memory. xv6 fills every page that it frees byte by byte, and copies
 * alike; compilers turn that into one block: additions of constants to registers, one store, perhaps the load that feeds it,
 * and a bne back to the start. Nothing a guest can see tells the difference: as many instructions are counted, faults and
 * interrupts come where they would, and a page that is watched is left to the ordinary way.
 */
import { decode, lengthOf } from '../isa/instructions/decode';
import { type Instruction, isSum } from '../isa/instructions/instruction';
import { type GuestMemory, PageFlag } from '../mmu/guest-memory';
import { AccessType, type Mmu } from '../mmu/mmu';
import type { HartState } from '../cpu/hart';
import { PAGE } from '../layout';

/** A load or store of the loop: at the value of register `base` when the loop's branch is reached, plus `offset`. */
interface Reference {
  base: number;
  offset: number;
  bytes: number;
  /** The register that is loaded or stored. */
  register: number;
  signed: boolean;
}

export interface LoopIdiom {
  /** Instructions, the branch included; and bytes before the branch. */
  length: number;
  bytes: number;
  /** What each pass adds to registers. */
  steps: readonly { register: number; by: number }[];
  store: Reference;
  load: Reference | undefined;
  /** What each pass adds to the addresses: as many bytes as it stores, up or down. */
  step: number;
  /** The two registers that the branch compares, and what each pass adds to the first less the second. */
  compared: readonly [number, number];
  approach: number;
}

const LONGEST = 6;
export const MAX_LOOP_BYTES = LONGEST * 4;

/** A branch that may close such a loop: bne. */
export const canClose = ({ condition }: Instruction): boolean => condition === 'ne';

/** The loop that the branch at host address `branch` closes, if it is of this kind. All of it lies in one page. */
export function loopIdiomAt(view: DataView, branch: number): LoopIdiom | undefined {
  const end = decode(wordAt(view, branch));
  if (end === undefined || !canClose(end.instruction) || end.imm >= 0 || (branch % PAGE) + end.imm < 0)
    return undefined;
  const steps = new Map<number, number>();
  let store: Reference | undefined;
  let load: Reference | undefined;
  let length = 1;
  let at = branch + end.imm;
  for (; at < branch; length++) {
    const part = decode(wordAt(view, at));
    if (part === undefined || length > LONGEST) return undefined;
    const { access } = part.instruction;
    const offset = part.imm + (steps.get(part.rs1) ?? 0);
    if (part.floats !== undefined) return undefined;
    if (isSum(part.instruction, 'rs1', 'imm')) {
      if (part.rd !== part.rs1 || part.rd === 0 || steps.has(part.rd)) return undefined;
      steps.set(part.rd, part.imm);
    } else if (access?.kind === 'load') {
      if (load !== undefined || store !== undefined || part.rd === 0) return undefined;
      load = { base: part.rs1, offset, bytes: access.bytes, register: part.rd, signed: access.signed };
    } else if (access?.kind === 'store') {
      if (store !== undefined) return undefined;
      store = { base: part.rs1, offset, bytes: access.bytes, register: part.rs2, signed: false };
    } else {
      return undefined;
    }
    at += part.length;
  }
  // Instructions that do not lead up to the branch itself go past it.
  if (at !== branch) return undefined;
  if (store === undefined || Math.abs(steps.get(store.base) ?? 0) !== store.bytes) return undefined;
  if (load === undefined ? steps.has(store.register) : !feeds(load, store, steps)) return undefined;
  if (end.rs1 === load?.register || end.rs2 === load?.register) return undefined;
  return {
    ...{ length, bytes: -end.imm, store, load },
    steps: [...steps].map(([register, by]) => ({ register, by })),
    step: steps.get(store.base)!,
    compared: [end.rs1, end.rs2],
    approach: (steps.get(end.rs1) ?? 0) - (steps.get(end.rs2) ?? 0),
  };
}

/** Whether what is loaded is stored, in steps of the same size and direction, and used for nothing else. */
function feeds(load: Reference, store: Reference, steps: ReadonlyMap<number, number>): boolean {
  return (
    load.register === store.register &&
    load.bytes === store.bytes &&
    steps.get(load.base) === steps.get(store.base) &&
    !steps.has(load.register) &&
    load.register !== load.base &&
    load.register !== store.base
  );
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
  const to = hart.signed(store.base) + store.offset;
  const from = load === undefined ? 0 : hart.signed(load.base) + load.offset;
  const most = Math.min(wanted, passesInPage(to, step), load === undefined ? Infinity : passesInPage(from, step));
  if (!(most >= 1) || !stepsExactly(hart, loop, most)) return false;
  if (load === undefined && fillsUnmade(hart, loop, memory, mmu, to, most)) {
    passed(hart, loop, most);
    return true;
  }
  // In this order, as the instructions would: the load's page is touched first.
  const source = load === undefined ? 0 : plainHost(hart, memory, mmu, from, load.bytes, AccessType.load);
  if (load !== undefined && source === 0) return false;
  const target = plainHost(hart, memory, mmu, to, store.bytes, AccessType.store);
  // A loop that may change itself is left to those who notice.
  if (target === 0 || memory.pageOf(target) === memory.pageOf(code)) return false;

  const passes = passesOverTable(memory, target, step, most);
  const bytes = passes * store.bytes;
  const lowest = (host: number): number => (step > 0 ? host : host - bytes + store.bytes);
  memory.stored(lowest(target), bytes);
  if (load === undefined) fill(memory, lowest(target), bytes, store.bytes, hart.x(store.register));
  else copy(memory, lowest(target), lowest(source), bytes, step);
  passed(hart, loop, passes);
  if (load !== undefined) {
    const value = readElement(memory, target + step * (passes - 1), store.bytes);
    hart.setX(load.register, BigInt.asUintN(64, load.signed ? BigInt.asIntN(load.bytes * 8, value) : value));
  }
  return true;
}

/** Counts so many passes, and steps the registers. */
function passed(hart: HartState, { steps, length }: LoopIdiom, passes: number): void {
  for (const { register, by } of steps) hart.setSigned(register, hart.signed(register) + by * passes);
  hart.remaining -= passes * length;
}

/** Whether the registers, as signed numbers, are exact and stay so. */
function stepsExactly(hart: HartState, { steps, compared }: LoopIdiom, passes: number): boolean {
  for (const register of compared) if (!Number.isSafeInteger(hart.signed(register))) return false;
  for (const { register, by } of steps) {
    const value = hart.signed(register);
    if (!Number.isSafeInteger(value) || !Number.isSafeInteger(value + by * passes)) return false;
  }
  return true;
}

/** Fills with one byte, upwards, what lies in a page that is not committed; false, and nothing done, if it cannot be. */
function fillsUnmade(
  hart: HartState,
  { step, store }: LoopIdiom,
  memory: GuestMemory,
  mmu: Mmu,
  to: number,
  passes: number,
): boolean {
  if (step < 0 || !isOneByte(hart, store)) return false;
  const physical = translated(hart, mmu, to, store.bytes, AccessType.store);
  return physical >= 0 && memory.fillLazily(physical, passes * store.bytes, hart.lowByte(store.register));
}

/** Whether the bytes that are stored are all alike: compilers fill with wider words, too, when they may optimize most. */
function isOneByte(hart: HartState, { bytes, register }: Reference): boolean {
  if (bytes === 1) return true;
  const ofByte = BigInt(hart.lowByte(register)) * 0x0101_0101_0101_0101n;
  return BigInt.asUintN(bytes * 8, hart.x(register) ^ ofByte) === 0n;
}

/** Passes until the branch's registers are equal; Infinity if they will step past each other, or both move. */
function passesToEnd(hart: HartState, { compared: [a, b], approach }: LoopIdiom): number {
  const passes = (hart.signed(b) - hart.signed(a)) / approach;
  return Number.isInteger(passes) && passes >= 0 ? passes : Infinity;
}

/** Elements from an address to the end of its page, in the direction of the step. */
function passesInPage(address: number, step: number): number {
  const offset = address & (PAGE - 1);
  const bytes = Math.abs(step);
  if (offset + bytes > PAGE) return 0;
  return step > 0 ? Math.floor((PAGE - offset) / bytes) : Math.floor(offset / bytes) + 1;
}

/** Of `most` passes, those until one has changed a valid entry of a page table: it may be one that the loop needs. */
function passesOverTable(memory: GuestMemory, target: number, step: number, most: number): number {
  if ((memory.flags[memory.pageOf(target)]! & PageFlag.table) === 0) return most;
  const isValid = (byte: number): boolean => (memory.u8[byte - (byte % 8)]! & 1) !== 0;
  const width = Math.abs(step);
  for (let passes = 1; passes < most; passes++) {
    const at = target + step * (passes - 1);
    if (isValid(at) || isValid(at + width - 1)) return passes;
  }
  return most;
}

/** See Mmu.translate. */
function translated(hart: HartState, mmu: Mmu, at: number, bytes: number, access: AccessType): number {
  return mmu.translate(hart, at | 0, Math.floor(at / 2 ** 32) | 0, access, bytes);
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

function fill(memory: GuestMemory, host: number, bytes: number, width: number, value: bigint): void {
  if (width === 1) {
    memory.u8.fill(Number(value & 0xffn), host, host + bytes);
    return;
  }
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
