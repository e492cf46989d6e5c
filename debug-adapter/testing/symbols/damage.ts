/** Damaged copies of a program. Each kind of damage is one function; the same seed makes the same damage. */
import { Form, Op } from '../../symbols/dwarf/constants';
import type { Random } from '../../../emulator/testing/random';

interface Extent {
  /** Offsets in the file, of the section's header and of the section. */
  header: number;
  offset: number;
  size: number;
}

type Damage = (bytes: Uint8Array, random: Random) => Uint8Array;

/** Kinds of damage by name. Only `cut` always leaves an unreadable file. */
export const DAMAGES: Readonly<Record<string, Damage>> = {
  flipped(bytes, random) {
    const at = debugOffset(bytes, random);
    for (let flips = 1 + random.below(8); flips > 0; flips--) {
      const offset =
        random.below(4) === 0 ? random.below(bytes.length) : Math.min(bytes.length - 1, at + random.below(64));
      bytes[offset]! ^= 1 << random.below(8);
    }
    return bytes;
  },

  overwritten(bytes, random) {
    const at = debugOffset(bytes, random);
    return bytes.fill(random.pick([0, 1, 0x7f, 0x80, 0xff]), at, at + 1 + random.below(16));
  },

  cut: (bytes, random) => bytes.subarray(0, random.below(bytes.length)),

  'with a section cut'(bytes, random) {
    const { header, size } = debugSection(bytes, random);
    view(bytes).setBigUint64(header + 32, BigInt(random.below(size)), true);
    return bytes;
  },

  /** Parts that are well-formed in their place lead in circles elsewhere. */
  'with a part elsewhere'(bytes, random) {
    const { offset, size } = debugSection(bytes, random);
    const length = Math.min(size, 1 + random.below(48));
    const from = offset + random.below(size - length + 1);
    return bytes.copyWithin(offset + random.below(size - length + 1), from, from + length);
  },

  /** Offsets of entries, strings and lists, lengths of units: each leads somewhere into its section. */
  'with other offsets'(bytes, random) {
    const { offset, size } = debugSection(bytes, random);
    for (let left = 1 + random.below(12); left > 0 && size >= 4; left--)
      view(bytes).setUint32(offset + random.below(size - 3), random.below(size), true);
    return bytes;
  },

  'with huge counts'(bytes, random) {
    const { offset, size } = debugSection(bytes, random);
    const at = offset + random.below(size);
    const count = random.pick([
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
    const at = offset + random.below(size);
    for (let left = 1 + random.below(6); left > 0; left--) {
      const chosen = random.below(2) === 0 ? random.pick(Object.values(Op)) : random.pick(Object.values(Form));
      bytes[Math.min(offset + size - 1, at + random.below(24))] = chosen;
    }
    return bytes;
  },

  /** Changes the header, the tables of segments and sections, and symbols. */
  'with another container'(bytes, random) {
    const headers = sectionHeaders(bytes);
    const symbols = headers.find(({ name }) => name === '.symtab')!;
    const places = [
      random.below(64),
      64 + random.below(112),
      random.pick(headers).header + random.below(64),
      symbols.offset + random.below(symbols.size),
    ];
    const value = random.pick([
      0n,
      1n,
      0xffn,
      0xffffn,
      0xffffffffn,
      1n << 40n,
      (1n << 64n) - 1n,
      BigInt(random.below(bytes.length)),
    ]);
    const size = random.pick([1, 2, 4, 8]);
    const at = Math.min(random.pick(places), bytes.length - 8);
    for (let index = 0; index < size; index++) bytes[at + index] = Number((value >> BigInt(8 * index)) & 0xffn);
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
  return random.pick(sectionHeaders(bytes).filter(({ name, size }) => name.startsWith('.debug_') && size > 0));
}

/** An offset within a debug section of the file. */
function debugOffset(bytes: Uint8Array, random: Random): number {
  const { offset, size } = debugSection(bytes, random);
  return offset + random.below(size);
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
