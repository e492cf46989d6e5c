/** Copies of a program with something wrong in them. Each kind of damage is one function; all are the same for one seed. */
import { Form, Op } from '../dwarf';
import { type Random, oneOf } from './random';

interface Extent {
  /** Of the section's header, and of the section, in the file. */
  header: number;
  offset: number;
  size: number;
}

type Damage = (bytes: Uint8Array, random: Random) => Uint8Array;

/** By name. `cut` alone leaves no file that could be read. */
export const damages: Readonly<Record<string, Damage>> = {
  flipped(bytes, random) {
    const at = debugOffset(bytes, random);
    for (let flips = 1 + random(8); flips > 0; flips--) {
      const offset = random(4) === 0 ? random(bytes.length) : Math.min(bytes.length - 1, at + random(64));
      bytes[offset]! ^= 1 << random(8);
    }
    return bytes;
  },

  overwritten(bytes, random) {
    const at = debugOffset(bytes, random);
    return bytes.fill(oneOf(random, [0, 1, 0x7f, 0x80, 0xff]), at, at + 1 + random(16));
  },

  cut: (bytes, random) => bytes.subarray(0, random(bytes.length)),

  'with a section cut'(bytes, random) {
    const { header, size } = debugSection(bytes, random);
    view(bytes).setBigUint64(header + 32, BigInt(random(size)), true);
    return bytes;
  },

  /** What was well-formed where it stood leads in circles elsewhere. */
  'with a part elsewhere'(bytes, random) {
    const { offset, size } = debugSection(bytes, random);
    const length = Math.min(size, 1 + random(48));
    const from = offset + random(size - length + 1);
    return bytes.copyWithin(offset + random(size - length + 1), from, from + length);
  },

  /** Offsets of entries, strings and lists, lengths of units: each leads to some place in its section. */
  'with other offsets'(bytes, random) {
    const { offset, size } = debugSection(bytes, random);
    for (let left = 1 + random(12); left > 0 && size >= 4; left--) {
      view(bytes).setUint32(offset + random(size - 3), random(size), true);
    }
    return bytes;
  },

  'with huge counts'(bytes, random) {
    const { offset, size } = debugSection(bytes, random);
    const at = offset + random(size);
    const count = oneOf(random, [
      [0xff, 0xff, 0xff, 0xff],
      [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
      [0xff, 0xff, 0xff, 0xff, 0x07],
      [0xff, 0xff, 0x03],
      [0xff, 0x7f],
    ]);
    bytes.set(count.slice(0, offset + size - at), at);
    return bytes;
  },

  /** Forms, operations and opcodes are small numbers. */
  'with other operations'(bytes, random) {
    const { offset, size } = debugSection(bytes, random);
    const at = offset + random(size);
    for (let left = 1 + random(6); left > 0; left--) {
      const chosen = random(2) === 0 ? oneOf(random, Object.values(Op)) : oneOf(random, Object.values(Form));
      bytes[Math.min(offset + size - 1, at + random(24))] = chosen;
    }
    return bytes;
  },

  /** Headers, tables of segments and sections, and symbols. */
  'with another container'(bytes, random) {
    const headers = sectionHeaders(bytes);
    const symbols = headers.find(({ name }) => name === '.symtab')!;
    const places = [
      random(64),
      64 + random(112),
      oneOf(random, headers).header + random(64),
      symbols.offset + random(symbols.size),
    ];
    const value = oneOf(random, [
      0n,
      1n,
      0xffn,
      0xffffn,
      0xffffffffn,
      1n << 40n,
      (1n << 64n) - 1n,
      BigInt(random(bytes.length)),
    ]);
    const size = oneOf(random, [1, 2, 4, 8]);
    const at = Math.min(oneOf(random, places), bytes.length - 8);
    for (let index = 0; index < size; index++) {
      bytes[at + index] = Number((value >> BigInt(8 * index)) & 0xffn);
    }
    return bytes;
  },
};

export function sectionHeaders(bytes: Uint8Array): (Extent & { name: string })[] {
  const table = Number(view(bytes).getBigUint64(40, true));
  const at = (index: number): Extent => {
    const header = table + 64 * index;
    return {
      header,
      offset: Number(view(bytes).getBigUint64(header + 24, true)),
      size: Number(view(bytes).getBigUint64(header + 32, true)),
    };
  };
  const names = at(view(bytes).getUint16(62, true));
  return Array.from({ length: view(bytes).getUint16(60, true) }, (_, index) => {
    const start = names.offset + view(bytes).getUint32(at(index).header, true);
    const name = new TextDecoder().decode(bytes.subarray(start, bytes.indexOf(0, start)));
    return { ...at(index), name };
  });
}

function debugSection(bytes: Uint8Array, random: Random): Extent {
  return oneOf(
    random,
    sectionHeaders(bytes).filter(({ name, size }) => name.startsWith('.debug_') && size > 0),
  );
}

/** An offset within a debug section of the file. */
function debugOffset(bytes: Uint8Array, random: Random): number {
  const { offset, size } = debugSection(bytes, random);
  return offset + random(size);
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
