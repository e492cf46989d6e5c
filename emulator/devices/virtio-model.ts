/**
 * The interface between a virtio device (the model) and its transport. The block device is one model; a network device
 * would be another on the same transport.
 */
import type { WritableMemory, State } from '../types';
import type { Virtqueue } from './virtqueue';

/** What the transport offers a model. */
export interface VirtioPort {
  readonly memory: WritableMemory;
  now(): number;
  queue(index: number): Virtqueue;
  /** Features that the driver has accepted. */
  readonly features: bigint;
  /** Notifies the driver of used buffers; call it when `Virtqueue.push` returns true. */
  usedBuffers(): void;
  /** Tells the driver that the configuration space has changed. */
  configurationChanged(): void;
}

/** A virtio device without its transport. A `VirtqueueError` that it throws stops it until the driver resets it. */
export interface VirtioModel {
  readonly name: string;
  /** Section 5: 1 network, 2 block, ... */
  readonly deviceId: number;
  /** Feature bits offered, without those of the transport. */
  readonly features: bigint;
  /** For each queue, its number of entries until the driver chooses one. */
  readonly queues: readonly number[];
  /** Called once, before anything else. */
  attach(port: VirtioPort): void;
  /** `size` bytes of the configuration space; undefined beyond its end. */
  configRead(offset: number, size: number): bigint | undefined;
  configWrite(offset: number, size: number, value: bigint): void;
  queueNotify(index: number): void;
  /** Drops all requests: at power on, when the driver resets the device, and when the guest broke the rules. */
  reset(): void;
  save(): State;
  restore(state: State): void;
  nextEvent(): number;
  advance(now: number): void;
}
