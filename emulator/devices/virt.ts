/**
 * Builds the devices of QEMU's `virt` board and wires them to the PLIC. Memory, harts and virtual time belong to the
 * machine.
 */
import type { Board, Device } from '../device';
import { Clint } from './clint';
import type { Disk } from './disk';
import { Finisher, type Finish } from './finisher';
import { VIRTIO_SLOTS } from './memory-map';
import { E1000 } from './pci/e1000';
import { PcieHost, type PciSlot } from './pci/pcie-host';
import { Plic } from './plic';
import { GoldfishRtc } from './rtc';
import { Uart16550 } from './uart16550';
import { VirtioBlock } from './virtio-blk';
import { VirtioMmio } from './virtio-mmio';
import type { VirtioModel } from './virtio-model';

export type { Finish } from './finisher';
export { MemoryMap, Source, TICKS_PER_SECOND, VIRTIO_SLOTS } from './memory-map';

export interface VirtOptions {
  /** QEMU's `-global virtio-mmio.force-legacy`. */
  legacyVirtio: boolean;
  /** The disk, and its virtio slot; default 0. */
  disk?: Disk;
  diskSlot?: number;
  /** Receives what the guest writes to the UART, byte by byte. */
  consoleOutput?: (bytes: Uint8Array) => void;
  /** Puts an e1000 on the PCIe bus, which receives each frame that the guest sends. */
  frameOutput?: (frame: Uint8Array) => void;
  /** Unix time in seconds at tick 0. */
  rtcEpoch?: number;
  /** The guest has asked to power off or to be reset. */
  finish: (finish: Finish) => void;
  /** The guest has written mtime: `clint.timeOffset` has changed, and so has the time that `stimecmp` is compared with. */
  timeWritten?: () => void;
  /** A virtio device has stopped because the guest broke its rules. */
  deviceFault?: (device: string, reason: string) => void;
}

export interface VirtDevices {
  /** All of them, in ascending order of addresses. */
  readonly devices: readonly Device[];
  readonly finisher: Finisher;
  readonly rtc: GoldfishRtc;
  readonly clint: Clint;
  readonly plic: Plic;
  readonly uart: Uart16550;
  /** One for each slot, used or not. */
  readonly virtio: readonly VirtioMmio[];
  readonly e1000: E1000 | undefined;
}

/**
 * Builds the PLIC too, so the board needs no `setInterrupt`. To power on, reset the harts and then every device, since the
 * devices' resets drive the harts' lines.
 */
export function createVirtDevices(board: Omit<Board, 'setInterrupt'>, options: VirtOptions): VirtDevices {
  const plic = new Plic(board);
  const wired = {
    memory: board.memory,
    now: () => board.now(),
    setInterrupt: (source: number, level: boolean) => plic.setSource(source, level),
  };
  const finisher = new Finisher(options.finish);
  const rtc = new GoldfishRtc(wired, options.rtcEpoch);
  const clint = new Clint(board, options.timeWritten);
  const uart = new Uart16550(wired, (bytes) => options.consoleOutput?.(bytes));
  const { disk, diskSlot = 0 } = options;
  const models: VirtioModel[] = [];
  if (disk) models[diskSlot] = new VirtioBlock(disk);
  const virtio = Array.from(
    { length: VIRTIO_SLOTS },
    (_, slot) => new VirtioMmio(wired, slot, options.legacyVirtio, models[slot], options.deviceFault),
  );
  const { frameOutput } = options;
  let e1000: E1000 | undefined;
  const plug = frameOutput && ((slot: PciSlot) => (e1000 = new E1000(slot, frameOutput)));
  const { ports, ecam, window } = new PcieHost(wired, plug);
  const devices = [finisher, rtc, clint, ports, plic, uart, ...virtio, ecam, window];
  return { devices, finisher, rtc, clint, plic, uart, virtio, e1000 };
}
