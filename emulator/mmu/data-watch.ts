/**
 * Watched bytes of physical memory. A page that holds some is kept out of the fast TLB (PageFlag.watchedStores and
 * watchedLoads), so every access to it comes by the slow path, and whoever makes one there says so here: before a store,
 * or at a load. What was touched is handed over at the end of the instruction, when the new bytes are in place.
 *
 * Addresses are physical, so it does not matter by which mapping the bytes are reached. Instruction fetches and the reads
 * of a page-table walk are no reads of data; the walk's writing of A and D is a write, and named as such.
 */
import { PAGE } from '../layout';
import type { DataEvent, Watch } from '../types';
import { type GuestMemory, PageFlag } from './guest-memory';
import type { AccessingHart } from './translating-hart';

/** A watch as it was added, and whose it is. */
export interface OwnedWatch extends Watch {
  readonly owner: object;
}

/** Bytes of one watch in one page, by their host address. */
interface Part {
  watch: OwnedWatch;
  start: number;
  end: number;
  loads: boolean;
  stores: boolean;
}

/** A touch of watched bytes. What nobody wants to hear of is told apart here, in numbers: some searches see millions. */
export class Touch {
  /** As they were: the halves of an aligned word of 8 bytes, or else the bytes. */
  readonly low: number = 0;
  readonly high: number = 0;
  readonly bytes: Uint8Array | undefined;
  readonly hart: number | undefined;
  readonly pc: bigint | undefined;

  constructor(
    private readonly memory: GuestMemory,
    readonly watch: OwnedWatch,
    readonly access: DataEvent['access'],
    /** Host address. */
    readonly start: number,
    readonly length: number,
    hart: AccessingHart | undefined,
    private readonly by: DataEvent['by'],
    private readonly va: bigint | undefined,
    private readonly device: string,
  ) {
    this.hart = hart?.id;
    this.pc = hart?.pc;
    if (this.isWord) {
      this.low = memory.i32[start >> 2]!;
      this.high = memory.i32[(start >> 2) + 1]!;
    } else {
      this.bytes = memory.u8.slice(start, start + length);
    }
  }

  get isWord(): boolean {
    return this.length === 8 && (this.start & 7) === 0;
  }

  /** What is told of it, with the bytes as they are now; `watch`: as the subscriber knows it. */
  event(watch: Watch = this.watch): DataEvent {
    const { memory, access, by, start, length, va } = this;
    const before = this.bytes ?? new Uint8Array(Int32Array.of(this.low, this.high).buffer);
    const after = access === 'write' ? memory.u8.slice(start, start + length) : before;
    const event: DataEvent = { watch, access, by, address: BigInt(memory.physicalOf(start)), before, after };
    if (this.hart !== undefined) event.hart = this.hart;
    if (this.pc !== undefined) event.pc = this.pc;
    if (by === 'device') event.device = this.device;
    if (va !== undefined) event.va = va;
    return event;
  }
}

export class DataWatches {
  /** The device that is reading or writing memory, by its name. */
  device: string | undefined;
  private touches: Touch[] = [];
  private readonly all = new Map<OwnedWatch, Part[]>();
  private readonly byPage = new Map<number, Part[]>();

  constructor(private readonly memory: GuestMemory) {}

  /** Nothing is watched. */
  get none(): boolean {
    return this.all.size === 0;
  }

  /** Something was touched since `take`. */
  get pending(): boolean {
    return this.touches.length > 0;
  }

  /** Throws RangeError if not all of its bytes are memory. Whoever calls flushes the harts' TLBs. */
  add(watch: OwnedWatch): void {
    if (this.all.has(watch)) return;
    const parts = this.partsOf(watch);
    this.all.set(watch, parts);
    for (const part of parts) {
      const page = this.memory.pageOf(part.start);
      this.byPage.set(page, [...(this.byPage.get(page) ?? []), part]);
      this.flag(page);
    }
  }

