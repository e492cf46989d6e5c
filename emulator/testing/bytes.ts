/** For tests: files written by hand, number by number, little-endian. */

export class Bytes {
  private readonly list: number[] = [];

  get length(): number {
    return this.list.length;
  }
  u8(...values: number[]): this {
    this.list.push(...values);
    return this;
  }
  u16(value: number): this {
    return this.u8(value & 0xff, (value >> 8) & 0xff);
  }
  u32(value: number): this {
    return this.u16(value & 0xffff).u16(value >>> 16);
  }
  u64(...values: bigint[]): this {
    for (const value of values) this.u32(Number(value & 0xffffffffn)).u32(Number((value >> 32n) & 0xffffffffn));
    return this;
  }
  /** An unsigned LEB128 number, as DWARF and WebAssembly have it. */
  uleb(value: number): this {
    for (; value >= 0x80; value = Math.floor(value / 0x80)) this.u8((value % 0x80) | 0x80);
    return this.u8(value);
  }
  /** A text with its NUL. */
  text(value: string): this {
    return this.u8(...new TextEncoder().encode(value), 0);
  }
  add(other: Bytes): this {
    // One by one: a call takes a limited number of arguments.
    for (const byte of other.list) this.list.push(byte);
    return this;
  }
  /** The same bytes after their length in four bytes, as a DWARF unit begins. */
  withLength(): Bytes {
    return new Bytes().u32(this.length).add(this);
  }
  toArray(): Uint8Array {
    return Uint8Array.from(this.list);
  }
}
