/** The devices of a board on a bus, as the harts of a machine would see them. */
import type { Device } from '../device';
import type { AccessSize } from '../types';
import { BLOCK_LATENCY } from '../devices/virtio-blk';
import type { FakeBoard } from './fake-board';
import type { Bus } from './virtio-driver';

export class DeviceBus implements Bus {
  constructor(
    private readonly board: FakeBoard,
    private readonly devices: readonly Device[],
  ) {}

  async load(address: number, size: AccessSize): Promise<bigint> {
    const device = this.deviceAt(address);
    const value = device.read(address - device.base, size);
    if (value === undefined) throw new Error(`access fault: load of ${size} bytes at 0x${address.toString(16)}`);
    return value;
  }

  async store(address: number, size: AccessSize, value: bigint): Promise<void> {
    const device = this.deviceAt(address);
    if (!device.write(address - device.base, size, value))
      throw new Error(`access fault: store of ${size} bytes at 0x${address.toString(16)}`);
  }

  async read(address: number, length: number): Promise<Uint8Array> {
    const bytes = this.board.memory.read(BigInt(address), length);
    if (!bytes) throw new Error(`no memory at 0x${address.toString(16)}`);
    return bytes;
  }

  async write(address: number, bytes: Uint8Array): Promise<void> {
    if (!this.board.memory.write(BigInt(address), bytes)) throw new Error(`no memory at 0x${address.toString(16)}`);
  }

  /** Lets the latency of a block request pass. */
  async settle(): Promise<void> {
    this.board.time += BLOCK_LATENCY;
    for (const device of this.devices) device.advance?.(this.board.time);
  }

  private deviceAt(address: number): Device {
    const device = this.devices.find(({ base, size }) => address >= base && address < base + size);
    if (!device) throw new Error(`no device at 0x${address.toString(16)}`);
    return device;
  }
}
