/**
 * Typed values and their locations: the evaluator computes with them, the formatter and the variables view read them. A
 * value is a location that is read only when needed, since a global array may be large.
 */
import { fieldOf, type Field, type Fields } from '../../emulator/isa/fields';
import type { Binary, FrameRegisters, Location, ReadMemory, Type, Variable } from '../symbols/api';
import { ExpressionError } from './error';
import { DOUBLE, FLOAT, isInteger, isSigned, plain, sizeOf, UNSIGNED_LONG, wrap, type IntegerType } from './types';

export interface Value {
  readonly type: Type;
  readonly location: Location;
  /** A bit field: its width, and its lowest bit counted from bit 0 of the byte at the location. */
  readonly bitField?: { size: number; offset: number };
  /** The source of a machine value that is neither in memory nor in an integer register. */
  readonly machine?: { kind: 'pc' } | { kind: 'word'; word: MachineWord; field?: Field };
  /** Shown in hexadecimal by default: registers, addresses. */
  readonly hex?: boolean;
  /** Of a slice: the index of its first element in the whole array. */
  readonly firstIndex?: number;
}

/** A word of the machine with fields of its own: a CSR, a page-table entry. */
export interface MachineWord extends Fields {
  /** As errors name it: "$satp". */
  readonly name: string;
  /** Undefined if it cannot be read. */
  read(): bigint | undefined;
  /** Returns false if it cannot be written. It may keep only a part of the value. */
  write(value: bigint): boolean;
  /** Its physical address, if it is in memory. */
  readonly physical?: bigint;
  /** What a value of it names: the page that an entry maps. Shown below its fields. */
  leadsTo?(value: bigint): readonly NamedChild[];
}

export interface NamedChild {
  readonly name: string;
  readonly value: Value;
}

/** What the guest's numbers and pointers mean beyond their types in C. */
export interface Meanings {
  /** The fields of a number of this type. */
  fieldsOf(type: Type): Fields | undefined;
  /** What a pointer of this type points to, if that says more than C does. */
  targetOf(type: Type): Type | undefined;
  /** Whether an unsigned number of 64 bits is plainly an address, and so shown in hexadecimal. */
  isAddress(number: bigint): boolean;
  /** What is said of a pointer beside its value. */
  noteOn(type: Type, address: bigint): string | undefined;
  /** Indices of the elements that are worth showing of what a pointer leads to; undefined if it leads to no array. */
  entriesOf(type: Type, address: bigint): readonly number[] | undefined;
  /** What a number with fields names. */
  leadsTo(number: bigint): readonly NamedChild[];
}

/** What an expression is evaluated in: a program, one of its frames, and the machine's memory and registers. */
export interface EvaluationContext {
  readonly binary: Binary;
  readonly frame: FrameRegisters;
  /** The hart that has these registers; absent for those of a process that runs nowhere. */
  readonly hart?: number;
  /** The pc whose scope names are looked up in; default frame.pc. In a caller's frame, its return address minus 1. */
  readonly scopePc?: bigint;
  readonly readMemory: ReadMemory;
  /** Where its addresses lead, and the name by which memory references have it. */
  readonly space?: { readonly name: string; physical(address: bigint): bigint | undefined };
  /** Returns false if the memory cannot be written. Absent if writing is not allowed. */
  readonly writeMemory?: (address: bigint, bytes: Uint8Array) => boolean;
  /** Sets x1..x31 or, from 32 on, f0..f31 by number, or 'pc'. Returns false if this frame's register cannot be set. */
  readonly setRegister?: (register: number | 'pc', value: bigint) => boolean;
  /** A CSR by its name in lower case; undefined if the hart has none. */
  readonly csr?: (name: string) => bigint | undefined;
  readonly setCsr?: (name: string, value: bigint) => boolean;
  /**
   * The debugger's own values and functions: `$hart`, `$va2pa(va)`. Undefined if there is none of that name. Throws
   * ExpressionError if it has no value now.
   */
  readonly builtin?: (name: string, given: readonly bigint[] | undefined) => Value | undefined;
  /** Absent where nothing is known but C. */
  readonly meanings?: Meanings;
  /** A second program to search for names and types: for user programs, the kernel. */
  readonly kernel?: Binary;
}

