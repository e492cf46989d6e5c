/**
 * The virtio block device (virtio 1.2, section 5.2): read, write, flush, identify. Requests are carried out in the order
 * they came, each a fixed time after its notification, so that a run can be repeated whatever the host's disk does.
 */
import type { State } from '../types';
import { SavedState } from '../history/saved-state';
import { type Disk, SECTOR_SIZE } from './disk';
import type { VirtioModel, VirtioPort } from './virtio-model';
import { DescriptorChain, type Virtqueue, VirtqueueError } from './virtqueue';

/** Ticks from notification to completion: 10 microseconds. */
export const BLOCK_LATENCY = 100;

const QUEUE_ENTRIES = 256;
const HEADER_SIZE = 16;
const IDENTITY_SIZE = 20;
const CONFIGURATION_SIZE = 60;
/** Bytes moved between disk and memory in one piece. */
const PIECE = 64 * 1024;
/**
 * What a driver asks for at a time may be gigabytes. The device does so much of it in one go, then nothing for so many ticks
 * (0.1 milliseconds), in which the host has its turn. Work is bytes, and so many for looking at a descriptor.
 */
const WORK_AT_ONCE = PIECE;
const REST = 1000;
const DESCRIPTOR_WORK = 64;
/** Descriptors of the requests that are held at a time; the others stay in the queue until some of these are done. */
const MOST_DESCRIPTORS = 2048;

const SEG_MAX = 1n << 2n;
const READ_ONLY = 1n << 5n;
const BLK_SIZE = 1n << 6n;
const FLUSH = 1n << 9n;

const enum Request {
  Read = 0,
  Write = 1,
  Flush = 4,
  Identify = 8,
}

const enum Status {
  Ok = 0,
  Error = 1,
  Unsupported = 2,
}

interface Pending {
  due: number;
  chain: DescriptorChain;
  /** Bytes moved so far. */
  done: number;
}

export class VirtioBlock implements VirtioModel {
  readonly name = 'disk';
  readonly deviceId = 2;
  readonly features: bigint;
  readonly queues = [QUEUE_ENTRIES];

  private port!: VirtioPort;
  private pending: Pending[] = [];
  private descriptorCount = 0;
  private readonly configuration = new DataView(new ArrayBuffer(CONFIGURATION_SIZE));

  /** `identity`: up to 20 ASCII characters that the driver can ask for. */
  constructor(
    private readonly disk: Disk,
    private readonly identity = 'disk0',
  ) {
    this.features = SEG_MAX | BLK_SIZE | FLUSH | (disk.readOnly ? READ_ONLY : 0n);
    this.configuration.setBigUint64(0, BigInt(disk.sectors), true);
    this.configuration.setUint32(12, QUEUE_ENTRIES - 2, true);
    this.configuration.setUint32(20, SECTOR_SIZE, true);
  }

  attach(port: VirtioPort): void {
    this.port = port;
  }

  configRead(offset: number, size: number): bigint | undefined {
    if (offset + size > CONFIGURATION_SIZE) return undefined;
    let value = 0n;
    for (let index = size - 1; index >= 0; index--)
      value = (value << 8n) | BigInt(this.configuration.getUint8(offset + index));
    return value;
  }

  configWrite(): void {
    // No field can be written without the features that are not offered.
  }

  queueNotify(index: number): void {
    this.fetch(this.port.queue(index));
  }

  /** Takes requests from the queue. */
  private fetch(queue: Virtqueue): void {
    const due = this.port.now() + BLOCK_LATENCY;
    while (this.descriptorCount < MOST_DESCRIPTORS) {
      const chain = queue.pop();
      if (chain === undefined) return;
      if (chain.readableLength < HEADER_SIZE)
        throw new VirtqueueError(`block request: its header has ${chain.readableLength} bytes, not ${HEADER_SIZE}`);
      if (chain.writableLength < 1) throw new VirtqueueError('block request: no byte to put its status in');
      this.pending.push({ due, chain, done: 0 });
      this.descriptorCount += chain.descriptorCount;
    }
  }

