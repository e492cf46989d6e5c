/**
 * The virtio block device (virtio 1.2, section 5.2): read, write, flush, identify. Requests are carried out in the order
 * they came, each a fixed time after its notification, so that a run can be repeated whatever the host's disk does.
 */
import type { State } from '../types';
import { SavedState } from '../history/saved-state';
import { type Disk, SECTOR_SIZE } from './disk';
import type { VirtioModel, VirtioPort } from './virtio-model';
import { DescriptorChain, VirtqueueError } from './virtqueue';

/** Ticks from notification to completion: 10 microseconds. */
export const BLOCK_LATENCY = 100;

const QUEUE_ENTRIES = 256;
const HEADER_SIZE = 16;
const IDENTITY_SIZE = 20;
const CONFIGURATION_SIZE = 60;
/** Bytes moved between disk and memory in one piece. */
const PIECE = 64 * 1024;

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
}

export class VirtioBlock implements VirtioModel {
  readonly name = 'disk';
  readonly deviceId = 2;
  readonly features: bigint;
  readonly queues = [QUEUE_ENTRIES];

  private port!: VirtioPort;
  private pending: Pending[] = [];
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
    const queue = this.port.queue(index);
    const due = this.port.now() + BLOCK_LATENCY;
    for (let chain = queue.pop(); chain; chain = queue.pop()) {
      if (chain.readableLength < HEADER_SIZE)
        throw new VirtqueueError(`block request: its header has ${chain.readableLength} bytes, not ${HEADER_SIZE}`);
      if (chain.writableLength < 1) throw new VirtqueueError('block request: no byte to put its status in');
      this.pending.push({ due, chain });
    }
  }

  reset(): void {
    this.pending = [];
  }

  save(): State {
    return { pending: this.pending.map(({ due, chain }) => ({ due, chain: chain.save() })), disk: this.disk.save() };
  }

  restore(state: State): void {
    const saved = new SavedState(this.name, state);
    this.disk.restore(saved.raw('disk'));
    this.pending = saved.records('pending').map((entry) => ({
      due: entry.count('due'),
      chain: DescriptorChain.restore(this.port.memory, entry.record('chain')),
    }));
  }

  nextEvent(): number {
    return this.pending[0]?.due ?? Infinity;
  }

  advance(now: number): void {
    while (this.pending.length > 0 && this.pending[0]!.due <= now) this.complete(this.pending.shift()!.chain);
  }

  private complete(chain: DescriptorChain): void {
    const status = this.execute(chain);
    chain.write(chain.writableLength - 1, Uint8Array.of(status));
    if (this.port.queue(0).push(chain, chain.writableLength)) this.port.usedBuffers();
  }

  private execute(chain: DescriptorChain): Status {
    const header = new DataView(chain.read(0, HEADER_SIZE).buffer);
    const type = header.getUint32(0, true);
    const sector = header.getBigUint64(8, true);
    switch (type) {
      case Request.Read:
        return this.transfer(sector, chain.writableLength - 1, (at, first, length) => {
          const bytes = new Uint8Array(length);
          this.disk.read(first, bytes);
          chain.write(at, bytes);
        });
      case Request.Write:
        if (this.disk.readOnly) return Status.Error;
        return this.transfer(sector, chain.readableLength - HEADER_SIZE, (at, first, length) => {
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

  /** Moves `length` bytes from `sector` on, piece by piece, if they are whole sectors of the disk. */
  private transfer(sector: bigint, length: number, move: (at: number, first: number, length: number) => void): Status {
    const sectors = BigInt(this.disk.sectors);
    if (length % SECTOR_SIZE !== 0 || sector + BigInt(length / SECTOR_SIZE) > sectors) return Status.Error;
    for (let at = 0; at < length; at += PIECE) {
      const count = Math.min(PIECE, length - at);
      const status = attempt(() => move(at, Number(sector) + at / SECTOR_SIZE, count));
      if (status !== Status.Ok) return status;
    }
    return Status.Ok;
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
