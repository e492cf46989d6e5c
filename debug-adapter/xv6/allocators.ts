/**
 * The functions of the kernel that allocate and free physical pages: kalloc and kfree, and others that the user names. A page is
 * the first argument of one that frees, and the result of one that allocates.
 */
import { isReturn } from '../../emulator/isa/instructions/calls';
import { instructionsFrom } from '../../emulator/isa/instructions/instruction-at';
import type { Xv6 } from './kernel';

/** A pair of functions by name; either may be missing. */
export interface AllocatorNames {
  readonly allocate?: string | undefined;
  readonly free?: string | undefined;
  /** Bytes of what it gives out. */
  readonly size: bigint;
}

export const PAGE_ALLOCATOR = { allocate: 'kalloc', free: 'kfree', size: 4096n } as const satisfies AllocatorNames;

/** Those of a kernel: kalloc and kfree, and those that the user names, among which a kernel has its own that has no kalloc. */
export function allocatorsOf(binary: Xv6['binary'], named: readonly AllocatorNames[]): readonly AllocatorNames[] {
  const isRenamed = named.length > 0 && binary.symbol(PAGE_ALLOCATOR.allocate) === undefined;
  return isRenamed ? named : [PAGE_ALLOCATOR, ...named];
}

/** A function seen at these addresses. */
export interface AllocatorFunction {
  readonly name: string;
  readonly size: bigint;
  readonly kind: 'allocate' | 'free';
}

export interface Allocators {
  /** By address: where one that frees begins, and where one that allocates returns. */
  readonly at: ReadonlyMap<bigint, AllocatorFunction>;
  /** Why some are not seen. */
  readonly missing: readonly string[];
}

export function findAllocators(xv6: Pick<Xv6, 'binary' | 'read'>, all: readonly AllocatorNames[]): Allocators {
  const at = new Map<bigint, AllocatorFunction>();
  const missing: string[] = [];
  const add = (name: string | undefined, kind: AllocatorFunction['kind'], size: bigint): void => {
    if (name === undefined) return;
    const start = xv6.binary.symbol(name)?.address;
    const places = start === undefined ? [] : kind === 'free' ? [start] : returnsOf(xv6, start);
    if (start === undefined) missing.push(`the kernel has no function ${name}`);
    else if (places.length === 0) missing.push(`where ${name} returns is not known`);
    for (const place of places) at.set(place, { name, size, kind });
  };
  for (const { allocate, free, size } of all) {
    add(allocate, 'allocate', size);
    add(free, 'free', size);
  }
  return { at, missing };
}

/** No function of xv6 is longer. */
const LONGEST = 4096n;

/** Every `ret` of a function: there, its result is in a0. */
export function returnsOf({ binary, read }: Pick<Xv6, 'binary' | 'read'>, start: bigint): bigint[] {
  const found = binary.functionAt(start);
  const symbol = binary.symbolAt(start)?.symbol;
  const end = found?.high ?? (symbol && symbol.size > 0n ? start + symbol.size : undefined);
  const returns: bigint[] = [];
  if (end === undefined || end - start > LONGEST) return returns;
  for (const { address, decoded } of instructionsFrom((at, length) => read(at, length), start, end))
    if (decoded && isReturn(decoded)) returns.push(address);
  return returns;
}
