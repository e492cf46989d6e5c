/**
 * The addresses and sizes, in bytes, of the devices on QEMU 7.2's `virt` board, and the PLIC source that each one drives
 * (hw/riscv/virt.c).
 */
export const MemoryMap = {
  bootRom: { base: 0x1000, size: 0xf000 },
  finisher: { base: 0x100000, size: 0x1000 },
  rtc: { base: 0x101000, size: 0x1000 },
  clint: { base: 0x2000000, size: 0x10000 },
  /** I/O ports of PCI functions, their configuration spaces, and the window of their memory. */
  pciePorts: { base: 0x3000000, size: 0x10000 },
  plic: { base: 0xc000000, size: 0x600000 },
  uart: { base: 0x10000000, size: 0x100 },
  /** The first of `VIRTIO_SLOTS` transports; the others follow without gaps. */
  virtio: { base: 0x10001000, size: 0x1000 },
  pcieEcam: { base: 0x30000000, size: 0x10000000 },
  pcieWindow: { base: 0x40000000, size: 0x40000000 },
  dram: { base: 0x80000000 },
} as const;

export const VIRTIO_SLOTS = 8;

/** PLIC sources. Virtio slot n drives source `virtio + n`; PCI functions share the four from `pcie` on. */
export const Source = { virtio: 1, uart: 10, rtc: 11, pcie: 32 } as const;

/** The frequency of virtual time, which mtime counts. */
export const TICKS_PER_SECOND = 10_000_000;
