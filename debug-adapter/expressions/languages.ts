/**
 * What values of Rust have that C's do not: enumerations with data, of which one variant is there; slices and strings, which are a
 * pointer and a length.
 */
import type { ArrayType, Member, RecordType, Type } from '../symbols/api';
import { ExpressionError } from './error';
import { plain, sizeOf, wrap, isInteger } from './types';
import { numberOf, partOf, type EvaluationContext, type Value } from './value';

/** A member of a value of structure or union type. */
export function memberValue(value: Value, member: Member): Value {
  const bits = (member.bitOffset ?? 0) + (member.bitSize ?? 0);
  return {
    type: member.type,
    location: partOf(value.location, member.offset, Math.max(sizeOf(member.type), Math.ceil(bits / 8))),
    ...(member.bitSize !== undefined && { bitField: { size: member.bitSize, offset: member.bitOffset ?? 0 } }),
  };
}

/** The variant that a value has; undefined for a type without variants. Throws ExpressionError if it has none of them. */
export function activeVariant(value: Value, type: RecordType, context: EvaluationContext): Member | undefined {
  const { variants } = type;
  if (variants === undefined) return undefined;
  const { discriminant, cases } = variants;
  const number = discriminant && numberOf(memberValue(value, discriminant), context);
  const kind = discriminant && plain(discriminant.type);
  // The values of the variants are recorded without a sign.
  const meant = (recorded: bigint): bigint =>
    kind !== undefined && isInteger(kind) ? wrap(recorded, kind) : BigInt.asUintN(64, recorded);
  const found =
    number === undefined
      ? cases[0]
      : (cases.find((one) => one.value !== undefined && meant(one.value) === number) ??
        cases.find((one) => one.value === undefined));
  if (found === undefined) throw new ExpressionError(`${number} stands for no variant of ${type.name ?? 'this'}`);
  return found.member;
}

/** The members that a value has: those of the structure, and its variant. */
export function membersOf(value: Value, type: RecordType, context: EvaluationContext): readonly Member[] {
  const variant = activeVariant(value, type, context);
  return variant === undefined ? type.members : [...type.members, variant];
}

/** A slice of Rust as an array in memory; `isText` if it is a string in UTF-8. Undefined for any other type. */
export function sliceOf(
  value: Value,
  type: RecordType,
  context: EvaluationContext,
): { array: Value & { type: ArrayType }; isText: boolean } | undefined {
  const parts = slicePartsOf(type);
  if (parts === undefined) return undefined;
  const [data, length] = parts.members.map((member) => numberOf(memberValue(value, member), context));
  const array: ArrayType = { kind: 'array', element: parts.element, count: Number(length) };
  return {
    array: { type: array, location: { kind: 'memory', address: data! } },
    isText: /\bstr$/.test(type.name ?? ''),
  };
}

/** The elements' type and the two members of a slice, which only their names and the type's tell from another structure. */
export function slicePartsOf(type: RecordType): { element: Type; members: Member[] } | undefined {
  const [data, length] = ['data_ptr', 'length'].map((name) => type.members.find((member) => member.name === name));
  if (type.standsAlone !== true || type.members.length !== 2 || data === undefined || length === undefined)
    return undefined;
  const pointer = plain(data.type);
  if (pointer.kind !== 'pointer' || !isInteger(plain(length.type))) return undefined;
  return { element: pointer.target, members: [data, length] };
}
