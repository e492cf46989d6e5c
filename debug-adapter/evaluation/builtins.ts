/**
 * The names that the debugger adds to C's in expressions, all with a dollar: of the hart (`$hart`, `$mode`, `$pid`),
 * and functions (`$va2pa(va)`, `$pte(va)`, `$proc(pid)`).
 */
import type { Hart } from '../../emulator/types';
import type { Guest } from '../code/guest';
import { ExpressionError } from '../expressions/error';
import { pointerTo, UNSIGNED_LONG, INT } from '../expressions/types';
import { GuestMeanings } from './guest-meanings';
import { constant, toBytes, wordValue, type Value } from '../expressions/value';
import type { AddressSpace } from '../memory/address-space';
import { hex } from '../../emulator/isa/hex';
import { errorText } from '../page-tables/translation';
import { csrNamed } from '../../emulator/isa/csr-fields';
import { walk, type Walk } from '../../emulator/isa/sv39';
import { PTE_FIELDS } from '../../emulator/isa/pte-fields';
import type { EnumType } from '../symbols/api';
import { processIdOn } from '../xv6/cpus';
import { allProcesses } from '../xv6/processes';

/** Whose hart and memory a helper asks. */
export interface BuiltinContext {
  hart: Hart | undefined;
  space: AddressSpace;
  /** On whose behalf the code runs, where that is known. */
  pid?: number | undefined;
}

type BuiltinGuest = Pick<Guest, 'machine' | 'xv6'>;

/** What completions offer after a dollar, with a word of what each is. */
export const BUILTINS: readonly { name: string; detail: string; parameters?: string }[] = [
  { name: 'hart', detail: 'number of this hart' },
  { name: 'mode', detail: 'USER, SUPERVISOR or MACHINE' },
  { name: 'pid', detail: 'process that this hart runs; 0 for none' },
  { name: 'va2pa', detail: 'physical address that a virtual one leads to', parameters: 'va' },
  {
    name: 'pte',
    detail: 'page-table entry that decides about an address, in the frame’s table or another one, with its fields',
    parameters: 'va, table',
  },
  { name: 'proc', detail: 'pointer to the struct proc of a process', parameters: 'pid' },
];

/** Privilege modes by their encoding (RISC-V privileged specification 1.12, table 1.1). */
const MODE: EnumType = {
  kind: 'enum',
  name: 'mode',
  size: 4,
  signed: true,
  values: [
    { name: 'USER', value: 0n },
    { name: 'SUPERVISOR', value: 1n },
    { name: 'MACHINE', value: 3n },
  ],
};

/** The value of a name, or of a function of the values given; undefined if there is none of that name. */
export function builtinValue(
  guest: BuiltinGuest,
  place: BuiltinContext,
  name: string,
  given: readonly bigint[] | undefined,
): Value | undefined {
  if (given) return functionOf(guest, place, name, given);
  const mode = MODE.values.find((one) => one.name === name || one.name.toLowerCase() === name);
  if (mode) return constant(mode.value, MODE);
  if (name === 'pid') return constant(BigInt(pidOf(guest, place)), INT);
  const { hart } = place;
  if (name === 'proc') {
    if (!hart && place.pid !== undefined) return process(guest, BigInt(place.pid));
    return runningStruct(guest, hart);
  }
  if (!hart && (name === 'hart' || name === 'mode' || csrNamed(name)))
    throw new ExpressionError(`no hart runs this process now, so there is no $${name}`);
  if (!hart) return undefined;
  if (name === 'mode') return constant(BigInt(hart.mode), MODE);
  return name === 'hart' ? constant(BigInt(hart.id), INT) : undefined;
}

function functionOf(
  guest: BuiltinGuest,
  place: BuiltinContext,
  name: string,
  [given, table, ...more]: readonly bigint[],
): Value | undefined {
  if (given === undefined || more.length > 0 || (table !== undefined && name !== 'pte')) return undefined;
  switch (name) {
    case 'va2pa':
      return physicalAddress(place, given);
    case 'pte':
      return table === undefined ? entry(guest, place.space.translate(given).walk) : entryIn(guest, table, given);
    case 'proc':
      return process(guest, given);
    default:
      return undefined;
  }
}

/** By the space's name where it is a process's, else by what the hart runs. */
function pidOf(guest: BuiltinGuest, { hart, space, pid }: BuiltinContext): number {
  if (pid !== undefined) return pid;
  const named = /^(?:user|kernel):(\d+)$/.exec(space.name)?.[1];
  if (named !== undefined) return Number(named);
  return hart ? (processIdOn(guest.xv6, hart)?.pid ?? 0) : 0;
}

function physicalAddress({ space }: BuiltinContext, va: bigint): Value {
  const address = space.physical(BigInt.asUintN(64, va));
  if (address === undefined) throw new ExpressionError(`${hex(BigInt.asUintN(64, va))} is not mapped here`);
  return { ...constant(address, UNSIGNED_LONG), hex: true };
}

/** `$proc` alone: a pointer to the struct proc of what the hart runs, 0 for nothing. */
function runningStruct({ xv6 }: BuiltinGuest, hart: Hart | undefined): Value | undefined {
  if (!hart || !xv6.proc) return undefined;
  return constant(processIdOn(xv6, hart)?.address ?? 0n, pointerTo(xv6.proc.record));
}

/** The same in the table with a root at a physical address, which need not be loaded. */
const entryIn = (guest: BuiltinGuest, table: bigint, va: bigint): Value =>
  entry(
    guest,
    walk(table, BigInt.asUintN(64, va), (address) => guest.machine.memory.readU64(address)),
  );

/** The leaf of an address, or the entry at which its translation ends. It can be written, as can its fields. */
function entry(guest: BuiltinGuest, walk: Walk | undefined): Value {
  if (!walk) throw new ExpressionError('there is no page table here: addresses are not translated');
  const { machine } = guest;
  const last = walk.steps.findLast(({ pte }) => pte !== undefined);
  if (!last) throw new ExpressionError(errorText(walk) ?? 'there is no entry for this address');
  return wordValue({
    ...PTE_FIELDS,
    name: 'pte',
    physical: last.pteAddress,
    read: () => machine.memory.readU64(last.pteAddress),
    write: (value) => machine.apply({ kind: 'memory', address: last.pteAddress, bytes: toBytes(value, 8) }),
    leadsTo: (value) => new GuestMeanings(guest, true).leadsTo(value),
  });
}

function process(guest: BuiltinGuest, pid: bigint): Value {
  const { proc } = guest.xv6;
  if (!proc) {
    const why = guest.xv6.features.find(({ name }) => name === 'processes')?.why ?? 'it is not known';
    throw new ExpressionError(`the kernel's process table cannot be read: ${why}`);
  }
  const used = allProcesses(guest.xv6).filter((one) => one.used);
  const found = used.find((one) => BigInt(one.pid) === pid);
  if (found) return constant(found.address, pointerTo(proc.record));
  const pids = used.map((one) => one.pid).join(', ');
  throw new ExpressionError(`there is no process ${pid}${pids ? `; there are ${pids}` : ''}`);
}
