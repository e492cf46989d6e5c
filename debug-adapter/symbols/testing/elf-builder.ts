/** Small ELF files made by hand, for what no compiler at hand writes. */

/** Bytes of numbers of different sizes. */
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
  u64(value: bigint): this {
    return this.u32(Number(value & 0xffffffffn)).u32(Number((value >> 32n) & 0xffffffffn));
  }
  uleb(value: number): this {
    for (; value >= 0x80; value = Math.floor(value / 0x80)) {
      this.u8((value % 0x80) | 0x80);
    }
    return this.u8(value);
  }
  text(value: string): this {
    return this.u8(...new TextEncoder().encode(value), 0);
  }
  add(other: Bytes): this {
    // Not all at once: there are limits to the number of arguments.
    other.list.forEach((byte) => this.list.push(byte));
    return this;
  }
  /** Itself behind a length of four bytes, as units have it. */
  withLength(): Bytes {
    return new Bytes().u32(this.length).add(this);
  }
  toArray(): Uint8Array {
    return Uint8Array.from(this.list);
  }
}

/** An executable with `code` at 0x80000000 and other sections beside it. */
export function buildElf(code: Bytes, others: Record<string, Bytes>): Uint8Array {
  const sections = [
    { name: '', type: 0, flags: 0n, address: 0n, bytes: new Bytes() },
    { name: '.text', type: 1, flags: 6n, address: 0x80000000n, bytes: code },
    ...Object.entries(others).map(([name, bytes]) => ({ name, type: 1, flags: 0n, address: 0n, bytes })),
  ];
  const names = new Bytes();
  sections.push({ name: '.shstrtab', type: 3, flags: 0n, address: 0n, bytes: names });
  const nameOffsets = sections.map(({ name }) => {
    const offset = names.length;
    names.text(name);
    return offset;
  });
  const body = new Bytes();
  const offsets = sections.map(({ bytes }) => {
    const offset = 64 + 56 + body.length;
    body.add(bytes);
    return offset;
  });
  const file = new Bytes().u8(0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0);
  file.u16(2).u16(243).u32(1).u64(0x80000000n);
  file
    .u64(64n)
    .u64(BigInt(120 + body.length))
    .u32(0);
  file
    .u16(64)
    .u16(56)
    .u16(1)
    .u16(64)
    .u16(sections.length)
    .u16(sections.length - 1);
  const size = BigInt(code.length);
  file.u32(1).u32(5).u64(BigInt(offsets[1]!)).u64(0x80000000n).u64(0x80000000n).u64(size).u64(size).u64(4n);
  file.add(body);
  sections.forEach(({ type, flags, address, bytes }, index) => {
    file.u32(nameOffsets[index]!).u32(type).u64(flags).u64(address);
    file.u64(BigInt(offsets[index]!)).u64(BigInt(bytes.length)).u32(0).u32(0).u64(1n).u64(0n);
  });
  return file.toArray();
}

/** An abbreviation: its attributes are pairs of name and form, and for DW_FORM_implicit_const the value. */
export function abbreviation(code: number, tag: number, hasChildren: boolean, attributes: number[][]): Bytes {
  const bytes = new Bytes()
    .uleb(code)
    .uleb(tag)
    .u8(hasChildren ? 1 : 0);
  attributes.flat().forEach((value) => bytes.uleb(value));
  return bytes.u8(0, 0);
}
