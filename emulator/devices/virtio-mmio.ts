/**
 * The virtio transport over memory-mapped registers (virtio 1.2, section 4.2): version 2, and the legacy version 1 of
 * section 4.2.4, which is QEMU's default. It handles queues, features, status and interrupts; a `VirtioModel` is the device
 * itself. Where the document leaves a choice, this follows QEMU 7.2 (hw/virtio/virtio-mmio.c).
 */
import type { Board, Device } from '../device';
import type { AccessSize, WritableMemory, State } from '../types';
import { MemoryMap, Source } from './memory-map';
import { SavedState } from '../history/saved-state';
import type { VirtioModel, VirtioPort } from './virtio-model';
import {
  Register,
  MAGIC,
  VENDOR,
  QUEUE_MAXIMUM,
  VERSION_1,
  LOW_HALF,
  USED_BUFFERS,
  CONFIGURATION_CHANGED,
  DRIVER_OK,
  FEATURES_OK,
  NEEDS_RESET,
  type QueueRegisters,
  UNSET_QUEUE,
  type VirtioRegisters,
  AT_RESET,
  half,
  withHalf,
} from './virtio-registers';
import { restoreRings, Virtqueue, VirtqueueError } from './virtqueue';

export class VirtioMmio implements Device, VirtioPort {
  readonly name: string;
  readonly base: number;
  readonly size = MemoryMap.virtio.size;
  readonly memory: WritableMemory;

  private registers: VirtioRegisters = { ...AT_RESET };
  private readonly queues: Virtqueue[];
  private queueRegisters: QueueRegisters[];
  private stopped: string | undefined;

  /**
   * Transport number `slot` of `model`; without a model it shows device id 0. `report` is called with the reason when the
   * device stops.
   */
  constructor(
    private readonly board: Pick<Board, 'now' | 'memory' | 'setInterrupt'>,
    private readonly slot: number,
    private readonly legacy: boolean,
    private readonly model?: VirtioModel,
    private readonly report?: (device: string, reason: string) => void,
  ) {
    this.name = `virtio${slot}`;
    this.base = MemoryMap.virtio.base + slot * MemoryMap.virtio.size;
    this.memory = board.memory;
    const sizes = model?.queues ?? [];
    this.queues = sizes.map((entries) => new Virtqueue(board.memory, entries, QUEUE_MAXIMUM));
    this.queueRegisters = sizes.map(() => ({ ...UNSET_QUEUE }));
    model?.attach(this);
  }

  /** Why the device has stopped until the driver resets it, undefined while it works. */
  get fault(): string | undefined {
    return this.stopped;
  }

  get features(): bigint {
    return this.registers.negotiated;
  }

  now(): number {
    return this.board.now();
  }

  queue(index: number): Virtqueue {
    return this.queues[index]!;
  }

  usedBuffers(): void {
    this.raise(USED_BUFFERS);
  }

  configurationChanged(): void {
    if ((this.registers.status & DRIVER_OK) === 0) return;
    this.registers.generation = (this.registers.generation + 1) >>> 0;
    // QEMU sets both, so that a driver that tests only the queue bit still scans its queues.
    this.raise(CONFIGURATION_CHANGED | USED_BUFFERS);
  }

  /** Registers are 4 bytes, and 8-byte accesses two of them; the configuration space also takes 1 and 2. */
  read(offset: number, size: AccessSize): bigint | undefined {
    if (offset % size !== 0 || offset >= Register.End) return undefined;
    if (size === 8) return this.readPart(offset, 4) | (this.readPart(offset + 4, 4) << 32n);
    return this.readPart(offset, size);
  }

  write(offset: number, size: AccessSize, value: bigint): boolean {
    if (offset % size !== 0 || offset >= Register.End) return false;
    if (size === 8) {
      this.writePart(offset, 4, value & LOW_HALF);
      this.writePart(offset + 4, 4, value >> 32n);
    } else {
      this.writePart(offset, size, value);
    }
    return true;
  }

  reset(): void {
    this.registers = { ...AT_RESET };
    this.resetDevice();
  }

  save(): State {
    return {
      registers: { ...this.registers },
      queues: this.queues.map((queue) => queue.save()),
      queueRegisters: this.queueRegisters.map((registers) => ({ ...registers })),
      stopped: this.stopped ?? null,
      model: this.model?.save() ?? null,
    };
  }