  reset(): void {
    this.pending = [];
    this.descriptorCount = 0;
  }

  save(): State {
    const pending = this.pending.map(({ due, chain, done }) => ({ due, chain: chain.save(), done }));
    return { pending, disk: this.disk.save() };
  }

  restore(state: State): void {
    const saved = new SavedState(this.name, state);
    this.disk.restore(saved.raw('disk'));
    this.pending = saved.records('pending').map((entry) => ({
      due: entry.count('due'),
      chain: DescriptorChain.restore(this.port.memory, entry.record('chain')),
      done: entry.count('done'),
    }));
    this.descriptorCount = this.pending.reduce((sum, { chain }) => sum + chain.descriptorCount, 0);
  }

  nextEvent(): number {
    return this.pending[0]?.due ?? Infinity;
  }

  advance(now: number): void {
    let work = 0;
    for (let first = this.pending[0]; first !== undefined && first.due <= now; first = this.pending[0]) {
      if (work >= WORK_AT_ONCE) {
        first.due = now + REST;
        return;
      }
      const before = first.done;
      const status = this.execute(first);
      work += first.done - before + first.chain.descriptorCount * DESCRIPTOR_WORK;
      if (status !== undefined) this.complete(status);
    }
  }

  /** Gives the first request back. */
  private complete(status: Status): void {
    const { chain } = this.pending.shift()!;
    chain.write(chain.writableLength - 1, Uint8Array.of(status));
    const queue = this.port.queue(0);
    const isFull = this.descriptorCount >= MOST_DESCRIPTORS;
    this.descriptorCount -= chain.descriptorCount;
    if (queue.push(chain, chain.writableLength)) this.port.usedBuffers();
    if (isFull) this.fetch(queue);
  }

  /** Carries a request out, or the next piece of it: then its status is not known yet. */
  private execute(request: Pending): Status | undefined {
    const { chain } = request;
    const header = new DataView(chain.read(0, HEADER_SIZE).buffer);
    const type = header.getUint32(0, true);
    const sector = header.getBigUint64(8, true);
    switch (type) {
      case Request.Read:
        return this.transfer(request, sector, chain.writableLength - 1, (at, first, length) => {
          const bytes = new Uint8Array(length);
          this.disk.read(first, bytes);
          chain.write(at, bytes);
        });
      case Request.Write:
        if (this.disk.readOnly) return Status.Error;
        return this.transfer(request, sector, chain.readableLength - HEADER_SIZE, (at, first, length) => {
          this.disk.write(first, chain.read(HEADER_SIZE + at, length));
        });
      case Request.Flush:
        return attempt(() => this.disk.flush());
      case Request.Identify:
        return this.identify(chain);
      default:
        return Status.Unsupported;
    }
  }

  /** Moves the next piece of `length` bytes from `sector` on, if they are whole sectors of the disk. */
  private transfer(
    request: Pending,
    sector: bigint,
    length: number,
    move: (at: number, first: number, length: number) => void,
  ): Status | undefined {
    const sectors = BigInt(this.disk.sectors);
    if (length % SECTOR_SIZE !== 0 || sector + BigInt(length / SECTOR_SIZE) > sectors) return Status.Error;
    const { done } = request;
    const count = Math.min(PIECE, length - done);
    const status = attempt(() => move(done, Number(sector) + done / SECTOR_SIZE, count));
    request.done += count;
    return status === Status.Ok && request.done < length ? undefined : status;
  }

  /** The text, and one NUL after it if there is room. */
  private identify(chain: DescriptorChain): Status {
    const text = Uint8Array.from([...this.identity, '\0'], (character) => character.charCodeAt(0));
    chain.write(0, text.subarray(0, Math.min(IDENTITY_SIZE, chain.writableLength - 1)));
    return Status.Ok;
  }
}

/** Whatever the disk throws is an error of the disk; what the guest did wrong passes through. */
function attempt(work: () => void): Status {
  try {
    work();
    return Status.Ok;
  } catch (error) {
    if (error instanceof VirtqueueError) throw error;
    return Status.Error;
  }
}
