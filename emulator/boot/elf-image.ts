/**
 * Loads a kernel or firmware: reads the ELF header and its loadable segments (System V ABI, chapters 4 and 5) by physical
 * address. The debugger has its own, full reader; this one only finds out whether the machine can run the file, and where it
 * starts.
 */
import type { WritableMemory } from '../types';

/** What is wrong with the file of a kernel, or of what boots with it, worded for the user. */
export class KernelError extends Error {}

export interface LoadedKernel {
  entry: bigint;
  segments: { address: bigint; bytes: Uint8Array; memorySize: bigint }[];
}

const MACHINE_NAMES: Record<number, string> = { 3: 'a 32-bit x86', 40: 'an ARM', 62: 'an x86', 183: 'an AArch64' };
export const KERNEL = 'the kernel';

const EM_RISCV = 243;
const PT_LOAD = 1;

export const isElf = (file: Uint8Array): boolean => [0x7f, 0x45, 0x4c, 0x46].every((byte, at) => file[at] === byte);

/** Reads the kernel that the machine starts: as `readElf`, and its entry lies in one of its segments. */
export function readKernel(file: Uint8Array, dramBase: bigint, dramBytes: number): LoadedKernel {
  const kernel = readElf(KERNEL, file, dramBase, dramBytes);
  const { entry, segments } = kernel;
  if (!segments.some(({ address, memorySize }) => entry >= address && entry < address + memorySize))
    throw new KernelError(`${KERNEL}'s entry point 0x${entry.toString(16)} lies in none of its segments`);
  return kernel;
}

/**
 * Reads an RV64 ELF. Throws KernelError, in which the file is called `what`. `dramBytes` bytes of memory from `dramBase` must
 * hold every segment.
 */
export function readElf(what: string, file: Uint8Array, dramBase: bigint, dramBytes: number): LoadedKernel {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (file.length < 64 || !isElf(file)) throw new KernelError(`${what} is not an ELF file`);
  if (file[5] !== 1) throw new KernelError(`${what} is a big-endian ELF; this machine is little-endian`);
  const machine = view.getUint16(18, true);
  if (machine !== EM_RISCV) {
    const name = MACHINE_NAMES[machine] ?? `a foreign (machine ${machine})`;
    const hint = what === KERNEL ? ' Is this xv6-public?' : '';
    throw new KernelError(`${what} is ${name} ELF; this machine is a RISC-V.${hint}`);
  }
  if (file[4] !== 2) throw new KernelError(`${what} is a 32-bit RISC-V ELF; this machine is RV64`);

  const at = Number(view.getBigUint64(32, true));
  const entrySize = view.getUint16(54, true);
  const count = view.getUint16(56, true);
  if (entrySize < 56 || at + entrySize * count > file.length)
    throw new KernelError(`${what} is cut short: its program headers lie beyond the end of the file`);
  const dramEnd = dramBase + BigInt(dramBytes);
  const segments: LoadedKernel['segments'] = [];
  for (let i = 0; i < count; i++) {
    const header = at + i * entrySize;
    if (view.getUint32(header, true) !== PT_LOAD) continue;
    // p_offset, p_paddr, p_filesz, p_memsz.
    const offset = view.getBigUint64(header + 8, true);
    const given = view.getBigUint64(header + 24, true);
    const fileSize = view.getBigUint64(header + 32, true);
    const memorySize = view.getBigUint64(header + 40, true);
    if (memorySize === 0n) continue;
    if (fileSize > memorySize)
      throw new KernelError(`${what} is damaged: a segment is longer in the file than in memory`);
    if (offset + fileSize > BigInt(file.length))
      throw new KernelError(`${what} is cut short: a segment lies beyond the end of the file`);
    // Without a linker script the ELF headers lie before the code, in a page below memory: there QEMU leaves them out, too.
    const below = given < dramBase && given + fileSize > dramBase ? dramBase - given : 0n;
    const address = given + below;
    if (address < dramBase || given + memorySize > dramEnd) {
      const range = `0x${given.toString(16)} to 0x${(given + memorySize).toString(16)}`;
      const mib = dramBytes / 2 ** 20;
      throw new KernelError(`${what} takes ${range}, but memory is ${mib} MiB from 0x${dramBase.toString(16)}`);
    }
    const bytes = file.subarray(Number(offset + below), Number(offset + fileSize));
    segments.push({ address, bytes, memorySize: memorySize - below });
  }
  if (segments.length === 0) throw new KernelError(`${what} has nothing to load: is it an object file?`);
  return { entry: view.getBigUint64(24, true), segments };
}

/** Writes a kernel's segments into memory, with zeroes after the part that the file contains. */
export function placeKernel(memory: WritableMemory, { segments }: LoadedKernel): void {
  for (const { address, bytes, memorySize } of segments) {
    memory.write(address, bytes);
    memory.write(address + BigInt(bytes.length), new Uint8Array(Number(memorySize) - bytes.length));
  }
}

export interface KernelSymbol {
  name: string;
  address: bigint;
  /** Bytes; 0 if it is not recorded. */
  size: bigint;
  kind: 'function' | 'object' | 'other';
}

const SHT_SYMTAB = 2;
const [STT_OBJECT, STT_FUNC] = [1, 2];

/** The symbols of an RV64 ELF; none if it was stripped, or where its tables are damaged. Never throws. */
export function kernelSymbols(file: Uint8Array): KernelSymbol[] {
  try {
    return readSymbols(file);
  } catch (error) {
    if (error instanceof RangeError) return [];
    throw error;
  }
}

function readSymbols(file: Uint8Array): KernelSymbol[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const [table, size, count] = [
    Number(view.getBigUint64(40, true)),
    view.getUint16(58, true),
    view.getUint16(60, true),
  ];
  const field = (section: number, at: number): number => Number(view.getBigUint64(table + section * size + at, true));
  const symbols: KernelSymbol[] = [];
  for (let section = 0; section < count; section++) {
    if (view.getUint32(table + section * size + 4, true) !== SHT_SYMTAB) continue;
    const names = field(view.getUint32(table + section * size + 40, true), 24);
    const [first, bytes] = [field(section, 24), field(section, 32)];
    for (let at = first; at + 24 <= first + bytes; at += 24) {
      const name = names + view.getUint32(at, true);
      const end = file.indexOf(0, name);
      const type = view.getUint8(at + 4) & 15;
      symbols.push({
        name: String.fromCharCode(...file.subarray(name, end < 0 ? name : Math.min(end, name + 256))),
        address: view.getBigUint64(at + 8, true),
        size: view.getBigUint64(at + 16, true),
        kind: type === STT_FUNC ? 'function' : type === STT_OBJECT ? 'object' : 'other',
      });
    }
  }
  return symbols;
}
