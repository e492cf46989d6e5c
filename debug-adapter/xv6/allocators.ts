/**
 * The functions of the kernel that allocate and free physical pages: kalloc and kfree, and others that the user names. A page is
 * the first argument of one that frees, and the result of one that allocates.
 */
import { returnsOf } from './kernel-events';
import type { Xv6 } from './kernel';

/** A pair of functions by name; either may be missing. */
export interface AllocatorNames {
  readonly allocate?: string | undefined;
  readonly free?: string | undefined;
  /** Bytes of what it gives out. */
  readonly size: bigint;
}

export const PAGE_ALLOCATOR = { allocate: 'kalloc', free: 'kfree', size: 4096n } as const satisfies AllocatorNames;

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
