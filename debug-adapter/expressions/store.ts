/**
 * Writes values to memory and registers, converted as C's assignment does (ISO C11, section 6.5.16.1).
 */
import { hex } from '../../emulator/isa/hex';
import { FIRST_FLOAT } from '../../emulator/isa/registers';
import type { Location } from '../symbols/api';
import { ExpressionError } from './error';
import { floatBytes, isFloating, toFloat, truncated } from './floats';
import { decay, requireNumber } from './operators';
import * as C from './types';
import {
  boxed,
  bytesOf,
  fromBytes,
  readLocation,
  toBytes,
  wordValue,
  type EvaluationContext,
  type Value,
} from './value';

/** Writes `value` to the location of `target`. Returns the target with its new value. */
export function store(target: Value, value: Value, at: number | undefined, context: EvaluationContext): Value {
  const type = C.plain(target.type);
  if (target.machine) return storeMachine(target, requireNumber(decay(value), context), at, context);
  let bytes: Uint8Array;
  if (C.isFloat(type)) {
    bytes = floatBytes(toFloat(value, context), type);
  } else if (C.isInteger(type) || type.kind === 'pointer') {
    const whole =
      C.isInteger(type) && isFloating(value)
        ? truncated(toFloat(value, context), type)
        : requireNumber(decay(value), context);
    const number = C.wrap(whole, type);
    if (target.bitField) return storeBitField(target, target.bitField, number, at, context);
    bytes = toBytes(number, type.size);
  } else if (type.kind === 'array' && C.isCharacter(type.element) && value.location.kind === 'bytes') {
    bytes = text(value, type.count ?? 0, at, context);
  } else if (type.kind === 'struct' || type.kind === 'union') {
    const from = C.plain(value.type);
    if (from !== type && !(from.kind === type.kind && from.name === type.name && from.size === type.size))
      throw new ExpressionError(`${C.typeName(value.type)} cannot be assigned to ${C.typeName(target.type)}`, at);
    bytes = bytesOf(value, context);
  } else {
    throw new ExpressionError(`a value of type ${C.typeName(target.type)} cannot be assigned to`, at);
  }
  write(target.location, bytes, at, context);
  // The context's frame still has the register's old value.
  return target.location.kind === 'memory' ? target : { ...target, location: { kind: 'bytes', bytes } };
}

function text(value: Value, count: number, at: number | undefined, context: EvaluationContext): Uint8Array {
  const given = bytesOf(value, context);
  if (given.length - 1 > count) throw new ExpressionError(`the string is longer than ${count} characters`, at);
  const bytes = new Uint8Array(count);
  bytes.set(given.subarray(0, count));
  return bytes;
}

function storeBitField(
  target: Value,
  field: { size: number; offset: number },
  number: bigint,
  at: number | undefined,
  context: EvaluationContext,
): Value {
  const length = Math.ceil((field.offset + field.size) / 8);
  const mask = ((1n << BigInt(field.size)) - 1n) << BigInt(field.offset);
  const before = fromBytes(readLocation(target.location, 0, length, context));
  const after = (before & ~mask) | ((number << BigInt(field.offset)) & mask);
  write(target.location, toBytes(after, length), at, context);
  return target;
}

function write(location: Location, bytes: Uint8Array, at: number | undefined, context: EvaluationContext): void {
  switch (location.kind) {
    case 'memory':
      if (context.writeMemory?.(location.address, bytes)) return;
      throw new ExpressionError(`cannot write memory at ${hex(location.address)}`, at);
    case 'register': {
      // A narrow variable in a register is kept sign-extended, as the ABI has it for int, or NaN-boxed.
      const value = fromBytes(bytes);
      const extended = location.register >= FIRST_FLOAT ? boxed(value) : BigInt.asUintN(64, BigInt.asIntN(32, value));
      const wide = bytes.length === 4 ? extended : value;
      if (bytes.length <= 8 && context.setRegister?.(location.register, wide)) return;
      throw new ExpressionError('this register cannot be set in this frame', at);
    }
    case 'pieces': {
      let offset = 0;
      for (const piece of location.pieces) {
        write(piece.location, bytes.subarray(offset, offset + piece.size), at, context);
        offset += piece.size;
      }
      return;
    }
    case 'optimized-out':
      throw new ExpressionError('this has been optimized out, so it cannot be written', at);
    case 'value':
    case 'bytes':
      throw new ExpressionError('this is a computed value, not a place that can be written', at);
  }
}

function storeMachine(target: Value, number: bigint, at: number | undefined, context: EvaluationContext): Value {
  const machine = target.machine!;
  number = BigInt.asUintN(64, number);
  if (machine.kind === 'pc') {
    if (!context.setRegister?.('pc', number)) throw new ExpressionError('pc cannot be set in this frame', at);
    return { ...target, location: { kind: 'value', value: number } };
  }
  const { word, field } = machine;
  let whole = number;
  if (field) {
    const mask = ((1n << BigInt(field.width)) - 1n) << BigInt(field.lsb);
    if (number >> BigInt(field.width))
      throw new ExpressionError(`${number} does not fit into ${field.width} bits of ${word.name}.${field.name}`, at);
    whole = ((word.read() ?? 0n) & ~mask) | (number << BigInt(field.lsb));
  }
  if (!word.write(whole)) throw new ExpressionError(`${word.name} cannot be written`, at);
  // A CSR keeps only the bits that it implements, so read it back.
  return wordValue(word, field);
}
