/**
 * The split virtqueue (virtio 1.2, section 2.7) from the device's side. The guest wrote everything in it: an impossible
 * index, chain or address throws `VirtqueueError`, on which the transport stops the device. Indirect descriptors and event
 * indexes are neither offered nor supported.
 */
import type { WritableMemory, State } from '../types';
import type { SavedState } from '../history/saved-state';

/** The guest broke the rules; the message says how. */
export class VirtqueueError extends Error {}

const NEXT = 1;
const WRITE = 2;
const INDIRECT = 4;
const NO_INTERRUPT = 1;

/** A piece of DRAM. */
export interface DmaBuffer {
  address: bigint;
  /** Bytes. */
  length: number;
}

/** Guest-physical addresses of the three parts of a queue. */
export interface Rings {
  descriptors: bigint;
  available: bigint;
  used: bigint;
}

/** One request: its buffers, all inside DRAM; those that the device reads come before those that it writes. */
export class DescriptorChain {
  readonly readableLength: number;
  readonly writableLength: number;
  readonly descriptorCount: number;

  constructor(
    private readonly memory: WritableMemory,
    readonly head: number,
    private readonly readable: readonly DmaBuffer[],
    private readonly writable: readonly DmaBuffer[],
  ) {
    this.readableLength = totalLength(readable);
    this.writableLength = totalLength(writable);
    this.descriptorCount = readable.length + writable.length;
  }

  /** `length` bytes of the readable part from `offset` on. */
  read(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    const done = forEachPiece(this.readable, offset, length, (address, at, count) => {
      bytes.set(this.memory.read(address, count) ?? unreachable(address), at);
    });
    if (done < length)
      throw new VirtqueueError(`request has ${this.readableLength} bytes to read, needs ${offset + length}`);
    return bytes;
  }

  /** Puts bytes into the writable part from `offset` on. */
  write(offset: number, bytes: Uint8Array): void {
    const done = forEachPiece(this.writable, offset, bytes.length, (address, at, count) => {
      if (!this.memory.write(address, bytes.subarray(at, at + count))) unreachable(address);
    });
    if (done < bytes.length)
      throw new VirtqueueError(`request has ${this.writableLength} bytes to write, needs ${offset + bytes.length}`);
  }

  save(): State {
    const segments = (list: readonly DmaBuffer[]): State => list.map(({ address, length }) => ({ address, length }));
    return { head: this.head, readable: segments(this.readable), writable: segments(this.writable) };
  }

  static restore(memory: WritableMemory, saved: SavedState): DescriptorChain {
    const segments = (field: string): DmaBuffer[] =>
      saved.records(field).map((entry) => {
        const buffer = { address: entry.bigint('address'), length: entry.count('length') };
        if (!liesIn(memory, buffer)) throw new Error('saved state of a request: its buffer is not all in memory');
        return buffer;
      });
    const chain = new DescriptorChain(memory, saved.count('head'), segments('readable'), segments('writable'));
    if (chain.writableLength < 1) throw new Error('saved state of a request: there is no place for its status');
    return chain;
  }
}

export class Virtqueue {
  /** Entries; 0 to `maximum`. */
  entries: number;
  private rings: Rings | undefined;
  private lastAvailable = 0;
  private usedIndex = 0;
  /** Chains popped and not pushed back yet. */
  private inFlight = 0;

  /** The queue has `defaultEntries` entries until the driver chooses another number. */
  constructor(
    private readonly memory: WritableMemory,
    private readonly defaultEntries: number,
    readonly maximum: number,
  ) {
    this.entries = defaultEntries;
  }

  get ready(): boolean {
    return this.rings !== undefined;
  }

  /** Sets where the parts lie; undefined: the device does not use the queue. */
  setRings(rings: Rings | undefined): void {
    this.rings = rings;
  }

  /** The next request, undefined if there is none. */
  pop(): DescriptorChain | undefined {
    if (!this.rings) return undefined;
    const { descriptors, available } = this.rings;
    const index = this.u16(available + 2n);
    const waiting = (index - this.lastAvailable) & 0xffff;
    if (waiting === 0) return undefined;
    if (waiting > this.entries) {
      throw new VirtqueueError(
        `available index went from ${this.lastAvailable} to ${index}, the queue has ${this.entries} entries`,
      );
    }
    if (this.inFlight >= this.entries)
      throw new VirtqueueError(`more requests in flight than the queue's ${this.entries} entries`);
    const head = this.u16(available + 4n + 2n * BigInt(this.lastAvailable % this.entries));
    const chain = this.walk(descriptors, head);
    this.lastAvailable = (this.lastAvailable + 1) & 0xffff;
    this.inFlight++;
    return chain;
  }