/** Larger values are never read as a whole. */
const MAX_BYTES = 1 << 20;

export const constant = (value: bigint, type: Type): Value => ({ type, location: { kind: 'value', value } });

const hexText = (value: bigint): string => `0x${value.toString(16)}`;

/** A number as little-endian bytes. */
export function toBytes(value: bigint, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let rest = BigInt.asUintN(8 * size, value);
  for (let i = 0; i < size; i++) {
    bytes[i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return bytes;
}

/** Little-endian bytes as an unsigned number. */
export function fromBytes(bytes: Uint8Array): bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]!);
  return value;
}

/** `size` bytes of a location from `offset` on. Throws ExpressionError if they cannot be read. */
export function readLocation(
  location: Location,
  offset: number,
  size: number,
  context: Pick<EvaluationContext, 'frame' | 'readMemory'>,
): Uint8Array {
  if (size > MAX_BYTES) throw new ExpressionError(`a value of ${size} bytes is too large to be read as a whole`);
  switch (location.kind) {
    case 'memory': {
      const address = BigInt.asUintN(64, location.address + BigInt(offset));
      const bytes = context.readMemory(address, size);
      if (!bytes || bytes.length < size) throw new ExpressionError(`cannot read memory at ${hexText(address)}`);
      return bytes;
    }
    case 'register': {
      const value = context.frame.x[location.register];
      if (value === undefined) throw new ExpressionError('optimized out');
      return slice(toBytes(value, 8), offset, size);
    }
    case 'value':
      return slice(toBytes(location.value, 16), offset, size);
    case 'bytes':
      return slice(location.bytes, offset, size);
    case 'pieces': {
      const whole = new Uint8Array(size);
      let at = 0;
      for (const piece of location.pieces) {
        const from = Math.max(at, offset);
        const to = Math.min(at + piece.size, offset + size);
        if (from < to) whole.set(readLocation(piece.location, from - at, to - from, context), from - offset);
        at += piece.size;
      }
      if (offset + size > at) throw new ExpressionError('optimized out');
      return whole;
    }
    case 'optimized-out':
      throw new ExpressionError('optimized out');
  }
}

function slice(bytes: Uint8Array, offset: number, size: number): Uint8Array {
  if (offset + size > bytes.length) throw new ExpressionError('optimized out');
  return bytes.slice(offset, offset + size);
}

/** The part of a location that begins `offset` bytes in. */
export function partOf(location: Location, offset: number, size: number): Location {
  switch (location.kind) {
    case 'memory':
      return { kind: 'memory', address: BigInt.asUintN(64, location.address + BigInt(offset)) };
    case 'optimized-out':
      return location;
    case 'bytes':
      return { kind: 'bytes', bytes: location.bytes.slice(offset, offset + size) };
    case 'register':
    case 'value':
      if (offset === 0) return location;
      return { kind: 'pieces', pieces: cut([{ location, size: 16 }], offset, size) };
    case 'pieces':
      return { kind: 'pieces', pieces: cut(location.pieces, offset, size) };
  }
}

/** The pieces from `offset` on. Of a register, only a part that starts with its first byte can be kept. */
function cut(
  pieces: readonly { location: Location; size: number }[],
  offset: number,
  size: number,
): { location: Location; size: number }[] {
  const out: { location: Location; size: number }[] = [];
  let at = 0;
  for (const piece of pieces) {
    const from = Math.max(at, offset);
    const to = Math.min(at + piece.size, offset + size);
    if (from < to) {
      const front = from - at;
      const { location } = piece;
      const part: Location =
        front === 0 || location.kind === 'optimized-out'
          ? location
          : location.kind === 'value'
            ? { kind: 'value', value: location.value >> BigInt(8 * front) }
            : location.kind === 'register'
              ? { kind: 'optimized-out' }
              : partOf(location, front, to - from);
      out.push({ location: part, size: to - from });
    }
    at += piece.size;
  }
  return out;
}

