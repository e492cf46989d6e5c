/**
 * Assembles the small guests of these tests from the machine's own instruction table, with labels and constants of any
 * size, and wraps them in an ELF file. What the table says is held against QEMU, so it may serve here.
 */
import { INSTRUCTIONS } from '../../emulator/isa/decode';

export const BASE = 0x8000_0000;

/** Registers by their ABI names. */
export const R: Record<string, number> = Object.fromEntries(
  'zero ra sp gp tp t0 t1 t2 s0 s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6'
    .split(' ')
    .map((name, number) => [name, number]),
);

export interface Operands {
  rd?: number;
  rs1?: number;
  rs2?: number;
  /** As assembly has it: bytes from here for jumps and branches, the upper 20 bits for lui and auipc. */
  imm?: number;
}

const table = new Map(INSTRUCTIONS.map((entry) => [entry.name, entry]));

/** The instruction word, unsigned. */
export function encode(name: string, { rd = 0, rs1 = 0, rs2 = 0, imm = 0 }: Operands): number {
  const entry = table.get(name);
  if (!entry) throw new Error(`no instruction ${name}`);
  let word = entry.match;
  if (entry.hasRd) word |= rd << 7;
  if (entry.hasRs1) word |= rs1 << 15;
  if (entry.hasRs2) word |= rs2 << 20;
  switch (entry.immediate) {
    case 'I':
    case 'csr':
      word |= imm << 20;
      break;
    case 'shamt':
      word |= (imm & 63) << 20;
      break;
    case 'S':
      word |= ((imm >> 5) << 25) | ((imm & 31) << 7);
      break;
    case 'B':
      word |=
        (((imm >> 12) & 1) << 31) | (((imm >> 5) & 63) << 25) | (((imm >> 1) & 15) << 8) | (((imm >> 11) & 1) << 7);
      break;
    case 'U':
      word |= imm << 12;
      break;
    case 'J':
      word |=
        (((imm >> 20) & 1) << 31) |
        (((imm >> 1) & 1023) << 21) |
        (((imm >> 11) & 1) << 20) |
        (((imm >> 12) & 255) << 12);
      break;
    case 'none':
      break;
  }
  return word >>> 0;
}

export class Assembler {
  private readonly bytes: number[] = [];
  private readonly labels = new Map<string, number>();
  private readonly fixups: { at: number; label: string; patch: (distance: number, at: number) => void }[] = [];

  /** Address of what comes next. */
  get here(): number {
    return BASE + this.bytes.length;
  }

  addressOf(label: string): number {
    const at = this.labels.get(label);
    if (at === undefined) throw new Error(`no label ${label}`);
    return at;
  }

  label(name: string): this {
    if (this.labels.has(name)) throw new Error(`label ${name} twice`);
    this.labels.set(name, this.here);
    return this;
  }

  half(value: number): this {
    this.bytes.push(value & 255, (value >> 8) & 255);
    return this;
  }
  word(value: number): this {
    return this.half(value & 0xffff).half(value >>> 16);
  }
  double(value: bigint): this {
    return this.word(Number(BigInt.asIntN(32, value))).word(Number(BigInt.asIntN(32, value >> 32n)));
  }
  align(bytes: number): this {
    while (this.bytes.length % bytes !== 0) this.bytes.push(0);
    return this;
  }

  op(name: string, operands: Operands = {}): this {
    return this.word(encode(name, operands));
  }

  /** A branch or jal to a label. */
  to(label: string, name: string, operands: Operands = {}): this {
    this.fixups.push({
      at: this.here,
      label,
      patch: (distance, at) => this.patch(at, encode(name, { ...operands, imm: distance })),
    });
    return this.word(0);
  }

  /** rd := address of a label. */
  la(rd: number, label: string): this {
    this.fixups.push({
      at: this.here,
      label,
      patch: (distance, at) => {
        this.patch(at, encode('auipc', { rd, imm: (distance + 0x800) >> 12 }));
        this.patch(at + 4, encode('addi', { rd, rs1: rd, imm: (distance << 20) >> 20 }));
      },
    });
    return this.word(0).word(0);
  }

  /** rd := any 64-bit constant. */
  li(rd: number, value: bigint | number): this {
    const wanted = BigInt.asIntN(64, BigInt(value));
    const low = BigInt.asIntN(12, wanted);
    if (wanted === low) return this.op('addi', { rd, imm: Number(low) });
    if (wanted === BigInt.asIntN(32, wanted)) {
      this.op('lui', { rd, imm: Number(BigInt.asIntN(20, (wanted - low) >> 12n)) });
      return low === 0n ? this : this.op('addiw', { rd, rs1: rd, imm: Number(low) });
    }
    this.li(rd, (wanted - low) >> 12n).op('slli', { rd, rs1: rd, imm: 12 });
    return low === 0n ? this : this.op('addi', { rd, rs1: rd, imm: Number(low) });
  }

  /** All of it, labels resolved. */
  image(): Uint8Array {
    for (const { at, label, patch } of this.fixups) patch(this.addressOf(label) - at, at);
    return Uint8Array.from(this.bytes);
  }

  private patch(at: number, word: number): void {
    for (let i = 0; i < 4; i++) this.bytes[at - BASE + i] = (word >>> (8 * i)) & 255;
  }
}

/** An RV64 ELF executable with one segment at BASE, which is also its entry. */
export function elf(image: Uint8Array, memorySize = image.length): Uint8Array {
  const offset = 0x1000;
  const file = new Uint8Array(offset + image.length);
  const view = new DataView(file.buffer);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, 2, true); // ET_EXEC
  view.setUint16(18, 243, true); // EM_RISCV
  view.setUint32(20, 1, true);
  view.setBigUint64(24, BigInt(BASE), true);
  view.setBigUint64(32, 64n, true);
  view.setUint16(52, 64, true);
  view.setUint16(54, 56, true);
  view.setUint16(56, 1, true);
  view.setUint32(64, 1, true); // PT_LOAD
  view.setUint32(68, 7, true);
  [offset, BASE, BASE, image.length, memorySize, 0x1000].forEach((value, index) =>
    view.setBigUint64(72 + 8 * index, BigInt(value), true),
  );
  file.set(image, offset);
  return file;
}
