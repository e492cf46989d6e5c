/**
 * What is in memory at power on, as QEMU 7.2 places it on its `virt` board (hw/riscv/boot.c and virt.c there): firmware at the
 * base of DRAM, the kernel by its ELF's addresses or, raw, after the firmware, the initial RAM disk, the device tree, and the
 * boot ROM from which the harts start.
 */
import { MemoryMap } from '../devices/memory-map';
import type { MachineOptions, WritableMemory } from '../types';
import { bootRom, RESET_VECTOR } from './boot-rom';
import { isElf, KERNEL, KernelError, type LoadedKernel, placeKernel, readElf, readKernel } from './elf-image';
import { deviceTree, deviceTreeAddress, type TreeOptions } from './fdt';

const MIB = 2 ** 20;
const DRAM_BASE = BigInt(MemoryMap.dram.base);
/** A raw kernel begins at a multiple of this, since page tables of RV64 have pages of that size. */
const KERNEL_ALIGNMENT = BigInt(2 * MIB);
/** The RAM disk lies at most that far beyond the kernel, where any kernel reaches it. */
const INITRD_DISTANCE = 128 * MIB;

/** Characters; Linux takes a thousand, and the device tree must stay small. */
const LONGEST_COMMAND_LINE = 2 ** 14;

type Boot = Pick<MachineOptions, 'harts' | 'memory' | 'kernel' | 'boot'>;

export interface PowerOn {
  /** Where the boot ROM jumps to, in machine mode. */
  entry: bigint;
  /** Where firmware finds the kernel; 0 if there is none. */
  next: bigint;
  /** What is loaded, by what it is called in errors. */
  images: Map<string, LoadedKernel>;
  tree: TreeOptions;
}

/** Throws KernelError if what is to be loaded cannot be, or does not fit. */
export function readPowerOn({ harts, memory, kernel, boot = {} }: Boot): PowerOn {
  const { firmware, image, initrd, commandLine } = boot;
  if (commandLine !== undefined && commandLine.length > LONGEST_COMMAND_LINE)
    throw new KernelError(`the command line is longer than ${LONGEST_COMMAND_LINE} characters`);
  const images: PowerOn['images'] = new Map();
  if (firmware) images.set('the firmware', readAny('the firmware', firmware, DRAM_BASE, memory));
  const afterFirmware = roundUp(endOf(images.get('the firmware')), KERNEL_ALIGNMENT);
  if (image) images.set(KERNEL, raw(KERNEL, image.bytes, image.address ?? afterFirmware, memory));
  else if (!firmware) images.set(KERNEL, readKernel(kernel, DRAM_BASE, memory));
  else if (kernel.length > 0) images.set(KERNEL, readAny(KERNEL, kernel, afterFirmware, memory));
  const loaded = images.get(KERNEL);
  // As QEMU does, firmware begins at its first byte, and so does a kernel after it, whatever their ELF says of an entry.
  const start = loaded ? startOf(loaded) : 0n;
  const tree: TreeOptions = { harts, memory, commandLine };
  if (initrd) {
    if (!loaded) throw new KernelError('an initial RAM disk is of no use without a kernel');
    const address = start + BigInt(Math.min(memory / 2, INITRD_DISTANCE));
    images.set('the initrd', raw('the initrd', initrd, address, memory));
    tree.initrd = { address, size: initrd.length };
  }
  checkApart(images);
  return {
    entry: firmware || image ? DRAM_BASE : loaded!.entry,
    next: firmware && image?.address === undefined ? start : 0n,
    images,
    tree,
  };
}

/** Writes it all. */
export function placePowerOn(memory: WritableMemory, { entry, next, images, tree }: PowerOn): void {
  const bytes = deviceTree(tree);
  const address = deviceTreeAddress(tree.memory, bytes.length);
  memory.write(address, bytes);
  memory.write(BigInt(RESET_VECTOR), bootRom(entry, address, next));
  for (const image of images.values()) placeKernel(memory, image);
}

const readAny = (what: string, file: Uint8Array, address: bigint, memory: number): LoadedKernel =>
  isElf(file) ? readElf(what, file, DRAM_BASE, memory) : raw(what, file, address, memory);

/** Throws KernelError if an image at that address is not within memory. */
function raw(what: string, bytes: Uint8Array, address: bigint, memory: number): LoadedKernel {
  if (bytes.length === 0) throw new KernelError(`${what} is empty`);
  const end = address + BigInt(bytes.length);
  if (address < DRAM_BASE || end > DRAM_BASE + BigInt(memory)) {
    const range = `0x${address.toString(16)} to 0x${end.toString(16)}`;
    throw new KernelError(`${what} takes ${range}, but memory is ${memory / MIB} MiB from 0x${DRAM_BASE.toString(16)}`);
  }
  return { entry: address, segments: [{ address, bytes, memorySize: BigInt(bytes.length) }] };
}

/** Throws KernelError if two of them want the same memory. */
function checkApart(images: PowerOn['images']): void {
  const parts = [...images].flatMap(([what, { segments }]) => segments.map((segment) => ({ what, ...segment })));
  parts.sort((a, b) => (a.address < b.address ? -1 : 1));
  parts.forEach((part, index) => {
    const next = parts[index + 1];
    if (next === undefined || next.what === part.what || next.address >= part.address + part.memorySize) return;
    throw new KernelError(`${part.what} and ${next.what} both want memory at 0x${next.address.toString(16)}`);
  });
}

const startOf = ({ segments }: LoadedKernel): bigint =>
  segments.reduce((least, { address }) => (address < least ? address : least), segments[0]!.address);

const endOf = (image: LoadedKernel | undefined): bigint =>
  (image?.segments ?? []).reduce((most, { address, memorySize }) => {
    const end = address + memorySize;
    return end > most ? end : most;
  }, DRAM_BASE);

const roundUp = (value: bigint, unit: bigint): bigint => ((value + unit - 1n) / unit) * unit;