  /** Gives a request back with `written` bytes written. Returns true if the driver wants an interrupt for it. */
  push(chain: DescriptorChain, written: number): boolean {
    if (!this.rings) return false;
    const { available, used } = this.rings;
    const element = new DataView(new ArrayBuffer(8));
    element.setUint32(0, chain.head, true);
    element.setUint32(4, written, true);
    this.store(used + 4n + 8n * BigInt(this.usedIndex % this.entries), new Uint8Array(element.buffer));
    this.usedIndex = (this.usedIndex + 1) & 0xffff;
    this.store(used + 2n, Uint8Array.of(this.usedIndex & 0xff, this.usedIndex >> 8));
    this.inFlight--;
    return (this.u16(available) & NO_INTERRUPT) === 0;
  }

  reset(): void {
    this.entries = this.defaultEntries;
    this.rings = undefined;
    this.lastAvailable = 0;
    this.usedIndex = 0;
    this.inFlight = 0;
  }

  save(): State {
    const { entries, rings, lastAvailable, usedIndex, inFlight } = this;
    return { entries, rings: rings ? { ...rings } : null, lastAvailable, usedIndex, inFlight };
  }

  restore(saved: SavedState): void {
    this.entries = saved.count('entries');
    if (this.entries === 0 || this.entries > this.maximum)
      throw new Error(`saved state of a queue: it cannot have ${this.entries} entries`);
    this.rings = saved.raw('rings') === null ? undefined : restoreRings(saved.record('rings'));
    this.lastAvailable = saved.count('lastAvailable') & 0xffff;
    this.usedIndex = saved.count('usedIndex') & 0xffff;
    this.inFlight = saved.count('inFlight');
  }

  private walk(table: bigint, head: number): DescriptorChain {
    const readable: DmaBuffer[] = [];
    const writable: DmaBuffer[] = [];
    let index = head;
    for (let links = 0; ; links++) {
      if (index >= this.entries)
        throw new VirtqueueError(`descriptor ${index} does not exist, the queue has ${this.entries} entries`);
      if (links >= this.entries) throw new VirtqueueError(`the chain from descriptor ${head} is a loop`);
      const bytes = this.load(table + 16n * BigInt(index), 16);
      const view = new DataView(bytes.buffer, bytes.byteOffset, 16);
      const segment = { address: view.getBigUint64(0, true), length: view.getUint32(8, true) };
      const flags = view.getUint16(12, true);
      if (flags & INDIRECT) throw new VirtqueueError(`descriptor ${index} is indirect, which was not offered`);
      this.check(index, segment);
      if (flags & WRITE) writable.push(segment);
      else if (writable.length > 0)
        throw new VirtqueueError(`descriptor ${index} is for reading, after one for writing in the chain from ${head}`);
      else readable.push(segment);
      if ((flags & NEXT) === 0) return new DescriptorChain(this.memory, head, readable, writable);
      index = view.getUint16(14, true);
    }
  }

  private check(index: number, { address, length }: DmaBuffer): void {
    if (length === 0) throw new VirtqueueError(`descriptor ${index} has length 0`);
    if (!liesIn(this.memory, { address, length })) {
      throw new VirtqueueError(
        `descriptor ${index}: ${length} bytes at 0x${address.toString(16)} are not all in memory`,
      );
    }
  }

  private u16(address: bigint): number {
    const bytes = this.load(address, 2);
    return bytes[0]! | (bytes[1]! << 8);
  }

  private load(address: bigint, length: number): Uint8Array {
    return this.memory.read(address, length) ?? unreachable(address);
  }

  private store(address: bigint, bytes: Uint8Array): void {
    if (!this.memory.write(address, bytes)) unreachable(address);
  }
}

export function restoreRings(saved: SavedState): Rings {
  return { descriptors: saved.bigint('descriptors'), available: saved.bigint('available'), used: saved.bigint('used') };
}

function liesIn({ dramBase, dramSize }: WritableMemory, { address, length }: DmaBuffer): boolean {
  return address >= dramBase && address + BigInt(length) <= dramBase + dramSize;
}

function unreachable(address: bigint): never {
  throw new VirtqueueError(`the queue reaches to 0x${address.toString(16)}, where there is no memory`);
}

function totalLength(segments: readonly DmaBuffer[]): number {
  return segments.reduce((sum, { length }) => sum + length, 0);
}

/** Calls `visit` for each run of contiguous memory in `length` bytes from `offset`. Returns how many bytes there were. */
function forEachPiece(
  segments: readonly DmaBuffer[],
  offset: number,
  length: number,
  visit: (address: bigint, at: number, count: number) => void,
): number {
  let start = 0;
  let done = 0;
  for (const segment of segments) {
    const skip = Math.max(0, offset + done - start);
    const count = Math.min(segment.length - skip, length - done);
    if (count > 0) {
      visit(segment.address + BigInt(skip), done, count);
      done += count;
    }
    start += segment.length;
    if (done === length) break;
  }
  return done;
}
