/** For tests: assembles small guests, with labels and constants of any size. */
import { BASE } from './elf';
import { type Operands, R, encode } from './encode';

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
    return this.far(label, rd, (imm) => encode('addi', { rd, rs1: rd, imm }));
  }

  /** Calls a label that may be far away, as gcc does where nothing is relaxed: auipc and jalr. */
  callFar(label: string): this {
    return this.far(label, R.ra, (imm) => encode('jalr', { rd: R.ra, rs1: R.ra, imm }));
  }

  /** auipc to a register, and an instruction that adds the rest of the distance. */
  private far(label: string, rd: number, second: (imm: number) => number): this {
    this.fixups.push({
      at: this.here,
      label,
      patch: (distance, at) => {
        this.patch(at, encode('auipc', { rd, imm: (distance + 0x800) >> 12 }));
        this.patch(at + 4, second((distance << 20) >> 20));
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
