/**
 * The address spaces of a guest by name, and memory references: addresses that say which space they are in, as
 * `0x1000` (the hart that stopped), `hart:1:0x1000`, `user:3:0x1000` (the program of pid 3), `kernel:0x80000000`,
 * `kernel:3:0x3fffffd000` (pid 3's own kernel table, in kernels that have one), `table:0x87f65000:0x1000` (by a root), and
 * `phys:0x80000000`.
 */
import { hex } from '../../emulator/isa/hex';
import { Csr } from '../../emulator/isa/csrs';
import { accessMode, PAGE_SIZE, satpRoot } from '../../emulator/isa/sv39';
import { Mode, type Hart, type MachineApi } from '../../emulator/types';
import { AddressSpace } from '../memory/address-space';
import type { Xv6 } from './kernel';
import { allProcesses, type Process } from './processes';
import type { ProgramSegments } from './regions';
import { kernelRoot } from './tables';
import { onTrampoline } from './trampoline';

/** A machine, and the kernel in it. */
export interface GuestKernel {
  readonly machine: MachineApi;
  readonly xv6: Xv6;
  /** The user programs, where they are known. */
  readonly programs?: ProgramSegments;
}

/**
 * Memory as a hart sees it now. While a user program's table is in force, which has no kernel, RAM is also found at its
 * own addresses, where the kernel maps it: the kernel's data can then be looked at.
 */
export function hartSpace({ machine, xv6 }: GuestKernel, hart: Hart): AddressSpace {
  const { memory } = machine;
  const onUserTable = (): boolean => hart.mode === Mode.User || onTrampoline(xv6.top, hart.pc);
  const isRam = (va: bigint): boolean => va >= memory.dramBase && va < memory.dramBase + memory.dramSize;
  return new AddressSpace(
    `hart:${hart.id}`,
    machine,
    () => ({
      root: satpRoot(hart.csr(Csr.satp) ?? 0n),
      ...accessMode(hart.mode, hart.csr(Csr.mstatus) ?? 0n, 'fetch'),
    }),
    (va) => (onUserTable() && isRam(va) ? va : undefined),
  );
}

/**
 * Memory by a table that no hart need have loaded, as code in `mode` sees it; with no table, physical memory. SUM and MXR
 * are those of the hart whose turn it is: kernels set them alike on all.
 */
export function tableSpace({ machine }: GuestKernel, name: string, root: bigint | undefined, mode: Mode): AddressSpace {
  const page = root === undefined ? undefined : root & ~(PAGE_SIZE - 1n);
  return new AddressSpace(name, machine, () => ({
    root: page,
    ...accessMode(mode, machine.harts[machine.current]?.csr(Csr.mstatus) ?? 0n, 'fetch'),
  }));
}

const physicalSpace = (machine: MachineApi): AddressSpace =>
  new AddressSpace('phys', machine, () => ({ root: undefined, mode: Mode.Machine, sum: false, mxr: false }));

/** A process's user memory, by the table that it has now. */
export const userSpace = (guest: GuestKernel, { pid, pagetable }: Process): AddressSpace =>
  tableSpace(guest, `user:${pid}`, pagetable ?? 0n, Mode.User);

/** The kernel's memory; with a process, by that process's own kernel table where it has one. */
export function kernelSpace(guest: GuestKernel, process?: Process): AddressSpace {
  const own = process?.kernelTables[0];
  return own
    ? tableSpace(guest, `kernel:${process.pid}`, own.root, Mode.Supervisor)
    : tableSpace(guest, 'kernel', kernelRoot(guest.xv6), Mode.Supervisor);
}

/** A memory reference. `stopped` is the hart whose addresses are written without a name. */
export function memoryReference(space: AddressSpace, address: bigint, stopped: number | undefined): string {
  const text = hex(address);
  return stopped !== undefined && space.name === `hart:${stopped}` ? text : `${space.name}:${text}`;
}

/** The address space and address of a memory reference. Throws an Error if it is wrong. */
export function resolveReference(
  guest: GuestKernel,
  reference: string,
  stopped: number,
): { space: AddressSpace; address: bigint } {
  const [, name, text] = /^(?:(.*):)?([^:]*)$/.exec(reference) ?? [];
  if (text === undefined || !/^(0x[0-9a-f]{1,16}|\d{1,20})$/i.test(text))
    throw new Error(`"${reference}" is no memory reference: it must end in an address such as 0x80000000.`);
  return { space: spaceNamed(guest, name ?? `hart:${stopped}`), address: BigInt.asUintN(64, BigInt(text)) };
}

/** Throws an Error where there is no such space now. */
function spaceNamed(guest: GuestKernel, name: string): AddressSpace {
  const [, kind, operand] = /^(\w+)(?::(0x[0-9a-f]{1,16}|\d{1,9}))?$/i.exec(name) ?? [];
  const { machine } = guest;
  if (kind === 'phys' && operand === undefined) return physicalSpace(machine);
  if (kind === 'kernel' && operand === undefined) return kernelSpace(guest);
  const number = operand === undefined ? NaN : Number(operand);
  if (kind === 'hart' && machine.harts[number]) return hartSpace(guest, machine.harts[number]);
  if (kind === 'table' && operand !== undefined) return spaceOfRoot(guest, BigInt(operand));
  if ((kind === 'user' || kind === 'kernel') && operand !== undefined) {
    const process = allProcesses(guest.xv6).find(({ used, pid }) => used && pid === number);
    if (!process) throw new Error(`There is no process with pid ${operand} now.`);
    return kind === 'user' ? userSpace(guest, process) : kernelSpace(guest, process);
  }
  throw new Error(
    `There is no address space "${name}"; there are hart:N, user:PID, kernel, kernel:PID, table:ROOT and phys.`,
  );
}

/** A table by its root: a process's user table is seen as its program sees it, any other as the kernel does. */
function spaceOfRoot(guest: GuestKernel, root: bigint): AddressSpace {
  const isUsers = allProcesses(guest.xv6).some(({ used, pagetable }) => used && pagetable === root);
  return tableSpace(guest, `table:${hex(root)}`, root, isUsers ? Mode.User : Mode.Supervisor);
}
