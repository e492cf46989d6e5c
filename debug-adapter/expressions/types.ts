/**
 * C's types as expressions need them: sizes, names as C spells them, and the conversions of ISO C11, section 6.3.1, for
 * the LP64 ABI of RISC-V (int 32 bits, long and pointers 64, plain char unsigned).
 */
import { isSized, sizeOf } from '../symbols/declarations/size-of';
import type {
  ArrayType,
  BaseType,
  EnumType,
  FunctionType,
  Member,
  PointerType,
  RecordType,
  Type,
  VoidType,
} from '../symbols/api';
import { ExpressionError } from './error';

export { isSized, sizeOf };

const base = (name: string, size: number, encoding: BaseType['encoding']): BaseType => ({
  kind: 'base',
  name,
  size,
  encoding,
});

export const VOID: VoidType = { kind: 'void' };
export const CHAR = base('char', 1, 'unsigned char');
export const SIGNED_CHAR = base('signed char', 1, 'char');
export const UNSIGNED_CHAR = base('unsigned char', 1, 'unsigned char');
export const BOOL = base('_Bool', 1, 'boolean');
export const SHORT = base('short', 2, 'signed');
export const UNSIGNED_SHORT = base('unsigned short', 2, 'unsigned');
export const INT = base('int', 4, 'signed');
export const UNSIGNED = base('unsigned int', 4, 'unsigned');
export const LONG = base('long', 8, 'signed');
export const UNSIGNED_LONG = base('unsigned long', 8, 'unsigned');
export const FLOAT = base('float', 4, 'float');
export const DOUBLE = base('double', 8, 'float');
export const LONG_DOUBLE = base('long double', 16, 'float');

export const pointerTo = (target: Type): PointerType => ({ kind: 'pointer', size: 8, target });

/** A type without its typedefs and qualifiers. */
export type PlainType = BaseType | PointerType | RecordType | ArrayType | EnumType | FunctionType | VoidType;

/** Deepest nesting of unnamed types. Only damaged debug information has types that contain themselves. */
const MAX_NESTING = 64;

/** Removes the outer typedefs and qualifiers of a type. */
export function plain(type: Type): PlainType {
  for (;;) {
    switch (type.kind) {
      case 'typedef':
      case 'const':
      case 'volatile':
      case 'restrict':
      case 'atomic':
        type = type.target;
        break;
      default:
        return type;
    }
  }
}

/**
 * The full type of a structure that one source file only declares (`struct inode;`) and another defines. Returns any other
 * type unchanged.
 */
export function completed(type: Type, typeNamed: (name: string) => Type | undefined): Type {
  const bare = plain(type);
  if ((bare.kind !== 'struct' && bare.kind !== 'union') || bare.complete || bare.name === undefined) return type;
  return typeNamed(`${bare.kind} ${bare.name}`) ?? type;
}

/**
 * The result of `_Alignof`, by the ABI's natural alignment. Debug information does not say that a structure is packed; the
 * offsets of its members show it.
 */
export function alignOf(type: Type, depth = 0): number {
  const bare = plain(type);
  if (bare.kind === 'array') return alignOf(bare.element, depth + 1);
  if (bare.kind !== 'struct' && bare.kind !== 'union') return Math.max(1, sizeOf(bare));
  if (depth > MAX_NESTING) return 1;
  const natural = bare.members.map((member) => ({ member, align: alignOf(member.type, depth + 1) }));
  const align = natural.reduce((most, one) => Math.max(most, one.align), 1);
  const isPacked =
    bare.size % align !== 0 ||
    natural.some((one) => one.member.bitSize === undefined && one.member.offset % one.align !== 0);
  return isPacked ? 1 : align;
}

/** The size of what C needs one of. Throws ExpressionError for an array whose length is not known. */
export function knownSize(type: Type): number {
  if (isSized(type)) return sizeOf(type);
  throw new ExpressionError(`the length of ${typeName(type)} is not known here, so neither is its size`);
}

/** The unit of pointer arithmetic in bytes; as in gcc, 1 for void and functions. Throws ExpressionError as `knownSize`. */
export const stride = (type: Type): bigint => BigInt(knownSize(type) || 1);

export type IntegerType = BaseType | EnumType;

