/**
 * Where an entry stands among the tables and processes that there are: what makes a panic about it plain is often none of the
 * entry's own doing, but that it is another table's, another process's, or that of another address than was meant.
 */
import { Csr } from '../../../emulator/isa/csrs';
import { hex } from '../../../emulator/isa/hex';
import { X } from '../../../emulator/isa/registers';
import { PAGE_SIZE, PTE, pteFlags, satpRoot } from '../../../emulator/isa/sv39';
import { Mode, type Hart } from '../../../emulator/types';
import type { GuestKernel } from '../../xv6/address-spaces';
import { tableSpace } from '../../xv6/address-spaces';
import { processOn } from '../../xv6/cpus';
import { named, processes, type Process } from '../../xv6/processes';
import { kernelRoot, kernelTables } from '../../xv6/tables';
import type { EntryPlaces } from '../entries';
import { leafPage } from '../sections';
import type { FoundEntry } from '../found-entries';

/** Bytes above the lowest address of a kernel stack that may be the stack's. */
const STACK_SPAN = 4n * PAGE_SIZE;

/** Sentences on an entry at which the kernel has stopped, the most telling first. */
export function bearingsOf(guest: GuestKernel, places: EntryPlaces, hart: Hart, entry: FoundEntry): string[] {
  const all = processes(guest.xv6);
  const owner = kernelTables(guest.xv6, all).find(({ root }) => root === entry.table.root);
  return [
    ...(owner?.owner && !owner.isUsers ? strangeStack(all, owner.owner, entry) : []),
    ...inForce(guest, places, hart, entry),
    ...(owner?.owner && !owner.isUsers ? inUserTable(guest, owner.owner, entry) : []),
    ...(owner?.owner && owner.isUsers ? beyondEnd(owner.owner, entry) : []),
  ];
}

/** The address is that of another process's kernel stack. */
function strangeStack(all: readonly Process[], owner: Process, { va, level }: FoundEntry): string[] {
  const other = level === 0 ? all.find(({ kstack }) => kstack === va) : undefined;
  return other === undefined || other.pid === owner.pid ? [] : [`${hex(va)} is the kernel stack of ${named(other)}.`];
}

/** The table that the hart uses maps what this one does not. */
function inForce(guest: GuestKernel, places: EntryPlaces, hart: Hart, { va, level, pte, table }: FoundEntry): string[] {
  const root = satpRoot(hart.csr(Csr.satp) ?? 0n);
  if (root === undefined || root === table.root || level !== 0 || (pteFlags(pte) & PTE.V) !== 0) return [];
  const label = places.tables.find((one) => one.root === root)?.label;
  const pa = tableSpace(guest, '', root, Mode.Supervisor).physical(va);
  return label === undefined || pa === undefined
    ? []
    : [`satp holds ${label}, which maps ${hex(va)} to PA ${hex(pa)}.`];
}

/** A process's kernel table has user memory in another way than its user table. */
function inUserTable(guest: GuestKernel, { pagetable, size = 0n }: Process, { va, level, pte }: FoundEntry): string[] {
  if (pagetable === undefined || level !== 0) return [];
  const pa = tableSpace(guest, '', pagetable, Mode.User).physical(va);
  const page = leafPage(pte);
  if (pa !== undefined && pa !== page) return [`Its user table maps ${hex(va)} to PA ${hex(pa)}.`];
  return pa === undefined && page !== undefined && va < size ? [`Its user table does not map ${hex(va)}.`] : [];
}

/** A page that a program may use, beyond the end of its memory. */
function beyondEnd({ size, ...process }: Process, { va, pte }: FoundEntry): string[] {
  const isUsers = leafPage(pte) !== undefined && (pteFlags(pte) & PTE.U) !== 0;
  return isUsers && size !== undefined && va >= size
    ? [`${hex(va)} lies beyond the end of ${named(process)}’s memory, p->sz = ${hex(size)}.`]
    : [];
}

/** Whether a page of RAM that is used as a root is neither the kernel's nor a process's. */
export function isNobodys({ machine, xv6 }: GuestKernel, root: bigint): boolean {
  const isMade = kernelRoot(xv6) !== undefined && machine.memory.readU64(root) !== undefined;
  return isMade && kernelTables(xv6, processes(xv6)).every((one) => one.root !== root);
}

/** That the kernel runs with a table that is nobody's, or a process with that of all, though it has one of its own. */
export function strangeTableInForce(guest: GuestKernel, hart: Hart): string[] {
  const { xv6 } = guest;
  if (hart.mode !== Mode.Supervisor) return [];
  const satp = satpRoot(hart.csr(Csr.satp) ?? 0n);
  if (satp !== undefined && isNobodys(guest, satp))
    return [`satp holds the table at ${hex(satp)}, which is neither kernel_pagetable nor a process’s.`];
  const process = processOn(xv6, hart);
  const sp = hart.x(X.sp);
  const { kstack, kernelTables: own = [] } = process ?? {};
  const isOnItsStack = kstack !== undefined && sp > kstack && sp <= kstack + STACK_SPAN;
  if (process === undefined || !isOnItsStack || own.length === 0 || satp !== kernelRoot(xv6)) return [];
  const [{ member } = { member: '' }] = own;
  return [`${named(process)} runs with kernel_pagetable in satp, not with its own kernel table, ${member}.`];
}
