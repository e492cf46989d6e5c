/**
 * The machine's linear memory: the guest's ROM and DRAM with their physical addresses, and for every page what the
 * machine's caches hold of it. Whoever writes guest memory outside the fast path asks `stored` first.
 */
import { DRAM, DRAM_BASE, PAGE, ROM, ROM_BASE, ROM_SIZE } from '../layout';
import { type MemoryImage, memoryImage, type PageImage } from '../history/memory-image';
import type { WritableMemory } from '../types';
import { DataWatches } from './data-watch';
import { LazyPages } from './lazy-pages';
import { imageOfPage } from './page-images';

/** Why a page may not be written by the fast path; bits of `GuestMemory.flags`. */
export const enum PageFlag {
  /** Predecoded records exist for it. */
  code = 1,
  /** A page-table walk has read it, and a TLB may hold what it said. */
  table = 2,
  /** Bytes in it are watched, see mmu/data-watch.ts: for stores; for loads, which take the slow path, too, then. */
  watchedStores = 4,
  watchedLoads = 8,
  /** A checkpoint has what it holds. Until the first store, which is to be noticed. */
  unchanged = 16,
}

/** Number of the first page of DRAM among the guest's pages. */
const FIRST_DRAM_PAGE = (DRAM - ROM) / PAGE;

/** Beyond it, numbers are not exact. */
const LAST_EXACT = BigInt(Number.MAX_SAFE_INTEGER);