/** All bytes of a value. */
export function bytesOf(value: Value, context: EvaluationContext): Uint8Array {
  return readLocation(value.location, 0, sizeOf(value.type), context);
}

/** The number that a value of integer, enumeration or pointer type holds, in the range of its type. */
export function numberOf(value: Value, context: EvaluationContext): bigint {
  const type = plain(value.type);
  if (!isInteger(type) && type.kind !== 'pointer') throw new ExpressionError('not a number');
  if (value.bitField) return bitFieldOf(value, type, value.bitField, context);
  if (value.location.kind === 'value') return wrap(value.location.value, type);
  return wrap(fromBytes(readLocation(value.location, 0, type.size, context)), type);
}

function bitFieldOf(
  value: Value,
  type: IntegerType | { kind: 'pointer'; size: number },
  field: { size: number; offset: number },
  context: EvaluationContext,
): bigint {
  const bytes = readLocation(value.location, 0, Math.ceil((field.offset + field.size) / 8), context);
  const raw = (fromBytes(bytes) >> BigInt(field.offset)) & ((1n << BigInt(field.size)) - 1n);
  return type.kind !== 'pointer' && isSigned(type) ? BigInt.asIntN(field.size, raw) : raw;
}

/** The address of a value in memory; undefined where it has none. */
export const addressOf = (value: Value): bigint | undefined =>
  value.location.kind === 'memory' && !value.bitField ? value.location.address : undefined;

/** What a reference of C++ refers to; any other value, and a reference that cannot be read, is returned as it is. */
export function referent(value: Value, context: EvaluationContext): Value {
  const type = plain(value.type);
  if (type.kind !== 'pointer' || type.isReference !== true) return value;
  try {
    return { type: type.target, location: { kind: 'memory', address: numberOf(value, context) } };
  } catch (error) {
    if (error instanceof ExpressionError) return value;
    throw error;
  }
}

/** A variable's value in the context's frame. */
export function variableValue(variable: Variable, context: EvaluationContext, binary: Binary = context.binary): Value {
  const { frame, readMemory } = context;
  const type = binary.typeIn(variable, frame, readMemory);
  return referent({ type, location: binary.locate(variable, frame, readMemory) }, context);
}

/** A machine word as a value, or one field of it. Throws ExpressionError where it cannot be read. */
export function wordValue(word: MachineWord, field?: Field): Value {
  const whole = word.read();
  if (whole === undefined) throw new ExpressionError(`${word.name} cannot be read`);
  const value = BigInt.asUintN(64, whole);
  return {
    type: UNSIGNED_LONG,
    location: { kind: 'value', value: field ? fieldOf(value, field) : value },
    machine: { kind: 'word', word, ...(field && { field }) },
    ...(field ? {} : { hex: true }),
  };
}

/** Bits of a single-precision number in a register that is 64 bits wide: NaN-boxed (RISC-V, section 12.2). */
export const boxed = (bits: bigint): bigint => bits | BOX;
const BOX = 0xffff_ffff_0000_0000n;

/** What the bits of a floating-point register are: a float if they are boxed, else a double. */
export const floatTypeOf = (bits: bigint): Type => (bits >= BOX ? FLOAT : DOUBLE);

/** A floating-point register of the frame, by its number from 32 on. */
export function floatRegisterValue(register: number, { frame }: Pick<EvaluationContext, 'frame'>): Value {
  const bits = frame.x[register];
  if (bits !== undefined) return { type: floatTypeOf(bits), location: { kind: 'register', register } };
  throw new ExpressionError(
    'its value is not known: floating point is off (mstatus.FS), or another frame has taken it',
  );
}

/** An integer register of the frame. */
export function registerValue(register: number, type: Type = UNSIGNED_LONG): Value {
  return { type, location: { kind: 'register', register }, hex: true };
}
