/** For tests: short programs written as lists, for specs that count instructions. */
import { Assembler } from './assembler';
import { type Operands, encode } from './encode';

/** An instruction's word, a label, or a branch or jal to a label. */
export type Item = number | string | { to: string; name: string; operands: Operands };

export const label = (name: string): string => name;
export const jumpTo = (to: string, rd = 0): Item => ({ to, name: 'jal', operands: { rd } });
export const branchTo = (name: string, rs1: number, rs2: number, to: string): Item => ({
  to,
  name,
  operands: { rs1, rs2 },
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

/** A program's bytes, its labels resolved. */
export function assembleProgram(items: readonly Item[]): Uint8Array {
  const assembler = new Assembler();
  for (const item of items) {
    if (typeof item === 'string') assembler.label(item);
    else if (typeof item === 'number') assembler.word(item);
    else assembler.to(item.to, item.name, item.operands);
  }
  return assembler.image();
}
