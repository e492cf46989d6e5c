/** The physical address space as QEMU's `info mtree -f` shows it, by QEMU's names for what is on its `virt` board. */
import { MemoryMap, VIRTIO_SLOTS } from '../emulator/devices/memory-map';
import type { PhysicalMemory } from '../emulator/types';

const NAMES: Readonly<Record<string, string>> = {
  bootRom: 'riscv_virt_board.mrom',
  finisher: 'riscv.sifive.test',
  rtc: 'goldfish_rtc',
  clint: 'riscv.aclint',
  pciePorts: 'gpex_ioport_window',
  plic: 'riscv.sifive.plic',
  uart: 'serial',
  pcieEcam: 'pcie-mmcfg-mmio',
  pcieWindow: 'gpex_mmio_window',
};

export function memoryTree({ dramBase, dramSize }: PhysicalMemory): string {
  const regions = Object.entries(NAMES).map(([key, name]) => {
    const { base, size } = MemoryMap[key as 'uart'];
    return { base: BigInt(base), size: BigInt(size), name };
  });
  for (let slot = 0; slot < VIRTIO_SLOTS; slot++) {
    const { base, size } = MemoryMap.virtio;
    regions.push({ base: BigInt(base + slot * size), size: BigInt(size), name: 'virtio-mmio' });
  }
  regions.push({ base: dramBase, size: dramSize, name: 'riscv_virt_board.ram' });
  regions.sort((a, b) => Number(a.base - b.base));
  const lines = regions.map(({ base, size, name }) => {
    const kind = name.endsWith('.mrom') ? 'rom' : name.endsWith('.ram') ? 'ram' : 'i/o';
    return `  ${word(base)}-${word(base + size - 1n)} (prio 0, ${kind}): ${name}\n`;
  });
  return `address-space: memory\n${lines.join('')}`;
}

const word = (value: bigint): string => value.toString(16).padStart(16, '0');