  restore(state: State): void {
    const saved = new SavedState(this.name, state);
    const registers = saved.record('registers');
    this.registers = {
      deviceFeaturesSelect: registers.number('deviceFeaturesSelect'),
      driverFeaturesSelect: registers.number('driverFeaturesSelect'),
      driverFeatures: registers.bigint('driverFeatures'),
      negotiated: registers.bigint('negotiated'),
      pageShift: registers.number('pageShift'),
      queueSelect: registers.number('queueSelect'),
      interruptStatus: registers.number('interruptStatus'),
      status: registers.number('status'),
      generation: registers.number('generation'),
    };
    const queues = saved.records('queues', this.queues.length);
    this.queues.forEach((queue, index) => queue.restore(queues[index]!));
    this.queueRegisters = saved.records('queueRegisters', this.queues.length).map((entry) => ({
      ...restoreRings(entry),
      base: entry.bigint('base'),
      align: entry.number('align'),
    }));
    this.stopped = saved.text('stopped');
    this.model?.restore(saved.raw('model'));
  }

  nextEvent(): number {
    return this.model && this.stopped === undefined ? this.model.nextEvent() : Infinity;
  }

  advance(now: number): void {
    if (now >= this.nextEvent()) this.guard((model) => model.advance(now));
  }

  private readPart(offset: number, size: 1 | 2 | 4): bigint {
    if (this.model && offset >= Register.Configuration)
      return this.model.configRead(offset - Register.Configuration, size) ?? (1n << BigInt(8 * size)) - 1n;
    return size === 4 ? BigInt(this.readRegister(offset)) : 0n;
  }

  private readRegister(offset: number): number {
    const registers = this.registers;
    switch (offset) {
      case Register.Magic:
        return MAGIC;
      case Register.Version:
        return this.legacy ? 1 : 2;
      case Register.DeviceId:
        return this.model?.deviceId ?? 0;
      case Register.VendorId:
        return VENDOR;
      case Register.DeviceFeatures:
        return half(this.offered(), registers.deviceFeaturesSelect);
      case Register.QueueNumberMaximum:
        return this.selectedQueue()?.maximum ?? 0;
      case Register.QueuePageNumber: {
        const base = this.selectedRegisters()?.base ?? 0n;
        return this.legacy ? Number((base >> BigInt(registers.pageShift)) & LOW_HALF) : 0;
      }
      case Register.QueueReady:
        return !this.legacy && this.selectedQueue()?.ready ? 1 : 0;
      case Register.InterruptStatus:
        return registers.interruptStatus;
      case Register.Status:
        return registers.status;
      case Register.ConfigGeneration:
        return this.legacy ? 0 : registers.generation;
      default:
        return 0;
    }
  }

  private writePart(offset: number, size: 1 | 2 | 4, value: bigint): void {
    if (!this.model) return;
    if (offset >= Register.Configuration) this.model.configWrite(offset - Register.Configuration, size, value);
    else if (size === 4) this.writeRegister(offset, Number(value));
  }

  private writeRegister(offset: number, value: number): void {
    const registers = this.registers;
    switch (offset) {
      case Register.DeviceFeaturesSelect:
        registers.deviceFeaturesSelect = value;
        break;
      case Register.DriverFeatures:
        this.writeDriverFeatures(value);
        break;
      case Register.DriverFeaturesSelect:
        registers.driverFeaturesSelect = value;
        break;
      case Register.QueueSelect:
        registers.queueSelect = value;
        break;
      case Register.QueueNumber:
        this.writeQueueNumber(value);
        break;
      case Register.QueueNotify: {
        if (this.queues[value]?.ready) this.guard((model) => model.queueNotify(value));
        break;
      }
      case Register.InterruptAcknowledge:
        registers.interruptStatus &= ~value;
        this.drive();
        break;
      case Register.Status:
        this.writeStatus(value & 0xff);
        break;
      default:
        if (this.legacy) this.writeLegacyRegister(offset, value);
        else this.writeModernRegister(offset, value);
    }
  }

  private writeLegacyRegister(offset: number, value: number): void {
    const queue = this.selectedRegisters();
    switch (offset) {
      case Register.GuestPageSize:
        this.registers.pageShift = value === 0 ? 0 : 31 - Math.clz32(value & -value);
        break;
      case Register.QueueAlign:
        if (!queue) break;
        queue.align = value;
        this.layOutLegacyQueue();
        break;
      case Register.QueuePageNumber:
        // QEMU takes a page number of 0 as a reset of the whole device, not of the queue alone.
        if (value === 0) {
          this.resetDevice();
        } else if (queue) {
          queue.base = BigInt(value) << BigInt(this.registers.pageShift);
          this.layOutLegacyQueue();
        }
        break;
    }
  }

