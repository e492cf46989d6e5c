/**
 * What a value means to memory, which hovers add to it: where it leads as an address, or what it says as a page-table
 * entry. Pointers, and numbers that were written as such, are addresses, and it is said where they fail to lead. Any other
 * 64-bit number is taken for an address only if it leads somewhere: sizes, flags and counts are numbers, too.
 */
import { PTE_FIELDS } from '../../emulator/isa/pte-fields';
import { describeWord } from '../../emulator/isa/fields';
import type { Hart } from '../../emulator/types';
import { containerType, integerOf } from '../expressions/evaluate';
import { isInteger, plain, sizeOf } from '../expressions/types';
import { addressOf, type EvaluationContext, type Value } from '../expressions/value';
import type { AddressSpace } from '../memory/address-space';
import { Tables } from '../page-tables/tables';
import type { Translation } from '../protocol';
import type { GuestKernel } from '../xv6/address-spaces';
import { isEntry, isPageTable } from '../xv6/structure';

export type MemoryMeaning =
  | { kind: 'address'; translation: Translation }
  /** A structure, union or array: it is at an address, and has no number of its own. */
  | { kind: 'object'; translation: Translation }
  | { kind: 'entry'; text: string };

/** From where a value is seen. */
export interface Viewpoint {
  readonly debuggee: GuestKernel;
  readonly hart: Hart;
  readonly space: AddressSpace;
  readonly evaluation: EvaluationContext;
}

/** Smaller numbers are counts and indices; the page at 0 is a user program's text, and not meant. */
const SMALLEST_ADDRESS = 4096n;

/** CSRs that hold an address, whatever fields they have beside. */
const ADDRESS_CSRS = new Set(['sepc', 'stval', 'stvec', 'mepc', 'mtval', 'mtvec']);

const NUMBER = /^\s*(?:0x[0-9a-f]+|\d+)[ul]*\s*$/i;

/**
 * Undefined for a value that means nothing to memory. `table` names one to translate by in place of the viewpoint's own;
 * throws an Error if there is none of that name.
 */
export function memoryMeaning(
  { debuggee, hart, space, evaluation }: Viewpoint,
  expression: string,
  value: Value,
  table?: string,
): MemoryMeaning | undefined {
  const isObject = isAggregate(value);
  const va = isObject ? addressOf(value) : integerOf(value, evaluation);
  if (va === undefined) return undefined;
  const tables = new Tables(debuggee, hart);
  const seen = table === undefined ? space : tables.named(table).space;
  const address = (): MemoryMeaning => ({
    kind: isObject ? 'object' : 'address',
    translation: tables.translation(seen, va),
  });
  if (isAddress(expression, value)) return address();
  if (value.machine || !isInteger(plain(value.type)) || sizeOf(value.type) < 8) return undefined;
  if (isEntryOf(expression, value, evaluation)) return { kind: 'entry', text: `PTE ${describeWord(PTE_FIELDS, va)}` };
  return BigInt.asUintN(64, va) >= SMALLEST_ADDRESS && seen.physical(va) !== undefined ? address() : undefined;
}

function isAggregate({ type }: Value): boolean {
  const { kind } = plain(type);
  return kind === 'struct' || kind === 'union' || kind === 'array';
}

function isAddress(expression: string, value: Value): boolean {
  const { machine } = value;
  if (machine?.kind === 'word') return !machine.field && ADDRESS_CSRS.has(machine.word.name);
  const { kind } = plain(value.type);
  return isAggregate(value) || kind === 'pointer' || kind === 'function' || NUMBER.test(expression);
}

/** By its own type, or as an element of a page table. */
function isEntryOf(expression: string, { type }: Value, evaluation: EvaluationContext): boolean {
  const container = containerType(expression, evaluation);
  return isEntry(type) || (container !== undefined && isPageTable(container));
}
