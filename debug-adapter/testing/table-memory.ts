/**
 * RAM for tests, and a maker of Sv39 tables in it.
 */
import type { PhysicalMemory } from '../../emulator/types';

export class TestMemory implements PhysicalMemory {
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

  /** A fresh page of zeroes. */
  page(): bigint {
    const page = this.next;
    this.next += 4096n;
    return page;
  }

  /** Maps `va` to `pa` with `flags` (V is added) as a leaf of `level`, making the tables above it; answers its address. */
  map(root: bigint, va: bigint, pa: bigint, flags: number, level = 0): bigint {
    let table = root;
    for (let at = 2; at > level; at--) {
      const address = table + 8n * ((va >> BigInt(12 + 9 * at)) & 0x1ffn);
      let pte = this.readU64(address)!;
      if (pte === 0n) {
        pte = ((this.page() >> 12n) << 10n) | 1n;
        this.writeU64(address, pte);
      }
      table = (pte >> 10n) << 12n;
    }
    const address = table + 8n * ((va >> BigInt(12 + 9 * level)) & 0x1ffn);
    this.writeU64(address, ((pa >> 12n) << 10n) | BigInt(flags) | 1n);
    return address;
  }
}
