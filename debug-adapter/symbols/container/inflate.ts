/**
 * Decompresses zlib data (RFC 1950) of DEFLATE blocks (RFC 1951), as in the sections of an ELF that was linked with
 * --compress-debug-sections. The result has a size that is known before, and never grows beyond it.
 */
import { SymbolError } from '../api';

const LONGEST_CODE = 15;
const END_OF_BLOCK = 256;

/** RFC 1951, section 3.2.5: the smallest length or distance of each code, and its extra bits. */
const LENGTHS = table(29, (index) => (index < 8 || index === 28 ? 0 : (index >> 2) - 1), 3);
LENGTHS.first[28] = 258;
const DISTANCES = table(30, (index) => (index < 2 ? 0 : (index >> 1) - 1), 1);
/** The order in which a block has the lengths of the codes of its code lengths. */
const CODE_LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

function table(count: number, extraOf: (index: number) => number, start: number): { first: number[]; extra: number[] } {
  const extra = Array.from({ length: count }, (_, index) => extraOf(index));
  const first: number[] = [];
  for (let index = 0, next = start; index < count; index++) {
    first.push(next);
    next += 1 << extra[index]!;
  }
  return { first, extra };
}

/** A Huffman code: how many codes each length has, and the symbols in the order of their codes. */
interface Huffman {
  counts: Uint16Array;
  symbols: Uint16Array;
}

/** Throws SymbolError, which calls the data `name`, if it is damaged or not of exactly this size. */
export function inflate(data: Uint8Array, size: number, name: string): Uint8Array {
  if (data.length < 6 || (data[0]! & 0xf) !== 8 || ((data[0]! << 8) | data[1]!) % 31 !== 0 || (data[1]! & 0x20) !== 0)
    throw new SymbolError(`${name} is not what zlib writes`);
  return new Inflater(data, size, name).run();
}

class Inflater {
  private readonly out: Uint8Array;
  private written = 0;
  private position = 2;
  private held = 0;
  private heldBits = 0;

  constructor(
    private readonly data: Uint8Array,
    size: number,
    private readonly name: string,
  ) {
    this.out = new Uint8Array(size);
  }

  run(): Uint8Array {
    for (let isLast = false; !isLast;) {
      isLast = this.bits(1) === 1;
      switch (this.bits(2)) {
        case 0:
          this.stored();
          break;
        case 1:
          this.block(FIXED.literals, FIXED.distances);
          break;
        case 2:
          this.dynamic();
          break;
        default:
          throw this.damaged('has a block of an unknown kind');
      }
    }
    if (this.written !== this.out.length)
      throw this.damaged(`has ${this.written} bytes and should have ${this.out.length}`);
    return this.out;
  }

  private damaged(what: string): SymbolError {
    return new SymbolError(`${this.name}, decompressed, ${what}`);
  }

  private bits(count: number): number {
    while (this.heldBits < count) {
      if (this.position >= this.data.length) throw this.damaged('ends too early');
      this.held |= this.data[this.position++]! << this.heldBits;
      this.heldBits += 8;
    }
    const value = this.held & ((1 << count) - 1);
    this.held >>>= count;
    this.heldBits -= count;
    return value;
  }

  private stored(): void {
    this.held = this.heldBits = 0;
    const { data, position } = this;
    const length = (data[position] ?? 0) | ((data[position + 1] ?? 0) << 8);
    const end = position + 4 + length;
    if (end > data.length) throw this.damaged('ends too early');
    this.room(length);
    this.out.set(data.subarray(position + 4, end), this.written);
    this.written += length;
    this.position = end;
  }

  private dynamic(): void {
    const literals = this.bits(5) + 257;
    const distances = this.bits(5) + 1;
    const given = this.bits(4) + 4;
    const lengths = new Uint8Array(literals + distances);
    const ofLengths = new Uint8Array(CODE_LENGTH_ORDER.length);
    for (let index = 0; index < given; index++) ofLengths[CODE_LENGTH_ORDER[index]!] = this.bits(3);
    const code = huffman(ofLengths);
    for (let at = 0; at < lengths.length;) {
      const symbol = this.symbol(code);
      if (symbol < 16) {
        lengths[at++] = symbol;
        continue;
      }
      if (symbol === 16 && at === 0) throw this.damaged('repeats a length that is not there');
      const value = symbol === 16 ? lengths[at - 1]! : 0;
      const times = symbol === 16 ? 3 + this.bits(2) : symbol === 17 ? 3 + this.bits(3) : 11 + this.bits(7);
      if (at + times > lengths.length) throw this.damaged('has too many lengths of codes');
      lengths.fill(value, at, at + times);
      at += times;
    }
    this.block(huffman(lengths.subarray(0, literals)), huffman(lengths.subarray(literals)));
  }

  private block(literals: Huffman, distances: Huffman): void {
    for (;;) {
      const symbol = this.symbol(literals);
      if (symbol === END_OF_BLOCK) return;
      if (symbol < END_OF_BLOCK) {
        this.room(1);
        this.out[this.written++] = symbol;
      } else {
        const length = this.valueOf(LENGTHS, symbol - END_OF_BLOCK - 1);
        this.copy(length, this.valueOf(DISTANCES, this.symbol(distances)));
      }
    }
  }

  private valueOf({ first, extra }: { first: number[]; extra: number[] }, index: number): number {
    const smallest = first[index];
    if (smallest === undefined) throw this.damaged('has a code that means nothing');
    return smallest + this.bits(extra[index]!);
  }

  /** The bytes may overlap those that they are copied to. */
  private copy(length: number, distance: number): void {
    if (distance > this.written) throw this.damaged('refers to what is before its start');
    this.room(length);
    for (let index = 0; index < length; index++, this.written++)
      this.out[this.written] = this.out[this.written - distance]!;
  }

  private room(length: number): void {
    if (this.written + length > this.out.length) throw this.damaged(`is longer than ${this.out.length} bytes`);
  }

  /** Reads a code bit by bit: of each length, the codes follow those of the shorter ones. */
  private symbol({ counts, symbols }: Huffman): number {
    let code = 0;
    let first = 0;
    let index = 0;
    for (let length = 1; length <= LONGEST_CODE; length++) {
      code |= this.bits(1);
      const count = counts[length]!;
      if (code - count < first) return symbols[index + (code - first)]!;
      index += count;
      first = (first + count) << 1;
      code <<= 1;
    }
    throw this.damaged('has a code that means nothing');
  }
}

function huffman(lengths: Uint8Array): Huffman {
  const counts = new Uint16Array(LONGEST_CODE + 1);
  for (const length of lengths) counts[length]!++;
  counts[0] = 0;
  const next = new Uint16Array(LONGEST_CODE + 2);
  for (let length = 1; length <= LONGEST_CODE; length++) next[length + 1] = next[length]! + counts[length]!;
  const symbols = new Uint16Array(lengths.length);
  lengths.forEach((length, symbol) => {
    if (length > 0) symbols[next[length]!++] = symbol;
  });
  return { counts, symbols };
}

const FIXED = {
  literals: huffman(
    Uint8Array.from({ length: 288 }, (_, index) => (index < 144 ? 8 : index < 256 ? 9 : index < 280 ? 7 : 8)),
  ),
  distances: huffman(new Uint8Array(30).fill(5)),
};
