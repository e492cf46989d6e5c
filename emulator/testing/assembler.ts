/** For tests: instructions from the table as words, and words as a bootable ELF. */
import { INSTRUCTIONS } from '../isa/decode';
import type { ImmediateKind } from '../isa/instruction';

export interface Operands {
  rd?: number;
  rs1?: number;
  rs2?: number;
  imm?: number;
}

const byName = new Map(INSTRUCTIONS.map((entry) => [entry.name, entry]));

/** The word of an instruction: `encode('addi', { rd: 5, rs1: 5, imm: 1 })`. */
export function encode(name: string, { rd = 0, rs1 = 0, rs2 = 0, imm = 0 }: Operands = {}): number {
  const entry = byName.get(name);
  if (entry === undefined) throw new Error(`no instruction ${name}`);
  const fields = (entry.hasRd ? rd << 7 : 0) | (entry.hasRs1 ? rs1 << 15 : 0) | (entry.hasRs2 ? rs2 << 20 : 0);
  return (entry.match | fields | immediateBits(entry.immediate, imm)) >>> 0;
}

function immediateBits(kind: ImmediateKind, imm: number): number {
  const bit = (from: number, count: number, to: number): number => ((imm >>> from) & ((1 << count) - 1)) << to;
  switch (kind) {
    case 'none':
      return 0;
    case 'I':
    case 'csr':
      return imm << 20;
    case 'S':
      return bit(5, 7, 25) | bit(0, 5, 7);
    case 'B':
      return bit(12, 1, 31) | bit(5, 6, 25) | bit(1, 4, 8) | bit(11, 1, 7);
    case 'U':
      return imm & ~0xfff;
    case 'J':
      return bit(20, 1, 31) | bit(1, 10, 21) | bit(11, 1, 20) | bit(12, 8, 12);
    case 'shamt':
      return imm << 20;
  }
}

/** A program as a list of words, with labels for jumps: functions that are given the distance to a label. */
export type Item = number | string | { to: string; word: (distance: number) => number };

export const label = (name: string): string => name;
export const jumpTo = (to: string, rd = 0): Item => ({ to, word: (imm) => encode('jal', { rd, imm }) });
export const branchTo = (name: string, rs1: number, rs2: number, to: string): Item => ({
  to,
  word: (imm) => encode(name, { rs1, rs2, imm }),
});

/** rd := a constant of 64 bits, in a fixed number of instructions. */
export function loadConstant(rd: number, value: bigint): number[] {
  const words = [encode('addi', { rd, imm: 0 })];
  for (let shift = 55n; shift >= 0n; shift -= 11n) {
    words.push(encode('slli', { rd, rs1: rd, imm: 11 }));
    words.push(encode('ori', { rd, rs1: rd, imm: Number((value >> shift) & 0x7ffn) }));
  }
  return words;
}

/** Puts a program's words into bytes, with its labels resolved. */
export function assembleProgram(items: readonly Item[]): Uint8Array {
  const labels = new Map<string, number>();
  let at = 0;
  for (const item of items) {
    if (typeof item === 'string') labels.set(item, at);
    else at += 4;
  }
  const view = new DataView(new ArrayBuffer(at));
  at = 0;
  for (const item of items) {
    if (typeof item === 'string') continue;
    const word = typeof item === 'number' ? item : item.word(labels.get(item.to)! - at);
    view.setUint32(at, word >>> 0, true);
    at += 4;
  }
  return new Uint8Array(view.buffer);
}

/** An RV64 ELF with one segment at 0x80000000, entered at its start. */
export function elf(bytes: Uint8Array, memorySize = bytes.length): Uint8Array {
  const header = 64 + 56;
  const file = new Uint8Array(header + bytes.length);
  const view = new DataView(file.buffer);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, 2, true);
  view.setUint16(18, 243, true);
  view.setUint32(20, 1, true);
  view.setBigUint64(24, 0x80000000n, true);
  view.setBigUint64(32, 64n, true);
  view.setUint16(52, 64, true);
  view.setUint16(54, 56, true);
  view.setUint16(56, 1, true);
  view.setUint32(64, 1, true);
  view.setUint32(68, 7, true);
  view.setBigUint64(72, BigInt(header), true);
  view.setBigUint64(80, 0x80000000n, true);
  view.setBigUint64(88, 0x80000000n, true);
  view.setBigUint64(96, BigInt(bytes.length), true);
  view.setBigUint64(104, BigInt(memorySize), true);
  file.set(bytes, header);
  return file;
}
