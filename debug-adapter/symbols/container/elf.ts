/**
 * The ELF container: header, segments, sections and symbols of a 64-bit little-endian RISC-V executable, by the System V
 * ABI (gABI 4.1, chapters 4 and 5, and its sections on compression) and the RISC-V ELF psABI. Any other file that a student may open (an x86 kernel, an
 * object file, an incomplete one) is an error that says what it is.
 */
import { hex } from '../../../emulator/isa/hex';
import { SymbolError, type ElfSymbol, type Segment } from '../api';
import { inflate } from './inflate';
import { Budget, Reader } from './reader';

export interface Section {
  name: string;
  address: bigint;
  size: bigint;
  /** Empty for sections without bytes in the file. */
  bytes: Uint8Array;
  executable: boolean;
  allocated: boolean;
}

export interface Elf {
  entry: bigint;
  segments: Segment[];
  sections: Section[];
  symbols: ElfSymbol[];
  warnings: string[];
}

const MACHINES = new Map([
  [2, 'a SPARC'],
  [3, 'an x86'],
  [8, 'a MIPS'],
  [20, 'a PowerPC'],
  [21, 'a 64-bit PowerPC'],
  [40, 'an ARM'],
  [62, 'an x86'],
  [183, 'an AArch64'],
  [258, 'a LoongArch'],
]);
const EM_RISCV = 243;
const X86_MACHINES = [3, 62];

const SHT_NOBITS = 8;
const SHT_SYMTAB = 2;
const SHF_ALLOC = 2n;
const SHF_EXECINSTR = 4n;
const SHF_COMPRESSED = 0x800n;
const ELFCOMPRESS_ZLIB = 1;
const ELFCOMPRESS_ZSTD = 2;
/** Bytes of all decompressed sections together. */
const MOST_DECOMPRESSED = 2 ** 29;
/** No data of zlib's grows more than this. */
const LARGEST_EXPANSION = 1032;
const PT_LOAD = 1;
const SYMBOL_KINDS: readonly ElfSymbol['kind'][] = ['none', 'object', 'function', 'section', 'file'];

interface Header {
  entry: bigint;
  programs: Table;
  sections: Table;
  namesIndex: number;
}
interface Table {
  offset: number;
  entrySize: number;
  count: number;
}
interface SectionHeader {
  nameOffset: number;
  type: number;
  flags: bigint;
  address: bigint;
  offset: bigint;
  size: bigint;
  link: number;
}

/** Reads the container. Every error begins with `path`. */
export function readElf(path: string, bytes: Uint8Array): Elf {
  try {
    return readContainer(path, bytes);
  } catch (error) {
    // A reader's message already names the table and the offset.
    const isNamed = !(error instanceof SymbolError) || error.message.startsWith(path);
    throw isNamed ? error : new SymbolError(`${path} is damaged: ${error.message}. Build it again.`);
  }
}

/** The sections of a .dwo or .dwp file, which is no program. Throws SymbolError. */
export function readSplitSections(path: string, bytes: Uint8Array): { sections: Section[]; warnings: string[] } {
  const header = readHeader(path, bytes, true);
  const headers = readSectionHeaders(path, bytes, header.sections);
  const warnings: string[] = [];
  const names = new Budget(10_000 + 4 * bytes.length, 'its table of names');
  return { sections: nameSections(path, bytes, headers, header.namesIndex, warnings, names), warnings };
}

function readContainer(path: string, bytes: Uint8Array): Elf {
  const header = readHeader(path, bytes);
  const segments = readSegments(path, bytes, header.programs);
  const headers = readSectionHeaders(path, bytes, header.sections);
  const warnings: string[] = [];
  // Names may share bytes, so a small table could yield a lot of text.
  const names = new Budget(10_000 + 4 * bytes.length, 'its table of names');
  const sections = nameSections(path, bytes, headers, header.namesIndex, warnings, names);
  return { entry: header.entry, segments, sections, symbols: readSymbols(headers, sections, names), warnings };
}

