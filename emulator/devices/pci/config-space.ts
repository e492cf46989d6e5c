/**
 * The configuration space of a conventional PCI function (PCI Local Bus Specification 3.0, chapter 6: a header of type 0): bytes
 * of which a driver may write some. What it finds at power on, and what it may write, is as in QEMU 7.2 (hw/pci/pci.c).
 */
import type { SavedState } from '../../history/saved-state';
import type { AccessSize, State } from '../../types';

/** Bytes of a conventional function's space. */
export const CONFIG_SIZE = 256;

const COMMAND = 0x04;
const STATUS = 0x06;
const BASE_ADDRESSES = 0x10;
const ROM_ADDRESS = 0x30;
/** What comes after the header is the function's own, and these have none: plain bytes, as in QEMU. */
const HEADER_END = 0x40;

export const enum Command {
  Memory = 1 << 1,
  BusMaster = 1 << 2,
  InterruptDisable = 1 << 10,
}
const COMMAND_WRITABLE = 0x0507;
const INTERRUPT_STATUS = 1 << 3;

export interface Identity {
  vendor: number;
  device: number;
  revision: number;
  /** Base class, subclass and interface. */
  classCode: number;
  /** The pin that it drives: 1 is INTA#; 0: none. */
  interruptPin: number;
  /** Bytes of each base address register's region, powers of two; 0: it has none. */
  regions: readonly { size: number; io?: true }[];
  /** Bytes of the expansion ROM's region; 0: none. */
  rom: number;
}

export class ConfigSpace {
  private readonly initial = new DataView(new ArrayBuffer(CONFIG_SIZE));
  private readonly writable = new DataView(new ArrayBuffer(CONFIG_SIZE));
  private readonly bytes = new DataView(new ArrayBuffer(CONFIG_SIZE));

  constructor({ vendor, device, revision, classCode, interruptPin, regions, rom }: Identity) {
    const { initial, writable } = this;
    initial.setUint16(0x00, vendor, true);
    initial.setUint16(0x02, device, true);
    initial.setUint32(0x08, classCode * 256 + revision, true);
    // Red Hat's subsystem, as all of QEMU's own functions have.
    initial.setUint16(0x2c, 0x1af4, true);
    initial.setUint16(0x2e, 0x1100, true);
    initial.setUint8(0x3d, interruptPin);
    writable.setUint16(COMMAND, COMMAND_WRITABLE, true);
    writable.setUint8(0x0c, 0xff);
    writable.setUint8(0x3c, 0xff);
    regions.forEach(({ size, io = false }, index) => {
      initial.setUint32(BASE_ADDRESSES + 4 * index, io ? 1 : 0, true);
      writable.setUint32(BASE_ADDRESSES + 4 * index, (~(size - 1) & ~(io ? 3 : 15)) >>> 0, true);
    });
    if (rom > 0) writable.setUint32(ROM_ADDRESS, (~(rom - 1) | 1) >>> 0, true);
    for (let at = HEADER_END; at < CONFIG_SIZE; at++) writable.setUint8(at, 0xff);
    this.reset();
  }

  get command(): number {
    return this.bytes.getUint16(COMMAND, true);
  }

  /** The address to which the driver has put a region. */
  regionBase(index: number): number {
    return (this.bytes.getUint32(BASE_ADDRESSES + 4 * index, true) & ~15) >>> 0;
  }

  /** The function asserts its interrupt, whether or not the driver lets that through. */
  set interruptStatus(asserted: boolean) {
    const status = this.bytes.getUint16(STATUS, true) & ~INTERRUPT_STATUS;
    this.bytes.setUint16(STATUS, status | (asserted ? INTERRUPT_STATUS : 0), true);
  }

  read(offset: number, size: AccessSize): bigint {
    let value = 0n;
    for (let at = size - 1; at >= 0; at--) value = (value << 8n) | BigInt(this.bytes.getUint8(offset + at));
    return value;
  }

  write(offset: number, size: AccessSize, value: bigint): void {
    for (let at = 0; at < size; at++) {
      const mask = this.writable.getUint8(offset + at);
      const byte = Number((value >> BigInt(8 * at)) & 0xffn);
      this.bytes.setUint8(offset + at, (this.bytes.getUint8(offset + at) & ~mask) | (byte & mask));
    }
  }

  reset(): void {
    new Uint8Array(this.bytes.buffer).set(new Uint8Array(this.initial.buffer));
  }

  save(): State {
    return new Uint8Array(this.bytes.buffer).slice();
  }

  /** Restores the bytes of a field that `save` returned; those that no driver can write stay as they are. */
  restore(saved: SavedState, field: string): void {
    const bytes = saved.bytes(field);
    if (bytes.length !== CONFIG_SIZE) throw new Error(`saved state of ${field}: expected ${CONFIG_SIZE} bytes`);
    new Uint8Array(this.bytes.buffer).set(bytes);
  }
}