/** Whether the type is an integer, character, boolean or enumeration type. */
export const isInteger = (type: PlainType): type is IntegerType =>
  type.kind === 'enum' || (type.kind === 'base' && type.encoding !== 'float');

export const isFloat = (type: PlainType): type is BaseType => type.kind === 'base' && type.encoding === 'float';

export const isSigned = (type: IntegerType): boolean =>
  type.kind === 'enum' ? type.signed : type.encoding === 'signed' || type.encoding === 'char';

export const isCharacter = (type: Type): boolean => {
  const bare = plain(type);
  return bare.kind === 'base' && bare.size === 1 && (bare.encoding === 'char' || bare.encoding === 'unsigned char');
};

/** Wraps a number around to the range of an integer or pointer type, as hardware does. */
export function wrap(value: bigint, type: IntegerType | PointerType): bigint {
  if (type.kind === 'pointer') return BigInt.asUintN(64, value);
  if (type.kind === 'base' && type.encoding === 'boolean') return value === 0n ? 0n : 1n;
  const bits = 8 * type.size;
  return isSigned(type) ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value);
}

/** Integer promotion (6.3.1.1): a type whose values fit into int becomes int. `bits` is the width of a bit field. */
export function promote(type: IntegerType, bits = 8 * type.size): BaseType {
  if (bits < 32 || (bits === 32 && isSigned(type))) return INT;
  if (bits === 32) return UNSIGNED;
  return isSigned(type) ? LONG : UNSIGNED_LONG;
}

/** The usual arithmetic conversions (6.3.1.8) of two promoted types. */
export function commonType(a: BaseType, b: BaseType): BaseType {
  if (a.size !== b.size) return a.size > b.size ? a : b;
  return isSigned(a) ? b : a;
}

export interface FoundMember {
  member: Member;
  /** Bytes from the start of the outermost record. */
  offset: number;
}

/** A member by name, also inside unnamed members. */
export function findMember(record: RecordType, name: string, depth = 0): FoundMember | undefined {
  for (const member of record.members) {
    if (member.name === name) return { member, offset: member.offset };
    if (member.name !== undefined || depth > 8) continue; // Unnamed members and base classes.
    const inner = plain(member.type);
    if (inner.kind !== 'struct' && inner.kind !== 'union') continue;
    const found = findMember(inner, name, depth + 1);
    if (found) return { member: found.member, offset: member.offset + found.offset };
  }
  const variant = record.variants?.cases.find(({ member }) => member.name === name);
  return variant && { member: variant.member, offset: variant.member.offset };
}

/** A type as C writes it: `struct proc *`, `void (*)(int)`, `char[16]`. */
export function typeName(type: Type): string {
  return spell(type, '', 0);
}

/** Writes the declaration of `inner` with `type`, from the inside out as C's declarators are. */
function spell(type: Type, inner: string, depth: number): string {
  if (depth > MAX_NESTING) return '…';
  const spaced = (name: string) => (inner === '' ? name : `${name} ${inner}`);
  switch (type.kind) {
    case 'void':
      return spaced('void');
    case 'base':
    case 'typedef':
      return spaced(type.name);
    case 'struct':
    case 'union':
    case 'enum':
      return spaced(type.standsAlone && type.name !== undefined ? type.name : `${type.kind} ${type.name ?? '{...}'}`);
    case 'const':
    case 'volatile':
    case 'restrict':
    case 'atomic': {
      const word = type.kind === 'atomic' ? '_Atomic' : type.kind;
      if (type.target.kind === 'pointer') return spell(type.target, inner ? `${word} ${inner}` : word, depth + 1);
      return `${word} ${spell(type.target, inner, depth + 1)}`;
    }
    case 'pointer': {
      const target = type.target.kind;
      const mark = type.isReference ? '&' : '*';
      const star = inner === '' || /^[*[(]/.test(inner) ? mark + inner : `${mark} ${inner}`;
      return spell(type.target, target === 'array' || target === 'function' ? `(${star})` : star, depth + 1);
    }
    case 'array':
      return spell(type.element, `${inner}[${type.count ?? ''}]`, depth + 1);
    case 'function': {
      const parameters = type.parameters.map((parameter) => spell(parameter, '', depth + 1));
      if (type.variadic) parameters.push('...');
      return spell(type.result, `${inner}(${parameters.join(', ') || 'void'})`, depth + 1);
    }
  }
}
