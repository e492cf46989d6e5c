/**
 * The C extension (RISC-V unprivileged specification, chapter 16): each 16-bit instruction is short for a full one and is
 * expanded when it is decoded. Nothing else in the machine knows that compressed instructions exist.
 */

/** The full instruction, by name, and its operands; rd and rs2 stand for fd and fs2, too. */
export interface Expansion {
  name: string;
  rd: number;
  rs1: number;
  rs2: number;
  imm: number;
}

/** Every instruction that a compressed one can stand for. */
export const COMPRESSIBLE: ReadonlySet<string> = new Set([
  ...['addi', 'addiw', 'lui', 'andi', 'slli', 'srli', 'srai', 'add', 'sub', 'xor', 'or', 'and', 'addw', 'subw'],
  ...['lw', 'ld', 'sw', 'sd', 'fld', 'fsd', 'jal', 'jalr', 'beq', 'bne', 'ebreak'],
]);

/** Picks bits of `c` and puts them together: pairs of [from, width], the highest part of the result first. */
function bits(c: number, ...parts: [from: number, width: number][]): number {
  let value = 0;
  for (const [from, width] of parts) value = (value << width) | ((c >>> from) & ((1 << width) - 1));
  return value;
}
const signExtend = (value: number, width: number): number => (value << (32 - width)) >> (32 - width);

/** The full register fields, and the three-bit ones that name x8 to x15. */
const full = (c: number): number => bits(c, [7, 5]);
const second = (c: number): number => bits(c, [2, 5]);
const high = (c: number): number => 8 + bits(c, [7, 3]);
const lowHalf = (c: number): number => 8 + bits(c, [2, 3]);

const imm6 = (c: number): number => signExtend(bits(c, [12, 1], [2, 5]), 6);
const shamt = (c: number): number => bits(c, [12, 1], [2, 5]);
const wordOffset = (c: number): number => bits(c, [5, 1], [10, 3], [6, 1]) << 2;
const doubleOffset = (c: number): number => bits(c, [5, 2], [10, 3]) << 3;
const jumpOffset = (c: number): number =>
  signExtend(bits(c, [12, 1], [8, 1], [9, 2], [6, 1], [7, 1], [2, 1], [11, 1], [3, 3]) << 1, 12);
const branchOffset = (c: number): number => signExtend(bits(c, [12, 1], [5, 2], [2, 1], [10, 2], [3, 2]) << 1, 9);

const full3 = (name: string, rd: number, rs1: number, rs2: number, imm = 0): Expansion => ({ name, rd, rs1, rs2, imm });

const MISC_ALU = ['sub', 'xor', 'or', 'and', 'subw', 'addw'] as const;

/** Expands a 16-bit instruction; undefined if it is reserved. */
export function expand(c: number): Expansion | undefined {
  const funct3 = bits(c, [13, 3]);
  switch (c & 3) {
    case 0:
      return quadrant0(c, funct3);
    case 1:
      return quadrant1(c, funct3);
    case 2:
      return quadrant2(c, funct3);
    default:
      return undefined;
  }
}

function quadrant0(c: number, funct3: number): Expansion | undefined {
  switch (funct3) {
    case 0: {
      const imm = bits(c, [7, 4], [11, 2], [5, 1], [6, 1]) << 2;
      return imm === 0 ? undefined : full3('addi', lowHalf(c), 2, 0, imm);
    }
    case 1:
      return full3('fld', lowHalf(c), high(c), 0, doubleOffset(c));
    case 2:
      return full3('lw', lowHalf(c), high(c), 0, wordOffset(c));
    case 3:
      return full3('ld', lowHalf(c), high(c), 0, doubleOffset(c));
    case 5:
      return full3('fsd', 0, high(c), lowHalf(c), doubleOffset(c));
    case 6:
      return full3('sw', 0, high(c), lowHalf(c), wordOffset(c));
    case 7:
      return full3('sd', 0, high(c), lowHalf(c), doubleOffset(c));
    default:
      return undefined;
  }
}

function quadrant1(c: number, funct3: number): Expansion | undefined {
  const rd = full(c);
  switch (funct3) {
    case 0:
      return full3('addi', rd, rd, 0, imm6(c));
    case 1:
      return rd === 0 ? undefined : full3('addiw', rd, rd, 0, imm6(c));
    case 2:
      return full3('addi', rd, 0, 0, imm6(c));
    case 3: {
      if (rd === 2) {
        const imm = signExtend(bits(c, [12, 1], [3, 2], [5, 1], [2, 1], [6, 1]) << 4, 10);
        return imm === 0 ? undefined : full3('addi', 2, 2, 0, imm);
      }
      return imm6(c) === 0 ? undefined : full3('lui', rd, 0, 0, imm6(c) << 12);
    }
    case 4: {
      const r = high(c);
      switch (bits(c, [10, 2])) {
        case 0:
          return full3('srli', r, r, 0, shamt(c));
        case 1:
          return full3('srai', r, r, 0, shamt(c));
        case 2:
          return full3('andi', r, r, 0, imm6(c));
        default: {
          const name = MISC_ALU[bits(c, [12, 1], [5, 2])];
          return name === undefined ? undefined : full3(name, r, r, lowHalf(c));
        }
      }
    }
    case 5:
      return full3('jal', 0, 0, 0, jumpOffset(c));
    case 6:
      return full3('beq', 0, high(c), 0, branchOffset(c));
    default:
      return full3('bne', 0, high(c), 0, branchOffset(c));
  }
}

function quadrant2(c: number, funct3: number): Expansion | undefined {
  const rd = full(c);
  const rs2 = second(c);
  switch (funct3) {
    case 0:
      return full3('slli', rd, rd, 0, shamt(c));
    case 1:
      return full3('fld', rd, 2, 0, bits(c, [2, 3], [12, 1], [5, 2]) << 3);
    case 2:
      return rd === 0 ? undefined : full3('lw', rd, 2, 0, bits(c, [2, 2], [12, 1], [4, 3]) << 2);
    case 3:
      return rd === 0 ? undefined : full3('ld', rd, 2, 0, bits(c, [2, 3], [12, 1], [5, 2]) << 3);
    case 4:
      if (bits(c, [12, 1]) === 0) {
        if (rs2 !== 0) return full3('add', rd, 0, rs2);
        return rd === 0 ? undefined : full3('jalr', 0, rd, 0);
      }
      if (rs2 !== 0) return full3('add', rd, rd, rs2);
      return rd === 0 ? full3('ebreak', 0, 0, 0) : full3('jalr', 1, rd, 0);
    case 5:
      return full3('fsd', 0, 2, rs2, bits(c, [7, 3], [10, 3]) << 3);
    case 6:
      return full3('sw', 0, 2, rs2, bits(c, [7, 2], [9, 4]) << 2);
    case 7:
      return full3('sd', 0, 2, rs2, bits(c, [7, 3], [10, 3]) << 3);
    default:
      return undefined;
  }
}