  private writeModernRegister(offset: number, value: number): void {
    const queue = this.selectedRegisters();
    if (!queue) return;
    switch (offset) {
      case Register.QueueReady: {
        const { descriptors, available, used } = queue;
        this.selectedQueue()?.setRings(value & 1 ? { descriptors, available, used } : undefined);
        break;
      }
      case Register.QueueDescriptorsLow:
        queue.descriptors = withHalf(queue.descriptors, 0, value);
        break;
      case Register.QueueDescriptorsHigh:
        queue.descriptors = withHalf(queue.descriptors, 1, value);
        break;
      case Register.QueueAvailableLow:
        queue.available = withHalf(queue.available, 0, value);
        break;
      case Register.QueueAvailableHigh:
        queue.available = withHalf(queue.available, 1, value);
        break;
      case Register.QueueUsedLow:
        queue.used = withHalf(queue.used, 0, value);
        break;
      case Register.QueueUsedHigh:
        queue.used = withHalf(queue.used, 1, value);
        break;
    }
  }

  private offered(): bigint {
    if (!this.model) return 0n;
    return this.legacy ? this.model.features & LOW_HALF : this.model.features | VERSION_1;
  }

  private writeDriverFeatures(value: number): void {
    const registers = this.registers;
    if (registers.driverFeaturesSelect > (this.legacy ? 0 : 1)) return;
    registers.driverFeatures = withHalf(registers.driverFeatures, registers.driverFeaturesSelect, value);
    if (this.legacy) this.negotiate();
  }

  /** Silently drops features that were not offered, as QEMU does: kernels in the field rely on it. */
  private negotiate(): void {
    this.registers.negotiated = this.registers.driverFeatures & this.offered();
  }

  private writeQueueNumber(entries: number): void {
    const queue = this.selectedQueue();
    if (!queue || entries === 0 || entries > queue.maximum) return;
    queue.entries = entries;
    if (this.legacy) this.layOutLegacyQueue();
  }

  private writeStatus(value: number): void {
    const registers = this.registers;
    if (value === 0) {
      this.resetDevice();
      return;
    }
    if (!this.legacy && value & FEATURES_OK && !(registers.status & FEATURES_OK)) this.negotiate();
    registers.status = value | (registers.status & NEEDS_RESET);
  }

  /** Section 2.7.2: descriptors, then the available ring, then the used ring at the next multiple of `align`. */
  private layOutLegacyQueue(): void {
    const registers = this.selectedRegisters();
    const queue = this.selectedQueue();
    if (!registers || !queue || registers.base === 0n) return;
    const available = registers.base + 16n * BigInt(queue.entries);
    const end = available + 2n * BigInt(3 + queue.entries);
    const align = BigInt(Math.max(1, registers.align));
    queue.setRings({ descriptors: registers.base, available, used: ((end + align - 1n) / align) * align });
  }

  private selectedQueue(): Virtqueue | undefined {
    return this.queues[this.registers.queueSelect];
  }

  private selectedRegisters(): QueueRegisters | undefined {
    return this.queueRegisters[this.registers.queueSelect];
  }

  /** The driver's reset: it writes 0 to Status. Keeps the page size and the feature selectors. */
  private resetDevice(): void {
    const { deviceFeaturesSelect, driverFeaturesSelect, pageShift } = this.registers;
    this.registers = { ...AT_RESET, deviceFeaturesSelect, driverFeaturesSelect, pageShift };
    for (const queue of this.queues) queue.reset();
    this.queueRegisters = this.queues.map(() => ({ ...UNSET_QUEUE }));
    this.stopped = undefined;
    this.model?.reset();
    this.drive();
  }

  /** Lets the model work. If the guest broke the rules, stops the device and reports that as its version defines. */
  private guard(work: (model: VirtioModel) => void): void {
    if (!this.model || this.stopped !== undefined) return;
    try {
      work(this.model);
    } catch (error) {
      if (!(error instanceof VirtqueueError)) throw error;
      this.stopped = error.message;
      this.model.reset();
      if (!this.legacy) {
        this.registers.status |= NEEDS_RESET;
        this.configurationChanged();
      }
      this.report?.(`${this.name} (${this.model.name})`, error.message);
    }
  }

  private raise(reason: number): void {
    this.registers.interruptStatus |= reason;
    this.drive();
  }

  private drive(): void {
    if (this.model) this.board.setInterrupt(Source.virtio + this.slot, this.registers.interruptStatus !== 0);
  }
}
