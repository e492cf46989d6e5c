/**
 * Rows of a disassembly view: instructions before and after an address, with symbols and source lines. Instructions are
 * 2 or 4 bytes long, so what lies before an address is found by decoding forward from the start of its function.
 */
import { disassemble } from '../emulator/isa/disassemble';
import type { Image } from './image';
import type { LineEntry, ReadMemory } from './symbols/api';

export interface Row {
  address: bigint;
  text: string;
  /** Undefined where nothing can be read. */
  bytes?: Uint8Array;
  /** At the first instruction of a symbol. */
  symbol?: string;
  /** At the first instruction of a source line. */
  line?: LineEntry;
}

/** Exactly `count` rows, the first of them `offset` instructions after (or before) the one at `at`. */
export function disassembly(image: Image, read: ReadMemory, at: bigint, offset: number, count: number): Row[] {
  const rows: Row[] = [];
  let address = at;
  if (offset < 0) {
    const before = rowsBefore(image, read, at, -offset);
    rows.push(...before.slice(0, count));
  } else {
    for (let skipped = 0; skipped < offset; skipped++)
      address += BigInt(rowAt(image, read, address).bytes?.length ?? 2);
  }
  while (rows.length < count) {
    const row = rowAt(image, read, address);
    rows.push(row);
    address = BigInt.asUintN(64, address + BigInt(row.bytes?.length ?? 2));
  }
  return rows;
}

/** The `count` rows that end at `at`; where nothing precedes, rows that say so. */
function rowsBefore(image: Image, read: ReadMemory, at: bigint, count: number): Row[] {
  const rows: Row[] = [];
  let start = boundary(image, at - BigInt(4 * count));
  for (;;) {
    rows.length = 0;
    for (let address = start; address < at;) {
      const row = rowAt(image, read, address);
      rows.push(row);
      address += BigInt(row.bytes?.length ?? 2);
    }
    // Where decoding started may be no boundary after all; then the last row overlaps `at`.
    const last = rows.at(-1);
    if (last && last.address + BigInt(last.bytes?.length ?? 2) > at) rows.pop();
    if (rows.length >= count || start < 2n) break;
    start = boundary(image, start - 2n);
    if (at - start > BigInt(16 * count + 4096)) break;
  }
  const found = rows.slice(-count);
  const first = found[0]?.address ?? at;
  const missing = Array.from({ length: count - found.length }, (_, index): Row => {
    const address = BigInt.asUintN(64, first - BigInt(2 * (count - found.length - index)));
    return { address, text: '(before the first instruction)' };
  });
  return [...missing, ...found];
}

/** An address at or before `address` at which an instruction is known to start. */
function boundary(image: Image, address: bigint): bigint {
  const from = address < 0n ? 0n : address & ~1n;
  if (!image.contains(from)) return from;
  const linked = image.linked(from);
  const symbol = image.binary.symbolAt(linked)?.symbol;
  return symbol && linked - symbol.address < 65536n ? from - (linked - symbol.address) : from;
}

function rowAt(image: Image, read: ReadMemory, address: bigint): Row {
  const half = read(address, 2);
  const length = half && (half[0]! & 3) === 3 ? 4 : 2;
  const bytes = length === 4 ? read(address, 4) : half;
  if (!bytes) return { address, text: '(not mapped)' };
  const word = bytes.reduce((sum, byte, index) => sum + byte * 2 ** (8 * index), 0) | 0;
  const { text, target } = disassemble(word, address);
  const row: Row = { address, text: target === undefined ? text : `${text}${nameOf(image, target)}`, bytes };
  if (!image.contains(address)) return row;
  const linked = image.linked(address);
  const symbol = image.binary.symbolAt(linked);
  if (symbol?.offset === 0n) row.symbol = symbol.symbol.name;
  const line = image.binary.lineAt(linked);
  if (line?.address === linked) row.line = line;
  return row;
}

/** " <memset+0x10>" for an address in the program. */
function nameOf(image: Image, address: bigint): string {
  if (!image.contains(address)) return '';
  const found = image.binary.symbolAt(image.linked(address));
  if (!found) return '';
  return found.offset === 0n ? ` <${found.symbol.name}>` : ` <${found.symbol.name}+0x${found.offset.toString(16)}>`;
}
