/**
 * Where a virtio device and its transport meet: what the transport asks of a model, and what it offers one. The block
 * device is one model; a network device would be another on the same transport.
 */
import type { PhysicalMemory, State } from '../types';
import type { Virtqueue } from './virtqueue';

/** What a model may do with its transport. */
export interface VirtioPort {
  readonly memory: PhysicalMemory;
  now(): number;
  queue(index: number): Virtqueue;
  /** Features that the driver has accepted. */
  readonly features: bigint;
  /** Tells the driver that a queue has used buffers; to be called where `Virtqueue.push` says so. */
  usedBuffers(): void;
  /** Tells the driver that the configuration space has changed. */
  configurationChanged(): void;
}

/**
 * A virtio device without its transport. What it throws as `VirtqueueError` stops it until the driver resets it.
 */
export interface VirtioModel {
  readonly name: string;
  /** Section 5: 1 network, 2 block, ... */
  readonly deviceId: number;
  /** Feature bits offered, those of the transport left out. */
  readonly features: bigint;
  /** For each queue its number of entries until the driver chooses. */
  readonly queues: readonly number[];
  /** Called once, before anything else. */
  attach(port: VirtioPort): void;
  /** `size` bytes of the configuration space; undefined beyond its end. */
  configRead(offset: number, size: number): bigint | undefined;
  configWrite(offset: number, size: number, value: bigint): void;
  queueNotify(index: number): void;
  /** The driver has reset the device, or the board was powered on; or the guest broke the rules. Drops all requests. */
  reset(): void;
  save(): State;
  restore(state: State): void;
  nextEvent(): number;
  advance(now: number): void;
}
