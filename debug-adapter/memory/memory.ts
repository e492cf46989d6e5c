/**
 * Ways to see the guest's memory: as a hart does now, by a page table that no hart need have loaded, or physically. For
 * looking only: permissions are not asked, and nothing is written to the tables.
 */
import { Csr } from '../../emulator/isa/csrs';
import { Mode, type Hart, type MachineApi } from '../../emulator/types';
import { PAGE_SIZE, satpFields, walk } from '../page-tables/walk';
import type { ReadMemory } from '../symbols/api';

/** xv6 runs its traps' first and last instructions here, on a user program's table, but as the kernel. */
const TRAMPOLINE = (1n << 38n) - PAGE_SIZE;

export interface AddressSpace {
  /** As memory references name it: "hart:1", "user:3", "kernel", "phys". Addresses in it are written "user:3:0x1000". */
  readonly name: string;
  /** Reads across pages; undefined if a byte is not mapped or no RAM. */
  readonly read: ReadMemory;
  /** Writes across pages; false, with nothing written, if a byte is not mapped or no RAM. */
  write(address: bigint, bytes: Uint8Array): boolean;
  /** The physical address that an address leads to; undefined where nothing is mapped. */
  physical(address: bigint): bigint | undefined;
  /** Physical address of the root of the page table in force; undefined where addresses are not translated. */
  root(): bigint | undefined;
}

/** The space in which `physical` translates. `look` finds more than `physical` does where a debugger should. */
function addressSpace(
  machine: MachineApi,
  name: string,
  physical: (va: bigint) => bigint | undefined,
  root: () => bigint | undefined,
  look = physical,
): AddressSpace {
  const read: ReadMemory = (va, length) => {
    const bytes = new Uint8Array(length);
    for (const { at, size, offset } of pagesOf(va, length)) {
      const pa = look(at);
      const part = pa === undefined ? undefined : machine.memory.read(pa, size);
      if (!part) return undefined;
      bytes.set(part, offset);
    }
    return bytes;
  };
  const write = (va: bigint, bytes: Uint8Array): boolean => {
    if (!read(va, bytes.length)) return false;
    for (const { at, size, offset } of pagesOf(va, bytes.length)) {
      const pa = look(at);
      const part = bytes.subarray(offset, offset + size);
      if (pa === undefined || !machine.apply({ kind: 'memory', address: pa, bytes: part })) return false;
    }
    return true;
  };
  return { name, read, write, physical, root };
}

/**
 * Memory as a hart sees it now. While a user program's table is in force, which has no kernel, RAM is also found at its
 * own addresses, where the kernel maps it: the kernel's data can then be looked at.
 */
export function hartSpace(machine: MachineApi, hart: Hart): AddressSpace {
  const ram = ramOf(machine);
  return addressSpace(
    machine,
    `hart:${hart.id}`,
    (va) => physical(machine, hart, va),
    () => (hart.translating ? satpFields(hart.csr(Csr.satp) ?? 0n).root : undefined),
    (va) => physical(machine, hart, va) ?? (onUserTable(hart) ? ram(va) : undefined),
  );
}

/** Memory by the page table at the physical address `root`; with none, RAM as it lies. */
export function tableSpace(machine: MachineApi, name: string, root: bigint | undefined): AddressSpace {
  const page = root === undefined ? undefined : root & ~(PAGE_SIZE - 1n);
  return addressSpace(
    machine,
    name,
    page === undefined ? ramOf(machine) : (va) => walk(page, va, (at) => machine.memory.readU64(at)).leaf?.pa,
    () => page,
  );
}

export const physicalSpace = (machine: MachineApi): AddressSpace =>
  addressSpace(
    machine,
    'phys',
    (pa) => pa,
    () => undefined,
  );

/** The physical address of `va` in this hart's address space; undefined where nothing is mapped. */
export function physical(machine: MachineApi, hart: Hart, va: bigint): bigint | undefined {
  if (!hart.translating) return va;
  const { root } = satpFields(hart.csr(Csr.satp) ?? 0n);
  return walk(root, va, (address) => machine.memory.readU64(address)).leaf?.pa;
}

const onUserTable = (hart: Hart): boolean =>
  hart.mode === Mode.User || (hart.pc >= TRAMPOLINE && hart.pc < TRAMPOLINE + PAGE_SIZE);

/** An address of RAM as it is, any other as none. */
const ramOf =
  ({ memory }: MachineApi) =>
  (address: bigint): bigint | undefined =>
    address >= memory.dramBase && address < memory.dramBase + memory.dramSize ? address : undefined;

function* pagesOf(va: bigint, length: number): Generator<{ at: bigint; size: number; offset: number }> {
  for (let offset = 0; offset < length;) {
    const at = BigInt.asUintN(64, va + BigInt(offset));
    const size = Math.min(length - offset, Number(PAGE_SIZE - (at & (PAGE_SIZE - 1n))));
    yield { at, size, offset };
    offset += size;
  }
}
