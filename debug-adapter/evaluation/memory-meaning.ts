/**
 * What a value means to memory, which hovers add to it: where it leads as an address, in every table that can be meant.
 * Pointers, and numbers that were written as such, are addresses, and it is said where they fail to lead. A 64-bit number of
 * the kernel is one if it plainly is (plain-address.ts). Any other may be one, and is called an address of a table only where
 * that maps it, or where the function has a table in hand and the number begins a page; members of structures are then sizes
 * and counts. A page-table entry is never one: it has fields.
 */
import { PAGE_SIZE } from '../../emulator/isa/sv39';
import { Mode, type Hart } from '../../emulator/types';
import { integerOf, isMember } from '../expressions/evaluate';
import { isInteger, plain, sizeOf } from '../expressions/types';
import { addressOf, type EvaluationContext, type Value } from '../expressions/value';
import type { AddressSpace } from '../memory/address-space';
import { Tables, type HandedTable } from '../page-tables/tables';
import type { Translation } from '../protocol';
import type { GuestKernel } from '../xv6/address-spaces';
import { isPlainAddress } from './plain-address';
import { isEntry } from '../xv6/structure';
import { kernelRoot } from '../xv6/tables';

export type MemoryMeaning =
  | {
      kind: 'address';
      /** In the table that is most likely meant. */
      translation: Translation;
      /** In the others that can be meant, by root. */
      others: Translation[];
      /** Whether the frame's own table is not the one that is meant. */
      isElsewhere: boolean;
      /** Whether it may as well be a size or a count. */
      isDoubtful: boolean;
    }
  /** A structure, union or array: it is at an address, and has no number of its own. */
  | { kind: 'object'; translation: Translation };

/** From where a value is seen. */
export interface Viewpoint {
  readonly debuggee: GuestKernel;
  readonly hart: Hart;
  readonly space: AddressSpace;
  readonly evaluation: EvaluationContext;
  /** On whose behalf the frame's code runs. */
  readonly process?: { readonly pid: number } | undefined;
  /** Whether it is a user program's code. */
  readonly isUser?: boolean;
  /** Tables that the frame's function has in hand. */
  readonly inHand?: () => readonly HandedTable[];
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
  view: Viewpoint,
  expression: string,
  value: Value,
  table?: string,
): MemoryMeaning | undefined {
  const { debuggee, hart, evaluation } = view;
  const isObject = isAggregate(value);
  const va = isObject ? addressOf(value) : integerOf(value, evaluation);
  if (va === undefined) return undefined;
  const inHand = view.isUser ? [] : (view.inHand?.() ?? []);
  const tables = new Tables(debuggee, hart, inHand);
  const space = table === undefined ? view.space : tables.named(table).space;
  if (isObject) return { kind: 'object', translation: tables.translation(space, va) };
  const address = (isPointer: boolean, isDoubtful: boolean): MemoryMeaning => {
    const spaces = table === undefined ? spacesFor(view, tables, inHand, va, isPointer) : [space];
    // A pointer is followed in the frame's own table, whoever else maps it.
    const primary = isPointer ? space : likeliest(spaces, inHand, space, va);
    return {
      kind: 'address',
      translation: tables.translation(primary, va),
      others: spaces.filter((one) => one !== primary).map((one) => tables.translation(one, va)),
      ...{ isElsewhere: primary !== space, isDoubtful },
    };
  };
  if (isAddress(expression, value)) return address(true, false);
  if (value.machine || !isInteger(plain(value.type)) || sizeOf(value.type) < 8) return undefined;
  // What an entry leads to is shown with its fields.
  if (isEntry(value.type)) return undefined;
  const number = BigInt.asUintN(64, va);
  if (!view.isUser && isPlainAddress(debuggee, number)) return address(false, false);
  if (number < SMALLEST_ADDRESS || isMember(expression, evaluation)) return undefined;
  const meaning = address(false, true);
  const leads = 'others' in meaning && meaning.translation.pa !== undefined;
  // A page's size is more often meant than the second page.
  const mayBegin = inHand.length > 0 && number % PAGE_SIZE === 0n && number !== PAGE_SIZE;
  return leads || (mayBegin && table === undefined) ? meaning : undefined;
}

/**
 * The first of the tables in hand that maps a number; the frame's own for what that maps where it lies, as a kernel does RAM and
 * devices: a physical address. Else it is one of the table in hand, mapped or not.
 */
function likeliest(
  spaces: readonly AddressSpace[],
  handed: readonly HandedTable[],
  own: AddressSpace,
  va: bigint,
): AddressSpace {
  const maps = (one: AddressSpace): boolean => one.physical(va) !== undefined;
  const inHand = spaces.filter(({ root }) => handed.some((one) => one.root === root));
  if (inHand.length === 0) return spaces.find(maps) ?? own;
  return inHand.find(maps) ?? (own.physical(va) === va ? own : inHand[0]!);
}

/**
 * The address spaces that an address can be meant for, likeliest first: a number in a function that has a table in hand is one of
 * that; then the frame's own; the process's user table, for what lies in its memory; and the kernel's own table where the frame
 * runs on another.
 */
function spacesFor(
  { debuggee, space, process, isUser }: Viewpoint,
  tables: Tables,
  inHand: readonly HandedTable[],
  va: bigint,
  isPointer: boolean,
): AddressSpace[] {
  if (isUser) return [space];
  const handed = inHand.map(({ id }) => tables.named(id).space);
  const users = tables.processes.find((one) => one.used && one.pid === process?.pid);
  const isUsers = users?.size !== undefined && va < ((users.size + PAGE_SIZE - 1n) & ~(PAGE_SIZE - 1n));
  const user = isUsers ? tables.all.filter(({ id }) => id === `pid:${users.pid}`) : [];
  const isOnKernels = space.root === undefined || space.root === kernelRoot(debuggee.xv6);
  const kernel = isOnKernels ? [] : tables.all.filter(({ id }) => id === 'kernel');
  const all = [
    ...(isPointer ? [space, ...handed] : [...handed, space]),
    ...[...user, ...kernel].map((one) => one.space),
  ];
  // In M-mode addresses are physical, whatever tables there are.
  if (space.translate(va).mode === Mode.Machine) return [space];
  return all.filter(
    (one, at) => at === all.findIndex(({ root }) => root === one.root) && (one === space || one.root !== undefined),
  );
}

/** "→ PA 0x87f76000, V R W - - - A D (trap frame)", with the table where it is not the frame's own. */
export function addressText({
  translation,
  others,
  isElsewhere,
  isDoubtful,
}: MemoryMeaning & { kind: 'address' }): string {
  const { summary, root, pa, va } = translation;
  const where = isElsewhere ? `, in ${root.label}` : '';
  const next = pa === undefined && !isElsewhere ? others.find((one) => one.pa !== undefined) : undefined;
  const also = next ? `; ${next.summary}, in ${next.root.label}` : '';
  return `${isDoubtful ? `= ${va}, as an address ` : ''}${summary}${where}${also}`;
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