function readHeader(path: string, bytes: Uint8Array, isSplit = false): Header {
  if (bytes.length === 0) throw new SymbolError(`${path} is empty; was the build interrupted? Build it again.`);
  if (bytes.length < 4 || bytes[0] !== 0x7f || bytes[1] !== 0x45 || bytes[2] !== 0x4c || bytes[3] !== 0x46) {
    throw new SymbolError(
      `${path} is not an ELF file: it begins with ${firstBytes(bytes)}. ` +
        `A kernel is the linker's output, usually kernel/kernel; an image made with objcopy will not do.`,
    );
  }
  if (bytes.length < 64) throw truncated(path, bytes, 'its header ends at 64');
  const reader = new Reader(bytes, 'its header', 16);
  const [wordSize, byteOrder] = [bytes[4], bytes[5]];
  const little = byteOrder !== 2;
  const type = little ? reader.u16() : swap(reader.u16());
  const machine = little ? reader.u16() : swap(reader.u16());
  if (machine !== EM_RISCV) {
    const name = MACHINES.get(machine) ?? `not a RISC-V (machine ${machine})`;
    const guess = X86_MACHINES.includes(machine) ? ' Is this xv6-public?' : '';
    throw new SymbolError(`${path} is ${name} ELF; this is the RISC-V debugger.${guess}`);
  }
  if (wordSize !== 2) {
    throw new SymbolError(
      `${path} is a 32-bit RISC-V ELF; this debugger is for 64-bit RISC-V. Build with -march=rv64gc.`,
    );
  }
  if (!little) throw new SymbolError(`${path} is a big-endian RISC-V ELF; only little-endian ones can be run.`);
  if (type !== 2 && type !== 3 && !isSplit) {
    const found = type === 1 ? 'an object file, not yet linked' : type === 4 ? 'a core dump' : `of ELF type ${type}`;
    throw new SymbolError(`${path} is ${found}; name the linked executable, usually kernel/kernel.`);
  }
  reader.offset = 24;
  const entry = reader.u64();
  const programsAt = reader.offsetOf(8);
  const sectionsAt = reader.offsetOf(8);
  reader.offset = 54;
  const programs = { offset: programsAt, entrySize: reader.u16(), count: reader.u16() };
  const sections = { offset: sectionsAt, entrySize: reader.u16(), count: reader.u16() };
  return { entry, programs, sections, namesIndex: reader.u16() };
}

function readSegments(path: string, bytes: Uint8Array, table: Table): Segment[] {
  const segments: Segment[] = [];
  for (const reader of entries(path, bytes, table, 56, 'program headers')) {
    const type = reader.u32();
    const flags = reader.u32();
    const offset = reader.u64();
    const virtualAddress = reader.u64();
    const physicalAddress = reader.u64();
    const fileSize = reader.u64();
    const memorySize = reader.u64();
    if (type !== PT_LOAD) continue;
    if (fileSize > memorySize)
      throw new SymbolError(`${path} has a segment of ${hex(fileSize)} bytes for ${hex(memorySize)} bytes of memory.`);
    segments.push({
      virtualAddress,
      physicalAddress,
      bytes: slice(path, bytes, offset, fileSize, `its segment for ${hex(virtualAddress)}`),
      memorySize,
      executable: (flags & 1) !== 0,
      writable: (flags & 2) !== 0,
      readable: (flags & 4) !== 0,
    });
  }
  return segments;
}

function readSectionHeaders(path: string, bytes: Uint8Array, table: Table): SectionHeader[] {
  if (table.offset === 0) return [];
  const headers: SectionHeader[] = [];
  for (const reader of entries(path, bytes, table, 64, 'section headers')) {
    headers.push({
      nameOffset: reader.u32(),
      type: reader.u32(),
      flags: reader.u64(),
      address: reader.u64(),
      offset: reader.u64(),
      size: reader.u64(),
      link: reader.u32(),
    });
  }
  return headers;
}

function nameSections(
  path: string,
  bytes: Uint8Array,
  headers: SectionHeader[],
  namesIndex: number,
  warnings: string[],
  budget: Budget,
): Section[] {
  const namesHeader = headers[namesIndex];
  const names = namesHeader && slice(path, bytes, namesHeader.offset, namesHeader.size, 'the names of its sections');
  let room = MOST_DECOMPRESSED;
  return headers.map((header) => {
    const name =
      names === undefined ? '' : nameAt(names, `the names of sections of ${path}`, header.nameOffset, budget);
    const inFile = header.type !== SHT_NOBITS && header.type !== 0;
    let contents = inFile ? slice(path, bytes, header.offset, header.size, `its section ${name}`) : new Uint8Array();
    const isOld = name.startsWith('.zdebug_');
    if ((header.flags & SHF_COMPRESSED) !== 0n || isOld) {
      try {
        contents = decompressed(contents, name, isOld, room);
        room -= contents.length;
      } catch (error) {
        if (!(error instanceof SymbolError)) throw error;
        warnings.push(`${error.message}; it is left out.`);
        contents = new Uint8Array();
      }
    }
    return {
      name: isOld ? `.${name.slice(2)}` : name,
      address: header.address,
      size: header.size,
      bytes: contents,
      executable: (header.flags & SHF_EXECINSTR) !== 0n,
      allocated: (header.flags & SHF_ALLOC) !== 0n,
    };
  });
}

