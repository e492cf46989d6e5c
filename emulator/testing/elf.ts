/** For tests: RISC-V executables, in the format of the System V ABI, chapters 4 and 5. */
import { Bytes } from './bytes';

export const BASE = 0x8000_0000;

const EHDR_SIZE = 64;
const PHDR_SIZE = 56;
const SHDR_SIZE = 64;
const CODE_OFFSET = EHDR_SIZE + PHDR_SIZE;
const ET_EXEC = 2;
const EM_RISCV = 243;
const PT_LOAD = 1;
const SHT_PROGBITS = 1;
const SHT_STRTAB = 3;
const SHF_ALLOC_EXECINSTR = 6n;

export interface ElfOptions {
  /** Bytes that the segment takes in memory; those beyond the image are zero. */
  memorySize?: number;
  /** Sections beside the code, by name. Without any, the file has no section table. */
  sections?: Readonly<Record<string, Bytes>>;
}

/** An RV64 executable with one segment at BASE, which is also its entry. */
export function elf(image: Uint8Array, { memorySize = image.length, sections }: ElfOptions = {}): Uint8Array {
  const parts = sections ? sectionTable(image.length, sections) : undefined;
  const header = new Bytes().u8(0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, ...new Array<number>(9).fill(0));
  header.u16(ET_EXEC).u16(EM_RISCV).u32(1).u64(BigInt(BASE));
  header.u64(BigInt(EHDR_SIZE), BigInt(parts?.tableOffset ?? 0)).u32(0);
  const count = parts?.count ?? 0;
  header
    .u16(EHDR_SIZE)
    .u16(PHDR_SIZE)
    .u16(1)
    .u16(SHDR_SIZE)
    .u16(count)
    .u16(Math.max(0, count - 1));
  const sizes = [BigInt(image.length), BigInt(memorySize)];
  header
    .u32(PT_LOAD)
    .u32(7)
    .u64(BigInt(CODE_OFFSET), BigInt(BASE), BigInt(BASE), ...sizes, 8n);

  const rest = parts?.bytes.toArray() ?? new Uint8Array();
  const file = new Uint8Array(CODE_OFFSET + image.length + rest.length);
  file.set(header.toArray());
  file.set(image, CODE_OFFSET);
  file.set(rest, CODE_OFFSET + image.length);
  return file;
}

/** What follows the code in the file: the other sections' bytes, their names, and the table. */
function sectionTable(codeSize: number, others: Readonly<Record<string, Bytes>>) {
  const names = new Bytes();
  const bytes = new Bytes();
  const table = new Bytes();
  const add = (name: string, type: number, flags: bigint, address: number, offset: number, size: number): void => {
    table
      .u32(names.length)
      .u32(type)
      .u64(flags, BigInt(address), BigInt(offset), BigInt(size))
      .u32(0)
      .u32(0)
      .u64(1n, 0n);
    names.text(name);
  };
  const here = (): number => CODE_OFFSET + codeSize + bytes.length;
  add('', 0, 0n, 0, 0, 0);
  add('.text', SHT_PROGBITS, SHF_ALLOC_EXECINSTR, BASE, CODE_OFFSET, codeSize);
  for (const [name, section] of Object.entries(others)) {
    add(name, SHT_PROGBITS, 0n, 0, here(), section.length);
    bytes.add(section);
  }
  const nameTable = '.shstrtab';
  add(nameTable, SHT_STRTAB, 0n, 0, here(), names.length + nameTable.length + 1);
  bytes.add(names);
  const tableOffset = here();
  return { bytes: bytes.add(table), tableOffset, count: table.length / SHDR_SIZE };
}
