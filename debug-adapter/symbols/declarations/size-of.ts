/** Sizes of types in bytes. */
import type { Type } from '../api';

/** The size in bytes, as sizeof returns; 0 for void, functions, open arrays and incomplete types. */
export function sizeOf(type: Type): number {
  switch (type.kind) {
    case 'base':
    case 'pointer':
    case 'struct':
    case 'union':
    case 'enum':
      return type.size;
    case 'array':
      return (type.count ?? 0) * sizeOf(type.element);
    case 'void':
    case 'function':
      return 0;
    default:
      return sizeOf(type.target);
  }
}

/** Whether the size of a type, or of what it is an array of, is known: not so for `int[]`, and for `int[n]` if n is lost. */
export function isSized(type: Type): boolean {
  switch (type.kind) {
    case 'array':
      return type.count !== undefined && isSized(type.element);
    case 'typedef':
    case 'const':
    case 'volatile':
    case 'restrict':
    case 'atomic':
      return isSized(type.target);
    default:
      return true;
  }
}
