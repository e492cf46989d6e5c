/**
 * The driver's half of a virtio transport, for tests: it finds the device, negotiates, lays out a queue and puts
 * requests into it, over any bus that reaches the registers and the memory.
 */
import { MemoryMap } from '../devices/memory-map';

/** Access by physical address, to our own devices or to those of a QEMU in another process. */
export interface Bus {
  load(address: number, size: 1 | 2 | 4 | 8): Promise<bigint>;
  store(address: number, size: 1 | 2 | 4 | 8, value: bigint): Promise<void>;
  read(address: number, length: number): Promise<Uint8Array>;
  write(address: number, bytes: Uint8Array): Promise<void>;
  /** Waits until the device has had time to do its work. */
  settle(): Promise<void>;
}

export interface Descriptor {
  address: number;
  length: number;
  /** The device writes it. */
  write?: boolean;
  /** Index of the following descriptor. */
  next?: number;
  /** Further bits of the flags. */
  flags?: number;
}

export const VERSION_1 = 1n << 32n;

/** The addresses of the queue's parts; far enough apart for any size used in tests. */
const QUEUE = MemoryMap.dram.base + 0x1000;
const MODERN_AVAILABLE = QUEUE + 0x400;
const MODERN_USED = QUEUE + 0x800;

/** How often the driver waits for the requests that it has submitted. */
const PATIENCE = 8;

export class VirtioDriver {
  private availableIndex = 0;

  constructor(
    readonly bus: Bus,
    readonly legacy: boolean,
    readonly slot = 0,
    readonly entries = 8,
  ) {}

  register(offset: number): Promise<bigint> {
    return this.bus.load(this.base + offset, 4);
  }

  setRegister(offset: number, value: number): Promise<void> {
    return this.bus.store(this.base + offset, 4, BigInt(value));
  }

  /** Initializes the device as section 3.1.1 says, up to DRIVER_OK, accepting `features` as far as they are offered. */
  async start(features = VERSION_1): Promise<void> {
    await this.setRegister(0x070, 0);
    await this.setRegister(0x070, 1);
    await this.setRegister(0x070, 3);
    await this.accept(0, Number(features & 0xffff_ffffn));
    if (!this.legacy) {
      await this.accept(1, Number(features >> 32n));
      await this.setRegister(0x070, 11);
    }
    await this.layOut();
    await this.setRegister(0x070, this.legacy ? 7 : 15);
    this.availableIndex = 0;
  }

  async describe(index: number, { address, length, write, next, flags = 0 }: Descriptor): Promise<void> {
    const entry = new DataView(new ArrayBuffer(16));
    entry.setBigUint64(0, BigInt(address), true);
    entry.setUint32(8, length, true);
    entry.setUint16(12, flags | (write ? 2 : 0) | (next === undefined ? 0 : 1), true);
    entry.setUint16(14, next ?? 0, true);
    await this.bus.write(QUEUE + 16 * index, new Uint8Array(entry.buffer));
  }

  /** Puts descriptors into the table from `at` on, one linked to the next. */
  async chain(at: number, descriptors: Descriptor[]): Promise<void> {
    for (const [index, descriptor] of descriptors.entries()) {
      await this.describe(
        at + index,
        index + 1 < descriptors.length ? { next: at + index + 1, ...descriptor } : descriptor,
      );
    }
  }

  /** Makes chains available by their heads, notifies, and waits. */
  async submit(...heads: number[]): Promise<void> {
    for (const head of heads) {
      await this.setU16(this.available + 4 + 2 * (this.availableIndex % this.entries), head);
      this.availableIndex = (this.availableIndex + 1) & 0xffff;
    }
    await this.setU16(this.available + 2, this.availableIndex);
    await this.setRegister(0x050, 0);
    // The used index never gets there if the device stops at a broken ring.
    for (let wait = 0; wait < PATIENCE; wait++) {
      await this.bus.settle();
      const [used] = await this.used();
      if (used === this.availableIndex) return;
    }
  }

  /** The used ring: its index, then id and length of its entries as pairs. */
  async used(): Promise<number[]> {
    const bytes = await this.bus.read(this.usedRing, 4 + 8 * this.entries);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const pairs = Array.from({ length: 2 * this.entries }, (_, index) => view.getUint32(4 + 4 * index, true));
    return [view.getUint16(2, true), ...pairs];
  }

  /** Sets the available ring's flags: 1 asks for no interrupts. */
  setAvailableFlags(flags: number): Promise<void> {
    return this.setU16(this.available, flags);
  }

  setAvailableIndex(index: number): Promise<void> {
    return this.setU16(this.available + 2, index);
  }

  private get base(): number {
    return MemoryMap.virtio.base + this.slot * MemoryMap.virtio.size;
  }

  private get available(): number {
    return this.legacy ? QUEUE + 16 * this.entries : MODERN_AVAILABLE;
  }

  private get usedRing(): number {
    return this.legacy ? QUEUE + 0x1000 : MODERN_USED;
  }

  private async accept(half: number, features: number): Promise<void> {
    await this.setRegister(0x014, half);
    const offered = Number(await this.register(0x010));
    await this.setRegister(0x024, half);
    await this.setRegister(0x020, (features & offered) >>> 0);
  }

  private async layOut(): Promise<void> {
    await this.bus.write(QUEUE, new Uint8Array(0x2000));
    await this.setRegister(0x030, 0);
    await this.setRegister(0x038, this.entries);
    if (this.legacy) {
      await this.setRegister(0x028, 4096);
      await this.setRegister(0x040, QUEUE / 4096);
      return;
    }
    for (const [register, address] of [
      [0x080, QUEUE],
      [0x090, MODERN_AVAILABLE],
      [0x0a0, MODERN_USED],
    ] as const) {
      await this.setRegister(register, address);
      await this.setRegister(register + 4, 0);
    }
    await this.setRegister(0x044, 1);
  }

  private setU16(address: number, value: number): Promise<void> {
    return this.bus.write(address, Uint8Array.of(value & 0xff, (value >> 8) & 0xff));
  }
}

/** The 16 bytes that begin a block request. */
export function blockHeader(type: number, sector: number | bigint): Uint8Array {
  const header = new DataView(new ArrayBuffer(16));
  header.setUint32(0, type, true);
  header.setBigUint64(8, BigInt(sector), true);
  return new Uint8Array(header.buffer);
}
