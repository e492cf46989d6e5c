/**
 * The machine's linear memory: the guest's ROM and DRAM with their physical addresses, and for every page what the
 * machine's caches hold of it. Whoever writes guest memory outside the fast path asks `stored` first.
 */
import { DRAM, DRAM_BASE, PAGE, ROM, ROM_BASE, ROM_SIZE } from '../cpu/layout';
import type { PhysicalMemory } from '../types';
import type { EncodedPages } from '../history/page-codec';
import { DataWatches } from './data-watch';

/** Why a page may not be written by the fast path; bits of `GuestMemory.flags`. */
export const enum PageFlag {
  /** Predecoded records exist for it. */
  code = 1,
  /** A page-table walk has read it, and a TLB may hold what it said. */
  table = 2,
  /** Bytes in it are watched, see mmu/data-watch.ts: for stores; for loads, which take the slow path, too, then. */
  watchedStores = 4,
  watchedLoads = 8,
}

export class GuestMemory implements PhysicalMemory {
  readonly memory: WebAssembly.Memory;
  readonly u8: Uint8Array;
  readonly i32: Int32Array;
  readonly u64: BigUint64Array;
  readonly view: DataView;
  /** PageFlags by guest page: pages of the ROM's 64 KiB first, then those of DRAM. */
  readonly flags: Uint8Array;
  readonly watches = new DataWatches(this);
  readonly dramBase = BigInt(DRAM_BASE);
  readonly dramSize: bigint;
  private readonly dramBytes: number;
  /** What DRAM was restored from and has not been made yet, and which pages have been. */
  private absent: EncodedPages | undefined;
  private brought = new Uint8Array(0);
  /** Called before a store to a flagged page: host address and bytes, within one page. */
  beforeStore: (host: number, length: number) => void = () => undefined;

  /** `dramBytes` is a multiple of the page size; with the machine's own state all must fit in 4 GiB. */
  constructor(dramBytes: number) {
    this.dramBytes = dramBytes;
    this.dramSize = BigInt(dramBytes);
    const pages = Math.ceil((DRAM + dramBytes) / 65536);
    this.memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    const buffer = this.memory.buffer;
    this.u8 = new Uint8Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.u64 = new BigUint64Array(buffer);
    this.view = new DataView(buffer);
    this.flags = new Uint8Array(this.guestPages);
  }

  /** Pages that `flags` and the code cache count: ROM, then DRAM. */
  get guestPages(): number {
    return (DRAM - ROM + this.dramBytes) / PAGE;
  }

  /** Host address of a physical address, 0 if there is no memory. */
  hostOf(physical: number): number {
    const inDram = physical - DRAM_BASE;
    if (inDram >= 0 && inDram < this.dramBytes) {
      if (this.absent !== undefined) this.bring(DRAM + inDram);
      return DRAM + inDram;
    }
    const inRom = physical - ROM_BASE;
    return inRom >= 0 && inRom < ROM_SIZE ? ROM + inRom : 0;
  }

  physicalOf(host: number): number {
    return host >= DRAM ? host - DRAM + DRAM_BASE : host - ROM + ROM_BASE;
  }

  isRom(host: number): boolean {
    return host < DRAM;
  }

  pageOf(host: number): number {
    return (host - ROM) >>> 12;
  }

  hostOfPage(page: number): number {
    return ROM + page * PAGE;
  }

  /** Whether any bytes of the page at `host` are watched. */
  isWatched(host: number): boolean {
    return (this.flags[(host - ROM) >>> 12] & (PageFlag.watchedStores | PageFlag.watchedLoads)) !== 0;
  }

  /** To be called before `length` bytes at `host`, within one page, are changed. */
  stored(host: number, length: number): void {
    if (this.flags[(host - ROM) >>> 12] !== 0) this.beforeStore(host, length);
  }

  read(address: bigint, length: number): Uint8Array | undefined {
    const host = this.range(address, length);
    return host === 0 ? undefined : this.u8.slice(host, host + length);
  }

  write(address: bigint, bytes: Uint8Array): boolean {
    const host = this.range(address, bytes.length);
    if (host === 0) return false;
    for (let at = 0; at < bytes.length;) {
      const length = Math.min(bytes.length - at, PAGE - ((host + at) % PAGE));
      this.stored(host + at, length);
      at += length;
    }
    this.u8.set(bytes, host);
    return true;
  }

  readU64(address: bigint): bigint | undefined {
    const host = this.range(address, 8);
    return host === 0 || host % 8 !== 0 ? undefined : this.u64[host / 8];
  }

  /** Host address of a range that lies wholly in ROM or in DRAM, else 0. */
  private range(address: bigint, length: number): number {
    if (address < 0n || address > BigInt(Number.MAX_SAFE_INTEGER)) return 0;
    const first = this.hostOf(Number(address));
    if (first === 0 || length < 0) return 0;
    const end = this.isRom(first) ? ROM + ROM_SIZE : DRAM + this.dramBytes;
    if (first + length > end) return 0;
    if (this.absent !== undefined) for (let at = first; at < first + length; at += PAGE) this.bring(at);
    if (this.absent !== undefined && length > 0) this.bring(first + length - 1);
    return first;
  }

  /**
   * From now on all of DRAM is what `pages` says. Each page is made when it is first asked for, so that a restored machine
   * touches only what it uses.
   */
  restoreFrom(pages: EncodedPages): void {
    this.absent = pages;
    this.brought = new Uint8Array(this.dramBytes / PAGE);
  }

  /** Makes everything zero. */
  clear(): void {
    this.absent = undefined;
    this.u8.fill(0, ROM);
  }

  /** DRAM by words, all of it there. */
  allWords(): Int32Array {
    if (this.absent !== undefined) for (let at = DRAM; at < DRAM + this.dramBytes; at += PAGE) this.bring(at);
    this.absent = undefined;
    return this.i32.subarray(DRAM / 4);
  }

  /** Makes the page at a host address, if it has not been made yet. */
  private bring(host: number): void {
    const page = (host - DRAM) >>> 12;
    if (host < DRAM || this.brought[page] !== 0) return;
    this.brought[page] = 1;
    const first = (DRAM + page * PAGE) / 4;
    this.absent!.decode(page, this.i32.subarray(first, first + PAGE / 4));
  }
}
