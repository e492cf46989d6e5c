/**
 * Rows of a disassembly view: instructions before and after an address, with symbols and source lines. Instructions are
 * 2 or 4 bytes long, so those before an address are found by decoding forward from the start of its function.
 */
import { hex } from '../../emulator/isa/hex';
import { pairedDistance } from '../../emulator/isa/instructions/calls';
import { decode } from '../../emulator/isa/instructions/decode';
import { disassemble } from '../../emulator/isa/instructions/disassemble';
import { instructionAt, wordAt } from '../../emulator/isa/instructions/instruction-at';
import type { MappedProgram } from './mapped-program';
import type { AddressSpace } from '../memory/address-space';
import type { LineEntry } from '../symbols/api';

/** The code of an address space: its memory, and the program at each address. */
export interface CodeView {
  space: AddressSpace;
  imageAt(address: bigint): MappedProgram | undefined;
}

export interface DisassemblyRow {
  address: bigint;
  text: string;
  /** Undefined if nothing can be read. */
  bytes?: Uint8Array;
  /** "main" at its first instruction, then "main+0x4". */
  symbol?: string;
  /** The source line of the instruction. */
  line?: LineEntry;
}

/** An address further from a symbol does not belong to it. */
const LONGEST_FUNCTION = 65536n;

/** Exactly `count` rows, starting `offset` instructions after (or before) the one at `at`. */
export function disassembly(code: CodeView, at: bigint, offset: number, count: number): DisassemblyRow[] {
  const rows: DisassemblyRow[] = [];
  let address = at;
  if (offset < 0) rows.push(...rowsBefore(code, at, -offset).slice(0, count));
  else for (let skipped = 0; skipped < offset; skipped++) address = next(rowAt(code, address));
  while (rows.length < count) {
    const row = rowAt(code, address);
    rows.push(row);
    address = next(row);
  }
  return rows;
}

const lengthOf = ({ bytes }: DisassemblyRow): bigint => BigInt(bytes?.length ?? 2);
const next = (row: DisassemblyRow): bigint => BigInt.asUintN(64, row.address + lengthOf(row));

/** The `count` rows before `at`; before the first instruction, rows that say so. */
function rowsBefore(code: CodeView, at: bigint, count: number): DisassemblyRow[] {
  let rows: DisassemblyRow[] = [];
  let start = boundary(code, at - BigInt(4 * count));
  for (;;) {
    rows = decodedUpTo(code, start, at);
    if (rows.length >= count || start.address < 2n) break;
    start = boundary(code, start.address - 2n);
    if (at - start.address > BigInt(16 * count) + LONGEST_FUNCTION) break;
  }
  const found = rows.slice(-count);
  const first = found[0]?.address ?? at;
  const missing = Array.from({ length: count - found.length }, (_, index): DisassemblyRow => {
    const address = BigInt.asUintN(64, first - BigInt(2 * (count - found.length - index)));
    return { address, text: '(before the first instruction)' };
  });
  return [...missing, ...found];
}

/** Where decoding can start, and whether an instruction is known to begin there. */
interface Start {
  address: bigint;
  known: boolean;
}

/** A start at or before `address`. */
function boundary({ imageAt }: CodeView, address: bigint): Start {
  const from = address < 0n ? 0n : address & ~1n;
  const image = imageAt(from);
  const linked = image?.linked(from);
  const symbol = linked === undefined ? undefined : image!.binary.symbolAt(linked)?.symbol;
  return symbol && linked! - symbol.address < LONGEST_FUNCTION
    ? { address: from - (linked! - symbol.address), known: true }
    : { address: from, known: false };
}

/**
 * The instructions from a start up to `at`. If the start is a guess, tries it and the one 2 bytes later, and prefers the one
 * by which an instruction ends at `at`: after a few instructions, decoding finds the right boundaries.
 */
function decodedUpTo(code: CodeView, { address, known }: Start, at: bigint): DisassemblyRow[] {
  const rows = decoded(code, address, at);
  if (known || endsAt(rows, at)) return fitting(rows, at);
  const others = decoded(code, address + 2n, at);
  return fitting(endsAt(others, at) ? others : rows, at);
}

function decoded(code: CodeView, from: bigint, at: bigint): DisassemblyRow[] {
  const rows: DisassemblyRow[] = [];
  for (let address = from; address < at;) {
    const row = rowAt(code, address);
    rows.push(row);
    address += lengthOf(row);
  }
  return rows;
}

function endsAt(rows: readonly DisassemblyRow[], at: bigint): boolean {
  const last = rows.at(-1);
  return !last || last.address + lengthOf(last) === at;
}

/** Drops a last row that reaches beyond `at`, where the bytes may be no instruction at all. */
function fitting(rows: DisassemblyRow[], at: bigint): DisassemblyRow[] {
  return endsAt(rows, at) ? rows : rows.slice(0, -1);
}

function rowAt(code: CodeView, address: bigint): DisassemblyRow {
  const { space, imageAt } = code;
  const word = wordAt((from, bytes) => space.read(from, bytes), address);
  if (word === undefined) return { address, text: '(not mapped)' };
  const { text, target, length } = disassemble(word, address);
  const bytes = Uint8Array.from({ length }, (_, index) => word >> (8 * index));
  const row: DisassemblyRow = { address, text: text + reference(code, word, address, target), bytes };
  const image = imageAt(address);
  if (!image) return row;
  const symbol = symbolAt(image, address);
  if (symbol !== undefined) row.symbol = symbol;
  const line = image.binary.lineAt(image.linked(address));
  if (line) row.line = line;
  return row;
}

/** ` <walk>` for a jump to walk; ` # 0x800011d0 <walk>` if the auipc just before computes the upper part of the address. */
function reference(code: CodeView, word: number, address: bigint, target: bigint | undefined): string {
  const paired = target === undefined ? pairedAddress(code, word, address) : undefined;
  const at = target ?? paired;
  const name = at === undefined ? undefined : symbolAt(code.imageAt(at), at);
  if (paired !== undefined) return ` # ${hex(paired)}${name === undefined ? '' : ` <${name}>`}`;
  return name === undefined ? '' : ` <${name}>`;
}

/** The address that an instruction computes from the register set by the auipc before it. */
function pairedAddress({ space }: CodeView, word: number, address: bigint): bigint | undefined {
  const lower = decode(word);
  const immediate = lower?.instruction.immediate;
  if (lower?.length !== 4 || (immediate !== 'I' && immediate !== 'S')) return undefined;
  const distance = pairedDistance(
    lower,
    instructionAt((from, bytes) => space.read(from, bytes), address - 4n),
  );
  return distance === undefined ? undefined : BigInt.asUintN(64, address + BigInt(distance));
}

/** "memset+0x10", as objdump writes it, for an address in a program. */
function symbolAt(image: MappedProgram | undefined, address: bigint): string | undefined {
  const found = image?.binary.symbolAt(image.linked(address));
  // An address past the end of a sized symbol is not in it: string constants have no symbols.
  if (!found || (found.symbol.size > 0n && found.offset >= found.symbol.size)) return undefined;
  return `${found.symbol.name}${found.offset === 0n ? '' : `+${hex(found.offset)}`}`;
}
