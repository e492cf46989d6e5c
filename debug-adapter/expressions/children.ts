/**
 * What the variables view shows when a user expands a value: members, elements (a page at a time), a pointer's target, the
 * fields of a CSR.
 */
import { elementValue } from './format';
import { memberValue, membersOf, sliceOf } from './languages';
import type { ArrayType, PointerType, RecordType, Type } from '../symbols/api';
import { ExpressionError } from './error';
import { typeNamed } from './names';
import * as C from './types';
import { numberOf, wordValue, type EvaluationContext, type MachineWord, type Value } from './value';
import { pointerTarget } from './operators';
import { wordOf } from './words';

export interface Child {
  /** `pid`, `[3]`, `*p`, `SPP`. */
  name: string;
  value: Value;
  /** An expression for the same value, where the parent has one. */
  evaluateName?: string;
}

/** The numbers of children of each kind, computed without reading any. */
export interface ChildCounts {
  named: number;
  indexed: number;
}

/** A longer array is a sign of broken debug information. */
const MAX_INDEXED = 10_000_000;

export function countChildren(value: Value, context: EvaluationContext): ChildCounts {
  if (value.machine?.kind === 'word' && value.machine.field) return { named: 0, indexed: 0 };
  const word = wordOf(value, context);
  if (word) return { named: partsOf(word, undefined).length, indexed: 0 };
  const type = C.plain(value.type);
  switch (type.kind) {
    case 'struct':
    case 'union': {
      const slice = readable(() => sliceOf(value, type, context));
      if (slice) return { named: 0, indexed: slice.isText ? 0 : lengthOf(slice.array.type) };
      return { named: readable(() => membersOf(value, type, context).length) ?? 0, indexed: 0 };
    }
    case 'array':
      return { named: 0, indexed: lengthOf(type) };
    case 'pointer': {
      const entries = entriesOf(value, context);
      if (entries) return { named: entries.length, indexed: 0 };
      const target = targetOf(type, context);
      const record = recordOf(target);
      const named = isFollowable(value, target, context) ? (record?.members.length ?? 1) : 0;
      return { named, indexed: 0 };
    }
    default:
      return { named: 0, indexed: 0 };
  }
}

/**
 * At most `count` children of a value, from `start` on. `expression` is the parent's expression, of which the children's
 * evaluateNames are made. Unreadable values are children too: their text says why they cannot be read.
 */
export function childrenOf(
  value: Value,
  context: EvaluationContext,
  expression?: string,
  start = 0,
  count = Infinity,
): Child[] {
  const parent = expression === undefined ? undefined : asOperand(expression);
  if (value.machine?.kind === 'word' && value.machine.field) return [];
  const word = wordOf(value, context);
  if (word) return partsOf(word, parent).slice(start, start + count);
  const type = C.plain(value.type);
  switch (type.kind) {
    case 'struct':
    case 'union': {
      const slice = readable(() => sliceOf(value, type, context));
      if (slice?.isText) return [];
      if (slice)
        return elements(slice.array, slice.array.type.element, lengthOf(slice.array.type), parent, start, count);
      return members(value, type, context, parent === undefined ? undefined : `${parent}.`).slice(start, start + count);
    }
    case 'array':
      return elements(value, type.element, lengthOf(type), parent, start, count);
    case 'pointer': {
      const entries = entriesOf(value, context);
      if (entries) return entries.slice(start, start + count).map((index) => entryOf(value, index, parent, context));
      const pointed = targetOf(type, context);
      if (!isFollowable(value, pointed, context)) return [];
      const target: Value = { type: pointed, location: { kind: 'memory', address: numberOf(value, context) } };
      const record = recordOf(pointed);
      const found = record
        ? members(target, record, context, parent === undefined ? undefined : `${parent}->`)
        : [named(expression ? `*${parent}` : '*', target, parent === undefined ? undefined : `*${parent}`)];
      return found.slice(start, start + count);
    }
    default:
      return [];
  }
}

/** The elements that can be shown: none if it is not known how many there are, or how large each is. */
const lengthOf = ({ element, count }: ArrayType): number =>
  C.isSized(element) ? Math.min(count ?? 0, MAX_INDEXED) : 0;

const named = (name: string, value: Value, evaluateName: string | undefined): Child => ({
  name,
  value,
  ...(evaluateName !== undefined && { evaluateName }),
});

const targetOf = (pointer: PointerType, context: EvaluationContext): Type =>
  C.completed(pointer.target, (name) => typeNamed(name, context));

const recordOf = (type: Value['type']): RecordType | undefined => {
  const bare = C.plain(type);
  return bare.kind === 'struct' || bare.kind === 'union' ? bare : undefined;
};

/** Whether a pointer's target can be shown. */
function isFollowable(value: Value, target: Value['type'], context: EvaluationContext): boolean {
  const bare = C.plain(target);
  if (bare.kind === 'void' || bare.kind === 'function') return false;
  if ((bare.kind === 'struct' || bare.kind === 'union') && !bare.complete) return false;
  return (readable(() => numberOf(value, context)) ?? 0n) !== 0n;
}

function members(value: Value, record: RecordType, context: EvaluationContext, prefix: string | undefined): Child[] {
  const present = readable(() => membersOf(value, record, context)) ?? [];
  return present.map((member) => {
    const child = memberValue(value, member);
    // C has no name for an unnamed member; its members are reached as the record's own.
    if (member.name === undefined)
      return named(member.isBase ? `<${C.typeName(member.type)}>` : '<unnamed>', child, undefined);
    return named(member.name, child, prefix === undefined ? undefined : prefix + member.name);
  });
}

/** What `read` returns; undefined if the value cannot be read. */
function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof ExpressionError) return undefined;
    throw error;
  }
}

function elements(
  value: Value,
  element: Value['type'],
  length: number,
  parent: string | undefined,
  start: number,
  count: number,
): Child[] {
  const size = C.sizeOf(element);
  const first = value.firstIndex ?? 0;
  const out: Child[] = [];
  for (let i = Math.max(0, start); i < Math.min(length, start + count); i++) {
    const name = `[${first + i}]`;
    // An index into a slice's expression counts from the start of the whole array.
    out.push(named(name, elementValue(value, element, i, size), parent === undefined ? undefined : parent + name));
  }
  return out;
}

/** The fields of a word, and what it names. */
function partsOf(word: MachineWord, parent: string | undefined): Child[] {
  const whole = readable(() => word.read());
  if (whole === undefined) return [];
  const own = word.fields.map((field) =>
    named(field.name, wordValue(word, field), parent === undefined ? undefined : `${parent}.${field.name}`),
  );
  return [...own, ...(word.leadsTo?.(whole) ?? [])];
}

/** Of a pointer to an array of which only some elements are shown: their indices. */
function entriesOf(value: Value, context: EvaluationContext): readonly number[] | undefined {
  const address = readable(() => numberOf(value, context));
  return address ? context.meanings?.entriesOf(value.type, address) : undefined;
}

function entryOf(table: Value, index: number, parent: string | undefined, context: EvaluationContext): Child {
  const type = pointerTarget(table, 0, context);
  const address = numberOf(table, context) + BigInt(index) * C.stride(type);
  return named(
    `[${index}]`,
    { type, location: { kind: 'memory', address } },
    parent === undefined ? undefined : `${parent}[${index}]`,
  );
}

/** Puts parentheses around anything that binds less tightly than a member access. */
const asOperand = (expression: string): string =>
  /^[$\w]+(?:\([\w, ]*\))?(?:(?:\.|->)\w+|\[[^[\]]*\])*$/.test(expression) ? expression : `(${expression})`;
