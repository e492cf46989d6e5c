/**
 * Values on the stack of a DWARF expression and what may be computed of two (DWARF 5, sections 2.5.1.4 and 2.5.1.6): 64 bits
 * without a type, or of an integer base type.
 */
import { Op } from './constants';

/** An integer base type: bytes, and whether it is signed. */
export interface BaseKind {
  size: number;
  signed: boolean;
}

export interface StackValue {
  /** As wide as the type, unsigned. */
  bits: bigint;
  type: BaseKind | undefined;
}

/** As its type reads it; untyped values as two's complement. */
export function signedOf({ bits, type }: StackValue): bigint {
  return type === undefined || type.signed ? BigInt.asIntN(8 * (type?.size ?? 8), bits) : bits;
}

/** The result before it is cut to its width; undefined for what is no operation on two values, and division by zero. */
export function operate(op: number, left: StackValue, right: StackValue): StackValue | undefined {
  const { type } = left;
  const arithmetic = (bits: bigint): StackValue => ({ bits, type });
  const truth = (condition: boolean): StackValue => ({ bits: condition ? 1n : 0n, type: undefined });
  const [a, b] = [signedOf(left), signedOf(right)];
  const width = BigInt(8 * (type?.size ?? 8));
  const count = right.bits < width ? right.bits : width;
  switch (op) {
    case Op.and:
      return arithmetic(left.bits & right.bits);
    case Op.or:
      return arithmetic(left.bits | right.bits);
    case Op.xor:
      return arithmetic(left.bits ^ right.bits);
    case Op.plus:
      return arithmetic(left.bits + right.bits);
    case Op.minus:
      return arithmetic(left.bits - right.bits);
    case Op.mul:
      return arithmetic(left.bits * right.bits);
    case Op.div:
      return b === 0n ? undefined : arithmetic(a / b);
    case Op.mod:
      // Without a type, division and comparison are signed, and the remainder is not.
      return b === 0n ? undefined : arithmetic(type === undefined ? left.bits % right.bits : a % b);
    case Op.shl:
      return arithmetic(left.bits << count);
    case Op.shr:
      return arithmetic(left.bits >> count);
    case Op.shra:
      return arithmetic(BigInt.asIntN(Number(width), left.bits) >> count);
    case Op.eq:
      return truth(a === b);
    case Op.ne:
      return truth(a !== b);
    case Op.lt:
      return truth(a < b);
    case Op.le:
      return truth(a <= b);
    case Op.gt:
      return truth(a > b);
    case Op.ge:
      return truth(a >= b);
    default:
      return undefined;
  }
}
