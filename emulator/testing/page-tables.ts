/**
 * For tests: a maker of Sv39 page tables (RISC-V privileged specification 1.12, section 4.4), in RAM that a test reads
 * itself or as bytes to be laid into a guest's image.
 */
import { indexOf, PAGE_SIZE, PTE, pteOf, ptePhysical, ROOT_LEVEL, satpOf } from '../isa/sv39';
import type { PhysicalMemory } from '../types';

/** Flags of a leaf for everything, with A and D set already. */
export const RWX = PTE.V | PTE.R | PTE.W | PTE.X | PTE.A | PTE.D;

/** An entry for a physical address. */
export const entry = (physical: number | bigint, flags: number): bigint => pteOf(BigInt(physical), flags);

/** Where tables are made. */
interface TableStore {
  readU64(address: bigint): bigint | undefined;
  writeU64(address: bigint, value: bigint): void;
  /** A fresh page of zeroes. */
  page(): bigint;
}

/** Physical address of the entry for `va` at a level. Tables above it that are missing are added. */
function entryAddress(store: TableStore, root: bigint, va: bigint, level: number): bigint {
  let table = root;
  for (let at = ROOT_LEVEL; ; at--) {
    const address = table + BigInt(8 * indexOf(va, at));
    if (at === level) return address;
    if (!(store.readU64(address)! & BigInt(PTE.V))) store.writeU64(address, pteOf(store.page(), PTE.V));
    table = ptePhysical(store.readU64(address)!);
  }
}

/** Tables as bytes of an image that will lie at physical address `base`. */
export class PageTables {
  private readonly tables: BigUint64Array[] = [];

  constructor(private readonly base: number) {}

  /** A new, empty table: its physical address. */
  table(): number {
    this.tables.push(new BigUint64Array(512));
    return this.base + (this.tables.length - 1) * Number(PAGE_SIZE);
  }

  /** The value of satp for a root. */
  satp(root: number): bigint {
    return satpOf(BigInt(root));
  }

  /** Maps pages from `va` on; `level` 1 and 2 make large ones. Tables in between are added. */
  map(root: number, va: number | bigint, physical: number, flags: number, pages = 1, level = 0): this {
    for (let i = 0; i < pages; i++) {
      const step = i * Number(PAGE_SIZE) * 512 ** level;
      const at = this.entryAt(root, BigInt(va) + BigInt(step), level);
      this.set(at, entry(physical + step, flags));
    }
    return this;
  }

  /** Physical address of the entry for `va` at a level. */
  entryAt(root: number, va: bigint, level: number): number {
    const store: TableStore = {
      readU64: (address) => this.word(Number(address))[0],
      writeU64: (address, value) => this.set(Number(address), value),
      page: () => BigInt(this.table()),
    };
    return Number(entryAddress(store, BigInt(root), va, level));
  }

  set(address: number, pte: bigint): void {
    this.word(address)[0] = pte;
  }

  /** All tables, in the order in which they were made. */
  bytes(): Uint8Array {
    const all = new Uint8Array(this.tables.length * Number(PAGE_SIZE));
    this.tables.forEach((table, index) => all.set(new Uint8Array(table.buffer), index * Number(PAGE_SIZE)));
    return all;
  }

  private word(address: number): BigUint64Array {
    const index = (address - this.base) / 8;
    return this.tables[Math.floor(index / 512)]!.subarray(index % 512, (index % 512) + 1);
  }
}

/** RAM, and tables in it. */
export class TestMemory implements PhysicalMemory, TableStore {
  readonly dramBase = 0x80000000n;
  readonly dramSize: bigint;
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private next: bigint;

  /** Table pages are handed out from `firstFree` on. */
  constructor(size = 0x1000000, firstFree = 0x80800000n) {
    this.dramSize = BigInt(size);
    this.bytes = new Uint8Array(size);
    this.view = new DataView(this.bytes.buffer);
    this.next = firstFree;
  }

  read(address: bigint, length: number): Uint8Array | undefined {
    const at = Number(address - this.dramBase);
    return at < 0 || at + length > this.bytes.length ? undefined : this.bytes.slice(at, at + length);
  }

  readInto(address: bigint, bytes: Uint8Array): boolean {
    const found = this.read(address, bytes.length);
    if (found) bytes.set(found);
    return found !== undefined;
  }

  write(address: bigint, bytes: Uint8Array): boolean {
    const at = Number(address - this.dramBase);
    if (at < 0 || at + bytes.length > this.bytes.length) return false;
    this.bytes.set(bytes, at);
    return true;
  }

  readU64(address: bigint): bigint | undefined {
    const at = Number(address - this.dramBase);
    return at < 0 || at + 8 > this.bytes.length ? undefined : this.view.getBigUint64(at, true);
  }

  writeU64(address: bigint, value: bigint): void {
    this.view.setBigUint64(Number(address - this.dramBase), value, true);
  }

  page(): bigint {
    const page = this.next;
    this.next += PAGE_SIZE;
    return page;
  }

  /** Maps `va` to `pa` with `flags` (V is added) as a leaf of `level`, with the tables above it; returns its address. */
  map(root: bigint, va: bigint, pa: bigint, flags: number, level = 0): bigint {
    const address = entryAddress(this, root, va, level);
    this.writeU64(address, pteOf(pa, flags | PTE.V));
    return address;
  }
}
