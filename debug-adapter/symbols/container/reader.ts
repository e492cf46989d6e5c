/**
 * A little-endian cursor over a section of a file. All reads of an ELF and its DWARF go through here, so that none leaves
 * its bounds: a read past the end throws a SymbolError with the section and the offset.
 *
 * LEB128 numbers follow DWARF 5, section 7.6.
 */
import { hex } from '../../../emulator/isa/hex';
import { SymbolError } from '../api';

const decoder = new TextDecoder();
/** A 64-bit number takes ten bytes; assemblers may pad it a little. */
const LONGEST_LEB = 16;

export class Reader {
  private readonly view: DataView;

  /** Reads `bytes` from `offset` up to, not including, `end`; errors call the bytes `name`. */
  constructor(
    readonly bytes: Uint8Array,
    readonly name: string,
    public offset = 0,
    readonly end = bytes.length,
  ) {
    if (offset < 0 || offset > end || end > bytes.length) {
      throw new SymbolError(
        `${name}: bytes ${hex(offset)} to ${hex(end)} are asked for, but it has ${hex(bytes.length)}`,
      );
    }
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  get done(): boolean {
    return this.offset >= this.end;
  }

  /** Moves on by `length` bytes. Returns the offset before that. */
  skip(length: number): number {
    const start = this.offset;
    if (!(length >= 0 && length <= this.end - start))
      throw new SymbolError(`${this.name} ends within a value of ${length} bytes at ${hex(start)}`);
    this.offset = start + length;
    return start;
  }

  u8(): number {
    return this.view.getUint8(this.skip(1));
  }
  i8(): number {
    return this.view.getInt8(this.skip(1));
  }
  u16(): number {
    return this.view.getUint16(this.skip(2), true);
  }
  i16(): number {
    return this.view.getInt16(this.skip(2), true);
  }
  u24(): number {
    return this.u16() + this.u8() * 0x10000;
  }
  u32(): number {
    return this.view.getUint32(this.skip(4), true);
  }
  i32(): number {
    return this.view.getInt32(this.skip(4), true);
  }
  u64(): bigint {
    return this.view.getBigUint64(this.skip(8), true);
  }
  i64(): bigint {
    return this.view.getBigInt64(this.skip(8), true);
  }

  /** An unsigned number of 1, 2, 4 or 8 bytes. */
  unsigned(size: number): bigint {
    switch (size) {
      case 1:
        return BigInt(this.u8());
      case 2:
        return BigInt(this.u16());
      case 4:
        return BigInt(this.u32());
      case 8:
        return this.u64();
      default:
        throw new SymbolError(`${this.name}: a number of ${size} bytes at ${hex(this.offset)}`);
    }
  }

  /** An offset or length of 4 bytes (32-bit DWARF) or 8; throws if it is too large for any file. */
  offsetOf(size: number): number {
    return size === 4 ? this.u32() : this.toNumber(this.u64());
  }

  /** The initial length of a unit: its size in bytes, and the size of offsets in it (DWARF 5, section 7.4). */
  initialLength(): { length: number; offsetSize: 4 | 8 } {
    const length = this.u32();
    if (length < 0xfffffff0) return { length, offsetSize: 4 };
    if (length !== 0xffffffff)
      throw new SymbolError(`${this.name}: reserved unit length ${hex(length)} at ${hex(this.offset - 4)}`);
    return { length: this.toNumber(this.u64()), offsetSize: 8 };
  }

  /** ULEB128 as a number; throws above 2^53. */
  uleb(): number {
    const first = this.u8();
    if (first < 0x80) return first;
    let result = first & 0x7f;
    let scale = 0x80;
    for (let byte = 0x80, read = 1; byte & 0x80; read++) {
      byte = this.u8();
      result += (byte & 0x7f) * scale;
      scale *= 0x80;
      if (result > Number.MAX_SAFE_INTEGER || read >= LONGEST_LEB)
        throw new SymbolError(`${this.name}: a number too large before ${hex(this.offset)}`);
    }
    return result;
  }

  uleb64(): bigint {
    return BigInt.asUintN(64, this.leb().bits);
  }

  sleb64(): bigint {
    const { bits, width } = this.leb();
    return BigInt.asIntN(64, BigInt.asIntN(width, bits));
  }

  /** SLEB128 as a number; throws outside ±2^53. */
  sleb(): number {
    const byte = this.view.getUint8(this.skip(1));
    if (byte < 0x80) return (byte << 25) >> 25;
    this.offset--;
    return this.toNumber(this.sleb64());
  }

  /** A string that ends in NUL. */
  string(): string {
    const start = this.offset;
    return decoder.decode(this.bytes.subarray(start, this.skipString()));
  }

  /** The string at another offset. */
  stringAt(offset: number): string {
    return new Reader(this.bytes, this.name, offset, this.end).string();
  }

  /** Moves past a string. Returns the offset of its NUL. */
  skipString(): number {
    const end = this.bytes.indexOf(0, this.offset);
    if (end < 0 || end >= this.end) throw new SymbolError(`${this.name} ends within the string at ${hex(this.offset)}`);
    this.offset = end + 1;
    return end;
  }

  /** The next `length` bytes, not copied. */
  take(length: number): Uint8Array {
    const start = this.skip(length);
    return this.bytes.subarray(start, start + length);
  }

  private leb(): { bits: bigint; width: number } {
    let bits = 0n;
    for (let read = 0; read < LONGEST_LEB; read++) {
      const byte = this.u8();
      bits |= BigInt(byte & 0x7f) << BigInt(7 * read);
      if (byte < 0x80) return { bits, width: 7 * (read + 1) };
    }
    throw new SymbolError(`${this.name}: a number of more than ${LONGEST_LEB} bytes before ${hex(this.offset)}`);
  }

  private toNumber(value: bigint): number {
    const result = Number(value);
    if (!Number.isSafeInteger(result))
      throw new SymbolError(`${this.name}: ${value} is too large, before ${hex(this.offset)}`);
    return result;
  }
}

/**
 * Limits the work on one file. In DWARF a few bytes can demand a lot (shared tables, attributes of size zero), so repeated
 * work is charged to a budget in proportion to the file's size.
 */
export class Budget {
  constructor(
    private left: number,
    private readonly what: string,
  ) {}

  spend(amount: number): void {
    this.left -= amount;
    if (this.left < 0) throw new SymbolError(`${this.what} asks for more work than its size explains; it is damaged`);
  }
}
