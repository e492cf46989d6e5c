/**
 * Arrays of the kernel that may count the references to each physical page, as copy-on-write kernels have one: by their types.
 * Students name them as they like, and put them into structures beside a lock; some set memory aside for one behind a pointer.
 * Whether one counts pages, and from which page on, is for whoever reads it to find out.
 */
import { findMember, isInteger, plain } from '../../expressions/types';
import type { PlainType } from '../../expressions/types';
import type { Type } from '../../symbols/api';
import { globalOf, readWord, type Xv6 } from '../../xv6/kernel';

export interface CountArray {
  /** In C, with empty brackets: "ref.count[]", or "refs[].count" where each element is a structure. */
  readonly name: string;
  /** Of the array; of a pointer to one, where the pointer lies. */
  readonly address: bigint;
  readonly isPointer: boolean;
  /** Bytes from the array's start to its first count, from one count to the next, and of a count. */
  readonly offset: number;
  readonly stride: number;
  readonly size: number;
  /** Undefined where it is behind a pointer. */
  readonly length: number | undefined;
}

/** Where the first count lies; undefined for a pointer that leads nowhere yet. */
export function firstCount(xv6: Pick<Xv6, 'read'>, { address, isPointer, offset }: CountArray): bigint | undefined {
  const start = isPointer ? readWord(xv6, address) : address;
  return start === undefined || start === 0n ? undefined : start + BigInt(offset);
}

/** Of pointers to integers, of which there are many, those that are called so are looked at. */
const COUNTS = /ref|count|cnt/i;
/** Structures in structures that are looked into. */
const DEEPEST = 3;

/** Arrays with at least so many elements; of 0, any, as of a `named` one: then what is by that name in C alone. */
export function countArrays(xv6: Pick<Xv6, 'binary'>, least: number, named?: string): CountArray[] {
  const [first, ...members] = named?.split('.') ?? [];
  const names = first === undefined ? new Set(xv6.binary.globals.map(({ name }) => name)) : [first];
  const found: CountArray[] = [];
  for (const name of names) {
    const global = globalOf(xv6, name);
    if (!global) continue;
    let { address, type }: { address: bigint; type: Type } = global;
    let isThere = true;
    for (const member of members) {
      const record = plain(type);
      const inner = record.kind === 'struct' ? findMember(record, member) : undefined;
      isThere &&= inner !== undefined;
      if (inner) [address, type] = [address + BigInt(inner.offset), inner.member.type];
    }
    if (isThere) collect(named ?? name, address, type, least, found, 0);
  }
  return found;
}

function collect(name: string, address: bigint, type: Type, least: number, found: CountArray[], depth: number): void {
  const bare = plain(type);
  if (bare.kind === 'struct' && depth < DEEPEST) {
    for (const { name: member, type: inner, offset } of bare.members)
      if (member !== undefined) collect(`${name}.${member}`, address + BigInt(offset), inner, least, found, depth + 1);
  } else if (bare.kind === 'array' && (bare.count ?? 0) >= least) {
    add({ name, address, isPointer: false, length: bare.count }, plain(bare.element), found);
  } else if (bare.kind === 'pointer' && (least === 0 || COUNTS.test(name.slice(name.lastIndexOf('.') + 1)))) {
    add({ name, address, isPointer: true, length: undefined }, plain(bare.target), found);
  }
}

function add(
  array: Pick<CountArray, 'name' | 'address' | 'isPointer' | 'length'>,
  element: PlainType,
  found: CountArray[],
): void {
  const name = `${array.name}[]`;
  if (isInteger(element)) {
    // Text, and the stacks that harts begin with.
    if (element.name === 'char') return;
    found.push({ ...array, name, offset: 0, stride: element.size, size: element.size });
  } else if (element.kind === 'struct' && element.size > 0) {
    for (const { name: member, type, offset, bitSize } of element.members) {
      const bare = plain(type);
      if (member === undefined || bitSize !== undefined || !isInteger(bare)) continue;
      found.push({ ...array, name: `${name}.${member}`, offset, stride: element.size, size: bare.size });
    }
  }
}
