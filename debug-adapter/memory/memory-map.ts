/**
 * The devices in the physical address space of QEMU's `virt` board (hw/riscv/virt.c), for naming what an entry points to.
 * DRAM's bounds come from the machine.
 */
import { MemoryMap, VIRTIO_SLOTS } from '../../emulator/devices/memory-map';
import type { PhysicalMemory } from '../../emulator/types';

/** A range of physical pages: [start, end) in page numbers. */
export interface PhysicalRange {
  start: number;
  end: number;
  name: string;
}

const page = (address: number): number => Math.floor(address / 4096);
const device = (name: string, { base, size }: { base: number; size: number }): PhysicalRange => ({
  name,
  start: page(base),
  end: page(base + size + 4095),
});

/** In order of address; none overlap. */
const DEVICES: readonly PhysicalRange[] = [
  device('boot ROM', MemoryMap.bootRom),
  device('test finisher', MemoryMap.finisher),
  device('RTC', MemoryMap.rtc),
  device('CLINT', MemoryMap.clint),
  device('PLIC', MemoryMap.plic),
  // SiFive's PLIC has 64 MiB and later kernels map them all, but the board's registers end here.
  device('PLIC (unused part)', {
    base: MemoryMap.plic.base + MemoryMap.plic.size,
    size: 0x4000000 - MemoryMap.plic.size,
  }),
  device('UART', MemoryMap.uart),
  ...Array.from({ length: VIRTIO_SLOTS }, (_, slot) =>
    device(`virtio ${slot}`, { ...MemoryMap.virtio, base: MemoryMap.virtio.base + slot * MemoryMap.virtio.size }),
  ),
  // The network labs map these.
  device('PCIe configuration', { base: 0x30000000, size: 0x10000000 }),
  device('PCIe memory', { base: 0x40000000, size: 0x40000000 }),
];

/** All devices and DRAM, in order of address. */
export function memoryMap(memory: Pick<PhysicalMemory, 'dramBase' | 'dramSize'>): PhysicalRange[] {
  const start = Number(memory.dramBase / 4096n);
  return [...DEVICES, { name: 'RAM', start, end: start + Number(memory.dramSize / 4096n) }];
}

/** The range that contains a page number; undefined if there is none. `ranges` ascend and do not overlap. */
export function rangeAt<T extends { start: number; end: number }>(ranges: readonly T[], page: number): T | undefined {
  const found = ranges[indexAfter(ranges, page) - 1];
  return found !== undefined && page < found.end ? found : undefined;
}

/** How many ranges start at or before a page. */
export function indexAfter(ranges: readonly { start: number }[], page: number): number {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ranges[middle]!.start <= page) low = middle + 1;
    else high = middle;
  }
  return low;
}
