/**
 * Lengths of arrays (DWARF 5, sections 5.5 and 5.13). The length of a variable-length array is computed in a frame: GCC records
 * it as an expression or as an artificial variable, Clang as a variable, and as nothing at all where the array is a parameter.
 */
import type { ArrayBound, Type } from '../api';
import { At, Form } from '../dwarf/constants';
import type { Die } from '../dwarf/die';
import { LARGEST_OBJECT } from './limits';

/** Elements of one dimension; undefined if it is open (`T a[]`) or known only at run time. */
export function elementCount(subrange: Die): number | undefined {
  const fixed = (name: number): bigint | undefined => {
    const form = subrange.form(name);
    return form !== undefined && isConstant(form) ? subrange.constant(name) : undefined;
  };
  const count = fixed(At.count);
  const upper = fixed(At.upperBound);
  // In GCC's output an array without elements has the upper bound -1.
  return plausibleCount(count ?? (upper === undefined ? undefined : upper + 1n));
}

/** A number of elements; undefined if it is more than any memory holds. */
export function plausibleCount(count: bigint | undefined): number | undefined {
  const elements = count === undefined ? undefined : Number(BigInt.asUintN(64, count));
  return elements !== undefined && elements <= LARGEST_OBJECT ? elements : undefined;
}

/** Whether a dimension's length is the value of an expression or of a variable. */
export function isBoundAtRunTime(subrange: Die): boolean {
  return [At.count, At.upperBound].some((name) => {
    const form = subrange.form(name);
    return form !== undefined && !isConstant(form);
  });
}

function isConstant(form: number): boolean {
  return (
    ([Form.data1, Form.data2, Form.data4, Form.data8, Form.sdata, Form.udata] as readonly number[]).includes(form) ||
    form === Form.implicitConst
  );
}

/** Pointers, typedefs and qualifiers around a variable-length array; a longer chain leads back to itself. */
const LONGEST_CHAIN = 32;

/** A type in which the arrays of variable length have the length that `lengthOf` returns; members are left as they are. */
export function withLengths(type: Type, lengthOf: (bound: ArrayBound) => number | undefined, depth = 0): Type {
  if (depth > LONGEST_CHAIN) return type;
  const inner = (part: Type): Type => withLengths(part, lengthOf, depth + 1);
  switch (type.kind) {
    case 'array': {
      const element = inner(type.element);
      const count = type.bound === undefined ? type.count : lengthOf(type.bound);
      return element === type.element && count === type.count ? type : { kind: 'array', element, count };
    }
    case 'pointer': {
      const target = inner(type.target);
      const { size, isReference } = type;
      return target === type.target ? type : { kind: 'pointer', size, target, ...(isReference && { isReference }) };
    }
    case 'typedef': {
      const target = inner(type.target);
      return target === type.target ? type : { kind: 'typedef', name: type.name, target };
    }
    case 'const':
    case 'volatile':
    case 'restrict':
    case 'atomic': {
      const target = inner(type.target);
      return target === type.target ? type : { kind: type.kind, target };
    }
    default:
      return type;
  }
}