export class GuestMemory implements WritableMemory {
  readonly memory: WebAssembly.Memory;
  readonly u8: Uint8Array;
  readonly u16: Uint16Array;
  readonly i32: Int32Array;
  readonly u64: BigUint64Array;
  readonly view: DataView;
  /** PageFlags by guest page: pages of the ROM's 64 KiB first, then those of DRAM. */
  readonly flags: Uint8Array;
  readonly watches = new DataWatches(this);
  readonly dramBase = BigInt(DRAM_BASE);
  readonly dramSize: bigint;
  private readonly dramBytes: number;
  private readonly lazy: LazyPages;
  /** What was last saved or restored. */
  private image: MemoryImage | undefined;
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
    this.u16 = new Uint16Array(buffer);
    this.u64 = new BigUint64Array(buffer);
    this.view = new DataView(buffer);
    this.flags = new Uint8Array(this.guestPages);
    this.lazy = new LazyPages(dramBytes / PAGE);
  }

  /** Pages that `flags` and the code cache count: ROM, then DRAM. */
  get guestPages(): number {
    return (DRAM - ROM + this.dramBytes) / PAGE;
  }

  /** Host address of a physical address, 0 if there is no memory. */
  hostOf(physical: number): number {
    const inDram = physical - DRAM_BASE;
    if (inDram >= 0 && inDram < this.dramBytes) {
      this.commit(inDram >>> 12);
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
    return (this.flags[(host - ROM) >>> 12]! & (PageFlag.watchedStores | PageFlag.watchedLoads)) !== 0;
  }

  /** To be called before `length` bytes at `host`, within one page, are changed. */
  stored(host: number, length: number): void {
    if (this.flags[(host - ROM) >>> 12] === 0) return;
    this.changes(host);
    this.beforeStore(host, length);
  }

  /** A page is about to be changed: the next checkpoint has to save it. */
  changes(host: number): void {
    const page = this.pageOf(host);
    if ((this.flags[page]! & PageFlag.unchanged) === 0) return;
    this.flags[page]! &= ~PageFlag.unchanged;
    this.lazy.changed(page - FIRST_DRAM_PAGE);
  }

  /** Whether so many bytes are memory; they are in the host's memory then. */
  has(address: bigint, length: number): boolean {
    return this.range(address, length) !== 0;
  }

  read(address: bigint, length: number): Uint8Array | undefined {
    const host = this.range(address, length);
    return host === 0 ? undefined : this.u8.slice(host, host + length);
  }

  readInto(address: bigint, bytes: Uint8Array): boolean {
    // A debugger looks at free pages, and follows their lists, through all of memory.
    const page = this.uncommittedPage(Number(address));
    const offset = Number(address) % PAGE;
    if (page >= 0 && offset + bytes.length <= PAGE) {
      this.lazy.copy(page, offset, bytes);
      return true;
    }
    const host = this.range(address, bytes.length);
    if (host !== 0) bytes.set(this.u8.subarray(host, host + bytes.length));
    return host !== 0;
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
    const page = this.uncommittedPage(Number(address));
    if (page >= 0 && address % 8n === 0n) return this.lazy.word(page, Number(address) % PAGE);
    const host = this.range(address, 8);
    return host === 0 || host % 8 !== 0 ? undefined : this.u64[host / 8];
  }

  /** Host address of a range that lies wholly in ROM or in DRAM, else 0. */
  private range(address: bigint, length: number): number {
    if (address < 0n || address > LAST_EXACT) return 0;
    const first = this.hostOf(Number(address));
    if (first === 0 || length < 0) return 0;
    const end = this.isRom(first) ? ROM + ROM_SIZE : DRAM + this.dramBytes;
    if (first + length > end) return 0;
    if (!this.isRom(first)) {
      const last = Math.floor((first + length - 1 - DRAM) / PAGE);
      for (let page = Math.floor((first - DRAM) / PAGE) + 1; page <= last; page++) this.commit(page);
    }
    return first;
  }

  /** Whether a physical address is in a page of DRAM that is not committed. */
  isUncommitted(physical: number): boolean {
    return this.uncommittedPage(physical) >= 0;
  }

  /** Stores `bytes` bytes from host address `from` into a page that need not be made for that; false if it must be. */
  storeLazily(physical: number, bytes: number, from: number): boolean {
    const page = this.uncommittedPage(physical);
    return page >= 0 && this.lazy.store(page, physical % PAGE, this.u8, from, bytes);
  }

  /** Where the halves of the 8 bytes at a physical address are in `lazyWords` if their page need not be made for a load; else -1. */
  loadLazily(physical: number): number {
    const page = this.uncommittedPage(physical);
    return page >= 0 && this.lazy.load(page, physical % PAGE) ? 2 * page : -1;
  }

  /** See `loadLazily`. */
  get lazyWords(): Int32Array {
    return this.lazy.halves;
  }

  /** Fills `bytes` bytes with one, within a page that need not be made for that; false if it must be. */
  fillLazily(physical: number, bytes: number, byte: number): boolean {
    const page = this.uncommittedPage(physical);
    return page >= 0 && this.lazy.fill(page, physical % PAGE, (physical % PAGE) + bytes, byte);
  }

  /** The page of DRAM with a physical address if it is not committed, else -1. */
  private uncommittedPage(physical: number): number {
    const inDram = physical - DRAM_BASE;
    if (inDram < 0 || inDram >= this.dramBytes) return -1;
    const page = inDram >>> 12;
    return this.lazy.isCommitted(page) ? -1 : page;
  }

  /** What DRAM holds. From now on the first store to each page is to be noticed: the TLBs must not let it pass. */
  save(): MemoryImage {
    const imageOf = (page: number): PageImage => {
      const known = this.lazy.image(page);
      if (known !== undefined) return known;
      if (!this.lazy.isCommitted(page)) return this.lazy.keepImage(page);
      this.flags[page + FIRST_DRAM_PAGE]! |= PageFlag.unchanged;
      return this.lazy.keepImage(page, imageOfPage(this.i32, (DRAM + page * PAGE) / 4));
    };
    const before = this.image;
    this.image = memoryImage(this.lazy.pages, before, imageOf, (part) => {
      const isAltered = this.lazy.isAltered(part);
      this.lazy.unaltered(part);
      return isAltered ? this.lazy.heldPart(part) : before?.[part];
    });
    return this.image;
  }

  /** From now on DRAM holds what an image says. `replaced` is told of the pages, committed until now, that may have held something else. */
  restore(image: MemoryImage, replaced: (host: number) => void): void {
    image.forEach((part, index) =>
      this.lazy.hold(index, part, (page) => {
        this.flags[page + FIRST_DRAM_PAGE]! &= ~PageFlag.unchanged;
        replaced(DRAM + page * PAGE);
      }),
    );
    this.image = image;
  }

  /** Makes everything zero. */
  clear(): void {
    this.u8.fill(0, ROM, DRAM);
    this.clearDram();
  }

  private clearDram(): void {
    this.lazy.clear((page) => this.bytesOf(page).fill(0));
    this.image = undefined;
  }

  /** DRAM by words, page after page; what is yielded is good until the next. */
  *pages(): Generator<Int32Array> {
    const page = new Uint8Array(PAGE);
    const words = new Int32Array(page.buffer);
    for (let i = 0; i < this.lazy.pages; i++) {
      if (this.lazy.isCommitted(i)) {
        yield this.i32.subarray((DRAM + i * PAGE) / 4, (DRAM + (i + 1) * PAGE) / 4);
      } else {
        this.lazy.read(i, page);
        yield words;
      }
    }
  }

  private bytesOf(page: number): Uint8Array {
    return this.u8.subarray(DRAM + page * PAGE, DRAM + (page + 1) * PAGE);
  }

  /** Has a guest page in the host's memory: stores to one that is not there are not noticed. */
  make(page: number): void {
    if (page >= FIRST_DRAM_PAGE) this.commit(page - FIRST_DRAM_PAGE);
  }

  /** Has the page in the host's memory, if it is not there yet. */
  private commit(page: number): void {
    if (this.lazy.isCommitted(page)) return;
    this.lazy.commit(page, this.bytesOf(page));
    if (this.lazy.image(page) !== undefined) this.flags[page + FIRST_DRAM_PAGE]! |= PageFlag.unchanged;
  }
}
