/** For tests: Sv39 page tables (RISC-V privileged specification 1.12, section 4.4) as bytes to be laid into a guest's image. */

export const Flag = { V: 1, R: 2, W: 4, X: 8, U: 16, G: 32, A: 64, D: 128 } as const;
/** A leaf for everything, with A and D set already. */
export const RWX = Flag.V | Flag.R | Flag.W | Flag.X | Flag.A | Flag.D;

const PAGE = 4096;

export const entry = (physical: number | bigint, flags: number): bigint =>
  ((BigInt(physical) >> 12n) << 10n) | BigInt(flags);

export class PageTables {
  private readonly tables: BigUint64Array[] = [];

  /** `base` is the physical address at which they will lie. */
  constructor(private readonly base: number) {}

  /** A new, empty table: its physical address. */
  table(): number {
    this.tables.push(new BigUint64Array(512));
    return this.base + (this.tables.length - 1) * PAGE;
  }

  /** The value of satp for a root. */
  satp(root: number): bigint {
    return (8n << 60n) | BigInt(root >>> 12);
  }

  /** Maps pages from `va` on; `level` 1 and 2 make large ones. Tables in between are added. */
  map(root: number, va: number | bigint, physical: number, flags: number, pages = 1, level = 0): this {
    for (let i = 0; i < pages; i++) {
      const step = i * PAGE * 512 ** level;
      const at = this.entryAt(root, BigInt(va) + BigInt(step), level);
      this.set(at, entry(physical + step, flags));
    }
    return this;
  }

  /** Physical address of the entry for `va` at a level. */
  entryAt(root: number, va: bigint, level: number): number {
    let table = root;
    for (let at = 2; ; at--) {
      const address = table + Number((va >> BigInt(12 + 9 * at)) & 511n) * 8;
      if (at === level) return address;
      if ((this.get(address) & 1n) === 0n) this.set(address, entry(this.table(), Flag.V));
      table = Number(this.get(address) >> 10n) * PAGE;
    }
  }

  set(address: number, pte: bigint): void {
    const offset = address - this.base;
    this.tables[Math.floor(offset / PAGE)]![(offset % PAGE) / 8] = pte;
  }
  private get(address: number): bigint {
    const offset = address - this.base;
    return this.tables[Math.floor(offset / PAGE)]![(offset % PAGE) / 8]!;
  }

  /** All tables, in the order in which they were made. */
  bytes(): Uint8Array {
    const all = new Uint8Array(this.tables.length * PAGE);
    this.tables.forEach((table, index) => all.set(new Uint8Array(table.buffer), index * PAGE));
    return all;
  }
}
