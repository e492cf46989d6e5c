/**
 * Values on the stack of a DWARF expression, and operations on two of them (DWARF 5, sections 2.5.1.4 and 2.5.1.6). A value
 * has 64 bits without a type, or an integer base type.
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

/** The number by its type; a value without a type is in two's complement. */
export function signedOf({ bits, type }: StackValue): bigint {
  return type === undefined || type.signed ? BigInt.asIntN(8 * (type?.size ?? 8), bits) : bits;
}

/** The result before truncation; undefined for a division by zero, and if `op` is not an operation on two values. */
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
      // Without a type, division and comparison are signed, and the remainder is unsigned.
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
