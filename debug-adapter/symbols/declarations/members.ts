/**
 * Members of structures and unions (DWARF 5, section 5.7.6), bit fields in the forms of all versions; base classes (5.7.3), and
 * the variants that Rust's enumerations with data consist of (5.7.10).
 */
import { hex } from '../../../emulator/isa/hex';
import { SymbolError, type Member, type Type, type Variants } from '../api';
import { At, Op, Tag } from '../dwarf/constants';
import type { Die } from '../dwarf/die';
import { LARGEST_OBJECT, LARGEST_SCALAR } from './limits';
import { Reader } from '../container/reader';
import { sizeOf } from './size-of';

/** Whether an entry of a record is part of its values; a static member of C++ is only declared there. */
export function isMember(die: Die): boolean {
  return (die.tag === Tag.member && !die.flag(At.declaration)) || die.tag === Tag.inheritance;
}

/** The entries of all that a value of a record consists of, or may consist of. */
export function membersIn(record: Die): Die[] {
  return record.children.flatMap((child) => {
    if (child.tag !== Tag.variantPart) return isMember(child) ? [child] : [];
    return child.children.flatMap((inner) => (inner.tag === Tag.variant ? inner.children : [inner])).filter(isMember);
  });
}

/** The variants of a record; undefined if it has none. `read` returns undefined for a member that is not understood. */
export function readVariants(record: Die, read: (member: Die) => Member | undefined): Variants | undefined {
  const part = record.children.find((child) => child.tag === Tag.variantPart);
  if (part === undefined) return undefined;
  const discriminant = part.reference(At.discriminant);
  const cases = part.children
    .filter((child) => child.tag === Tag.variant)
    .flatMap((variant) => {
      const child = variant.children.find(isMember);
      const member = child && read(child);
      return member === undefined ? [] : [{ value: variant.constant(At.discriminantValue), member }];
    });
  return { discriminant: discriminant && read(discriminant), cases };
}

/** Throws SymbolError for a member that cannot be where it is said to be. */
export function readMember(die: Die, type: Type): Member {
  const member = memberOf(die, type);
  const isSound = member.offset >= 0 && member.offset <= LARGEST_OBJECT && (member.bitSize ?? 1) > 0;
  if (!isSound || (member.bitSize ?? 0) > 8 * LARGEST_SCALAR)
    throw new SymbolError(`${die.unit.section.name}: the member at ${hex(die.offset)} is placed outside of its type`);
  return member;
}

function memberOf(die: Die, type: Type): Member {
  const offset = memberOffset(die);
  if (die.tag === Tag.inheritance) return { name: undefined, type, offset, isBase: true };
  const member: Member = { name: die.name, type, offset };
  const bitSize = die.number(At.bitSize);
  if (bitSize === undefined) return member;
  const fromStart = die.number(At.dataBitOffset);
  if (fromStart !== undefined) {
    const bits = member.offset * 8 + fromStart;
    return { ...member, offset: Math.floor(bits / 8), bitSize, bitOffset: bits % 8 };
  }
  // Up to DWARF 3 the offset counts from the most significant bit of a storage unit, by default of the type's size. It is
  // negative for a packed field that goes on in the next unit; Clang then writes it as an unsigned number of 64 bits.
  const storage = die.number(At.byteSize) ?? sizeOf(type);
  const fromTop = Number(BigInt.asIntN(64, die.constant(At.bitOffset) ?? 0n));
  const bits = member.offset * 8 + storage * 8 - fromTop - bitSize;
  return { ...member, offset: Math.floor(bits / 8), bitSize, bitOffset: bits - Math.floor(bits / 8) * 8 };
}

/** In DWARF 2 it is an expression that adds to the record's address. */
function memberOffset(die: Die): number {
  const expression = die.block(At.dataMemberLocation);
  if (expression === undefined) return die.number(At.dataMemberLocation) ?? 0;
  const reader = new Reader(expression, die.unit.section.name);
  const opcode = reader.done ? undefined : reader.u8();
  if (opcode !== Op.plusUconst && opcode !== Op.constu)
    throw new SymbolError(`${die.unit.section.name}: the member at ${hex(die.offset)} has no fixed offset`);
  return reader.uleb();
}
