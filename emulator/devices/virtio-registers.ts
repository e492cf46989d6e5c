/**
 * The registers of the virtio transport (virtio 1.2, sections 4.2.2 and 4.2.4): their offsets, the bits in them, and what
 * they hold at reset. virtio-mmio.ts says what reading and writing them does.
 */
import type { Rings } from './virtqueue';

export const enum Register {
  Magic = 0x000,
  Version = 0x004,
  DeviceId = 0x008,
  VendorId = 0x00c,
  DeviceFeatures = 0x010,
  DeviceFeaturesSelect = 0x014,
  DriverFeatures = 0x020,
  DriverFeaturesSelect = 0x024,
  GuestPageSize = 0x028,
  QueueSelect = 0x030,
  QueueNumberMaximum = 0x034,
  QueueNumber = 0x038,
  QueueAlign = 0x03c,
  QueuePageNumber = 0x040,
  QueueReady = 0x044,
  QueueNotify = 0x050,
  InterruptStatus = 0x060,
  InterruptAcknowledge = 0x064,
  Status = 0x070,
  QueueDescriptorsLow = 0x080,
  QueueDescriptorsHigh = 0x084,
  QueueAvailableLow = 0x090,
  QueueAvailableHigh = 0x094,
  QueueUsedLow = 0x0a0,
  QueueUsedHigh = 0x0a4,
  ConfigGeneration = 0x0fc,
  Configuration = 0x100,
  End = 0x200,
}

export const MAGIC = 0x74726976;
export const VENDOR = 0x554d4551;
export const QUEUE_MAXIMUM = 1024;
export const VERSION_1 = 1n << 32n;
export const LOW_HALF = 0xffff_ffffn;

/** Bits of InterruptStatus. */
export const USED_BUFFERS = 1;
export const CONFIGURATION_CHANGED = 2;
/** Bits of Status. */
export const DRIVER_OK = 4;
export const FEATURES_OK = 8;
export const NEEDS_RESET = 64;

/** What the driver has written about a queue, before the device uses it. */
export interface QueueRegisters extends Rings {
  /** Legacy: address of the queue, and the alignment of its used ring. */
  base: bigint;
  align: number;
}

export const UNSET_QUEUE: QueueRegisters = { descriptors: 0n, available: 0n, used: 0n, base: 0n, align: 4096 };

export interface VirtioRegisters {
  deviceFeaturesSelect: number;
  driverFeaturesSelect: number;
  driverFeatures: bigint;
  /** Negotiated features: legacy from the first write, version 2 from FEATURES_OK. */
  negotiated: bigint;
  pageShift: number;
  queueSelect: number;
  interruptStatus: number;
  status: number;
  generation: number;
}

export const AT_RESET: VirtioRegisters = {
  deviceFeaturesSelect: 0,
  driverFeaturesSelect: 0,
  driverFeatures: 0n,
  negotiated: 0n,
  pageShift: 0,
  queueSelect: 0,
  interruptStatus: 0,
  status: 0,
  generation: 0,
};

/** The low half of a 64-bit value, or the high one; 0 for any other selector. */
export function half(value: bigint, select: number): number {
  return select > 1 ? 0 : Number((value >> BigInt(32 * select)) & LOW_HALF);
}

/** A 64-bit value with one of its halves replaced. */
export function withHalf(value: bigint, select: number, part: number): bigint {
  return select === 0 ? ((value >> 32n) << 32n) | BigInt(part) : (value & LOW_HALF) | (BigInt(part) << 32n);
}
