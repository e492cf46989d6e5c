/**
 * The guest's memory as a hart sees it now: by its page table, in its mode. For looking only: permissions are not asked,
 * and nothing is written to the table.
 */
import { Mode, type Hart, type MachineApi } from '../emulator/types';
import { PAGE_SIZE, satpFields, walk } from './page-tables/walk';

const SATP = 0x180;

/** The physical address of `va` in this hart's address space; undefined where nothing is mapped. */
export function physical(machine: MachineApi, hart: Hart, va: bigint): bigint | undefined {
  if (!hart.translating) return va;
  const { root } = satpFields(hart.csr(SATP) ?? 0n);
  return walk(root, va, (address) => machine.memory.readU64(address)).leaf?.pa;
}

/**
 * Where the debugger finds `va`: as the hart would, or, while it runs a user program, whose table has no kernel, where the
 * kernel itself has it, which maps RAM at its own addresses.
 */
function found(machine: MachineApi, hart: Hart, va: bigint): bigint | undefined {
  return physical(machine, hart, va) ?? (hart.mode === Mode.User ? va : undefined);
}

/** Reads across pages; undefined if a byte is not mapped or no RAM. */
export function readVirtual(machine: MachineApi, hart: Hart, va: bigint, length: number): Uint8Array | undefined {
  const bytes = new Uint8Array(length);
  for (const { at, size, offset } of pagesOf(va, length)) {
    const pa = found(machine, hart, at);
    const part = pa === undefined ? undefined : machine.memory.read(pa, size);
    if (!part) return undefined;
    bytes.set(part, offset);
  }
  return bytes;
}

/** Writes across pages; false, with nothing written, if a byte is not mapped or no RAM. */
export function writeVirtual(machine: MachineApi, hart: Hart, va: bigint, bytes: Uint8Array): boolean {
  if (!readVirtual(machine, hart, va, bytes.length)) return false;
  for (const { at, size, offset } of pagesOf(va, bytes.length)) {
    const pa = found(machine, hart, at);
    if (pa === undefined || !machine.memory.write(pa, bytes.subarray(offset, offset + size))) return false;
  }
  return true;
}

function* pagesOf(va: bigint, length: number): Generator<{ at: bigint; size: number; offset: number }> {
  for (let offset = 0; offset < length;) {
    const at = BigInt.asUintN(64, va + BigInt(offset));
    const size = Math.min(length - offset, Number(PAGE_SIZE - (at & (PAGE_SIZE - 1n))));
    yield { at, size, offset };
    offset += size;
  }
}