/**
 * The contents of a compressed section: after a header as in the gABI, or in GNU's older form, after "ZLIB" and a size in
 * big-endian order.
 */
function decompressed(contents: Uint8Array, name: string, isOld: boolean, room: number): Uint8Array {
  const reader = new Reader(contents, name);
  let size;
  if (isOld) {
    const magic = new TextDecoder().decode(reader.take(4));
    if (magic !== 'ZLIB') throw new SymbolError(`${name} does not begin as a compressed section does`);
    size = reader.take(8).reduce((value, byte) => value * 256 + byte, 0);
  } else {
    const type = reader.u32();
    if (type !== ELFCOMPRESS_ZLIB) {
      const found = type === ELFCOMPRESS_ZSTD ? 'with zstd' : `in a way of number ${type}`;
      throw new SymbolError(
        `${name} is compressed ${found}, and only zlib is read: link with --compress-debug-sections=zlib or =none`,
      );
    }
    reader.skip(4);
    size = reader.offsetOf(8);
    reader.skip(8);
  }
  if (size > room) throw new SymbolError(`${name} would have ${size} bytes when decompressed, which is too much`);
  if (size > LARGEST_EXPANSION * contents.length)
    throw new SymbolError(`${name} cannot have ${size} bytes when decompressed`);
  return inflate(contents.subarray(reader.offset), size, name);
}

function readSymbols(headers: SectionHeader[], sections: Section[], budget: Budget): ElfSymbol[] {
  const index = headers.findIndex((header) => header.type === SHT_SYMTAB);
  const names = sections[headers[index]?.link ?? -1]?.bytes;
  if (index < 0 || names === undefined) return [];
  const reader = new Reader(sections[index]!.bytes, '.symtab');
  const symbols: ElfSymbol[] = [];
  while (reader.end - reader.offset >= 24) {
    const nameOffset = reader.u32();
    const info = reader.u8();
    reader.skip(1);
    const sectionIndex = reader.u16();
    const address = reader.u64();
    const size = reader.u64();
    const kind = SYMBOL_KINDS[info & 0xf];
    const undefinedSymbol = sectionIndex === 0;
    if (kind === undefined || undefinedSymbol) continue;
    const section = sections[sectionIndex]?.name;
    const name = kind === 'section' ? (section ?? '') : nameAt(names, '.strtab', nameOffset, budget);
    symbols.push({ name, address, size, kind, global: info >> 4 !== 0, section });
  }
  return symbols;
}

function nameAt(names: Uint8Array, table: string, offset: number, budget: Budget): string {
  const reader = new Reader(names, table, offset);
  budget.spend(reader.skipString() - offset);
  return reader.stringAt(offset);
}

/** Yields a reader for each entry of a table in the file. */
function* entries(path: string, bytes: Uint8Array, table: Table, least: number, what: string): Generator<Reader> {
  if (table.count > 0 && table.entrySize < least)
    throw new SymbolError(`${path} is damaged: its ${what} have ${table.entrySize} bytes each, not ${least}.`);
  const length = table.count * table.entrySize;
  const contents = slice(path, bytes, BigInt(table.offset), BigInt(length), `its ${what}`);
  for (let offset = 0; offset < length; offset += table.entrySize)
    yield new Reader(contents, `${what} of ${path}`, offset);
}

function slice(path: string, bytes: Uint8Array, offset: bigint, size: bigint, what: string): Uint8Array {
  if (offset + size > BigInt(bytes.length)) throw truncated(path, bytes, `${what} would end at ${offset + size}`);
  return bytes.subarray(Number(offset), Number(offset + size));
}

function truncated(path: string, bytes: Uint8Array, what: string): SymbolError {
  return new SymbolError(
    `${path} is cut short: it has ${bytes.length} bytes, but ${what}. Was the build interrupted? Build it again.`,
  );
}

function firstBytes(bytes: Uint8Array): string {
  return Array.from(bytes.subarray(0, 4), (byte) => byte.toString(16).padStart(2, '0')).join(' ');
}

function swap(value: number): number {
  return ((value & 0xff) << 8) | (value >> 8);
}
