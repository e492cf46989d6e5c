/** A board for tests of single devices: memory, a clock that the spec sets, and a record of every line driven. */
import type { Board, HartLine } from '../device';
import type { BlockImage, WritableMemory } from '../types';
import { MemoryMap } from '../devices/memory-map';

export class FakeMemory implements WritableMemory {
  readonly dramBase = BigInt(MemoryMap.dram.base);
  readonly dramSize: bigint;
  readonly bytes: Uint8Array;

  constructor(size = 0x10000) {
    this.dramSize = BigInt(size);
    this.bytes = new Uint8Array(size);
  }

  read(address: bigint, length: number): Uint8Array | undefined {
    return this.holds(address, length)
      ? this.bytes.slice(this.index(address), this.index(address) + length)
      : undefined;
  }

  readInto(address: bigint, bytes: Uint8Array): boolean {
    const found = this.read(address, bytes.length);
    if (found) bytes.set(found);
    return found !== undefined;
  }

  write(address: bigint, bytes: Uint8Array): boolean {
    if (!this.holds(address, bytes.length)) return false;
    this.bytes.set(bytes, this.index(address));
    return true;
  }

  readU64(address: bigint): bigint | undefined {
    const bytes = this.read(address, 8);
    return bytes && new DataView(bytes.buffer).getBigUint64(0, true);
  }

  private holds(address: bigint, length: number): boolean {
    return address >= this.dramBase && address + BigInt(length) <= this.dramBase + this.dramSize;
  }

  private index(address: bigint): number {
    return Number(address - this.dramBase);
  }
}

export class FakeBoard implements Board {
  readonly memory: FakeMemory;
  time = 0;
  /** Last level of each PLIC source, and every call as `source:level`. */
  readonly interrupts = new Map<number, boolean>();
  readonly drives: string[] = [];
  /** Last level of each hart line, by `hart.line`. */
  readonly lines = new Map<string, boolean>();

  constructor(
    readonly harts = 1,
    memorySize?: number,
  ) {
    this.memory = new FakeMemory(memorySize);
  }

  now(): number {
    return this.time;
  }

  setInterrupt(source: number, level: boolean): void {
    this.interrupts.set(source, level);
    this.drives.push(`${source}:${level ? 1 : 0}`);
  }

  setHartLine(hart: number, line: HartLine, level: boolean): void {
    this.lines.set(`${hart}.${line}`, level);
  }

  line(hart: number, line: HartLine): boolean {
    return this.lines.get(`${hart}.${line}`) ?? false;
  }
}

/** The image of a disk whose sectors all hold their own number until others are written; `failing` makes every access throw. */
export class FakeDisk implements BlockImage {
  readonly content: Uint8Array;
  flushes = 0;
  /** Sectors read and written. */
  moved = 0;
  failing = false;

  constructor(
    readonly sectors: number,
    readonly readOnly = false,
  ) {
    this.content = new Uint8Array(512 * sectors);
    for (let sector = 0; sector < sectors; sector++) this.content.fill(sector & 0xff, 512 * sector, 512 * (sector + 1));
  }

  read(sector: number, into: Uint8Array): void {
    this.fail();
    this.moved += into.length / 512;
    into.set(this.content.subarray(512 * sector, 512 * sector + into.length));
  }

  written(sector: number, from: Uint8Array): void {
    this.fail();
    this.moved += from.length / 512;
    this.content.set(from, 512 * sector);
  }

  flush(): void {
    this.fail();
    this.flushes++;
  }

  private fail(): void {
    if (this.failing) throw new Error('the medium is scratched');
  }
}
