/** For tests: short programs written as lists. */
import { encode } from './encode';

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