  remove(watch: OwnedWatch): void {
    for (const part of this.all.get(watch) ?? []) {
      const page = this.memory.pageOf(part.start);
      const rest = this.byPage.get(page)!.filter((other) => other !== part);
      if (rest.length > 0) this.byPage.set(page, rest);
      else this.byPage.delete(page);
      this.flag(page);
    }
    this.all.delete(watch);
    if (this.pending) this.touches = this.touches.filter((touch) => touch.watch !== watch);
  }

  /** Memory holds something else now, and flags of pages may be gone. */
  reset(): void {
    this.touches = [];
    for (const page of this.byPage.keys()) {
      this.memory.make(page);
      this.flag(page);
    }
  }

  /**
   * To be called before `length` bytes at `host`, within one page, are changed: by a hart's instruction, by the walk that
   * it needs, or, without a hart, by a device. `va` is the virtual address that the instruction used.
   */
  beforeStore(host: number, length: number, hart: AccessingHart | undefined, by: DataEvent['by'], va?: bigint): void {
    if ((this.memory.flags[this.memory.pageOf(host)]! & PageFlag.watchedStores) !== 0)
      this.note(host, length, hart, by, va, 'write', ({ stores }) => stores);
  }

  /** As `beforeStore`, when they are read. */
  loaded(host: number, length: number, hart: AccessingHart | undefined, by: DataEvent['by'], va?: bigint): void {
    if ((this.memory.flags[this.memory.pageOf(host)]! & PageFlag.watchedLoads) !== 0)
      this.note(host, length, hart, by, va, 'read', ({ loads }) => loads);
  }

  /** Before an instruction reads and writes an aligned word: one event for each watch. */
  beforeUpdate(host: number, length: number, hart: AccessingHart, va: bigint): void {
    this.beforeStore(host, length, hart, 'instruction', va);
    if ((this.memory.flags[this.memory.pageOf(host)]! & PageFlag.watchedLoads) !== 0)
      this.note(host, length, hart, 'instruction', va, 'read', ({ loads, stores }) => loads && !stores);
  }

  /** What was touched since it was taken last. */
  take(): Touch[] {
    const { touches } = this;
    this.touches = [];
    return touches;
  }

  private note(
    host: number,
    length: number,
    hart: AccessingHart | undefined,
    by: DataEvent['by'],
    va: bigint | undefined,
    access: 'read' | 'write',
    concerns: (part: Part) => boolean,
  ): void {
    for (const part of this.byPage.get(this.memory.pageOf(host)) ?? []) {
      const start = Math.max(host, part.start);
      const end = Math.min(host + length, part.end);
      if (start >= end || !concerns(part)) continue;
      const at = va === undefined || start === host ? va : BigInt.asUintN(64, va + BigInt(start - host));
      const device = this.device ?? 'a device';
      this.touches.push(new Touch(this.memory, part.watch, access, start, end - start, hart, by, at, device));
    }
  }

  private partsOf(watch: OwnedWatch): Part[] {
    const { address, length, access } = watch;
    const first = address < 0n || address > BigInt(Number.MAX_SAFE_INTEGER) ? 0 : this.memory.hostOf(Number(address));
    if (length < 1 || first === 0 || !this.memory.has(address, length))
      throw new RangeError(`There is no memory at physical 0x${address.toString(16)}, ${length} bytes`);
    const parts: Part[] = [];
    const loads = access !== 'write';
    const stores = access !== 'read';
    for (let start = first; start < first + length;) {
      const end = Math.min(first + length, start - (start % PAGE) + PAGE);
      parts.push({ watch, start, end, loads, stores });
      start = end;
    }
    return parts;
  }

  /** Sets the flags of a page by the parts in it. */
  private flag(page: number): void {
    const { flags } = this.memory;
    flags[page]! &= ~(PageFlag.watchedStores | PageFlag.watchedLoads);
    for (const { loads, stores } of this.byPage.get(page) ?? [])
      flags[page]! |= (loads ? PageFlag.watchedLoads : 0) | (stores ? PageFlag.watchedStores : 0);
  }
}
