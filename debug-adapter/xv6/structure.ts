/**
 * A structure of the guest, read by the names of its members in DWARF: labs add, move and rename members, so no offset is
 * fixed.
 */
import { findMember, isCharacter, isInteger, plain, sizeOf } from '../expressions/types';
import { fromBytes } from '../expressions/value';
import { wrap } from '../expressions/types';
import type { Member, ReadMemory, RecordType, Type } from '../symbols/api';

export class Structure {
  constructor(
    readonly type: RecordType,
    readonly address: bigint,
    private readonly bytes: Uint8Array,
  ) {}

  /** Reads one; undefined if its memory cannot be read. */
  static read(type: RecordType, address: bigint, read: ReadMemory): Structure | undefined {
    const bytes = read(address, type.size);
    return bytes && new Structure(type, address, bytes);
  }

  /** The value of an integer, enumeration or pointer; undefined if there is no such member. */
  number(name: string): bigint | undefined {
    const found = findMember(this.type, name);
    if (!found || found.member.bitSize !== undefined) return undefined;
    const type = plain(found.member.type);
    if (!isInteger(type) && type.kind !== 'pointer') return undefined;
    if (found.offset + type.size > this.bytes.length) return undefined;
    return wrap(fromBytes(this.bytes.subarray(found.offset, found.offset + type.size)), type);
  }

  addressOf(name: string): bigint | undefined {
    const found = findMember(this.type, name);
    return found && this.address + BigInt(found.offset);
  }

  /** The text of a `char[]`, up to its NUL. Unprintable characters become `?`. */
  text(name: string): string | undefined {
    const found = findMember(this.type, name);
    const type = found && plain(found.member.type);
    if (type?.kind !== 'array' || !isCharacter(type.element)) return undefined;
    const bytes = this.bytes.subarray(found!.offset, found!.offset + (type.count ?? 0));
    const end = bytes.indexOf(0);
    return Array.from(end < 0 ? bytes : bytes.subarray(0, end), (byte) =>
      byte < 32 || byte > 126 ? '?' : String.fromCharCode(byte),
    ).join('');
  }

  /** The name of a member's enumerator, or its number if it has no name. */
  label(name: string): string | undefined {
    const number = this.number(name);
    const found = findMember(this.type, name);
    if (number === undefined || !found) return undefined;
    const type = plain(found.member.type);
    const named = type.kind === 'enum' ? type.values.find(({ value }) => value === number) : undefined;
    return named?.name ?? String(number);
  }

  /** A structure inside this one. */
  inner(name: string): Structure | undefined {
    const found = findMember(this.type, name);
    const type = found && plain(found.member.type);
    if (type?.kind !== 'struct' && type?.kind !== 'union') return undefined;
    const { offset } = found!;
    return new Structure(type, this.address + BigInt(offset), this.bytes.subarray(offset, offset + type.size));
  }
}

/** The structure that a type is, or is an array of, or points to; undefined for anything else. */
export function recordOf(type: Type): RecordType | undefined {
  const bare = plain(type);
  if (bare.kind === 'array') return recordOf(bare.element);
  const target = bare.kind === 'pointer' ? plain(bare.target) : bare;
  return (target.kind === 'struct' || target.kind === 'union') && target.complete ? target : undefined;
}

/** Whether a type is a typedef with this name, possibly within other typedefs and qualifiers. */
export function isNamed(type: Type, name: string): boolean {
  for (let depth = 0; depth < 16; depth++) {
    if (type.kind === 'typedef' && type.name === name) return true;
    if (type.kind !== 'typedef' && type.kind !== 'const' && type.kind !== 'volatile') return false;
    type = type.target;
  }
  return false;
}

/** Whether a type is a page table's: a pointer to its entries. */
export const isPageTable = (type: Type): boolean => isNamed(type, 'pagetable_t');

/** Whether a type is a page-table entry's. */
export const isEntry = (type: Type): boolean => isNamed(type, 'pte_t');

/** Members whose type is `pagetable_t`, in order. */
export const pageTableMembers = (record: RecordType): (Member & { name: string })[] =>
  record.members.filter(
    (member): member is Member & { name: string } => member.name !== undefined && isPageTable(member.type),
  );

/** Elements of an array variable's type. */
export function arrayOf(type: Type): { record: RecordType; count: number; stride: number } | undefined {
  const bare = plain(type);
  if (bare.kind !== 'array' || bare.count === undefined) return undefined;
  const record = plain(bare.element);
  if (record.kind !== 'struct' || !record.complete || record.size === 0) return undefined;
  return { record, count: bare.count, stride: sizeOf(record) };
}
