/**
 * The program's code as the file has it: symbols over addresses, and just enough of the instructions to unwind what comes
 * without call frame information. Assembly in a kernel (entry, context switch, trap vectors) is of that kind.
 */
import { type Decoded, decode, lengthOf } from '../../emulator/isa/decode';
import type { ElfSymbol, Segment } from './api';
import type { Elf, Section } from './elf';
import { compareAddresses, countWhile } from './search';

const returnAddress = 1;
const stackPointer = 2;
const framePointer = 8;
const longestScan = 4096;

/** What a function without call frame information has done to its frame on the way to an address. */
export interface FrameEffect {
  /** Bytes by which sp lies below its value at entry. */
  depth: bigint;
  /** s0 minus sp's value at entry, where s0 has been set from sp. */
  framePointer: bigint | undefined;
  /** Where registers were saved, relative to sp's value at entry. */
  saved: Map<number, bigint>;
}

export class Code {
  private readonly bySection = new Map<string, ElfSymbol[]>();
  private readonly byName = new Map<string, ElfSymbol>();
  private readonly sections: readonly Section[];
  private readonly segments: readonly Segment[];

  constructor(elf: Elf) {
    this.sections = elf.sections.filter((section) => section.allocated && section.size > 0n);
    this.segments = elf.segments;
    for (const symbol of elf.symbols) {
      if (!isPlace(symbol)) {
        continue;
      }
      const known = this.byName.get(symbol.name);
      if (known === undefined || (symbol.global && !known.global)) {
        this.byName.set(symbol.name, symbol);
      }
      if (symbol.section !== undefined) {
        const list = this.bySection.get(symbol.section);
        if (list === undefined) {
          this.bySection.set(symbol.section, [symbol]);
        } else {
          list.push(symbol);
        }
      }
    }
    for (const list of this.bySection.values()) {
      list.sort((a, b) => compareAddresses(a.address, b.address));
    }
  }

  symbol(name: string): ElfSymbol | undefined {
    return this.byName.get(name);
  }

  /** Where code may run. */
  isExecutable(address: bigint): boolean {
    return this.segments.some(
      (segment) =>
        segment.executable &&
        segment.virtualAddress <= address &&
        address < segment.virtualAddress + BigInt(segment.bytes.length),
    );
  }

  /** Whether a symbol names an address of code. */
  isCode(symbol: ElfSymbol): boolean {
    const section = this.sections.find(({ name }) => name === symbol.section);
    return section?.executable === true && (symbol.kind === 'function' || symbol.kind === 'none');
  }

  /** The symbol that covers an address: a sized one first, else the nearest below in its section. */
  symbolAt(address: bigint): { symbol: ElfSymbol; offset: bigint } | undefined {
    const list = this.symbolsAround(address);
    let nearest: ElfSymbol | undefined;
    for (let index = countWhile(list, (symbol) => symbol.address <= address) - 1; index >= 0; index--) {
      const symbol = list[index]!;
      if (symbol.size > 0n && address < symbol.address + symbol.size) {
        nearest = symbol;
        break;
      }
      nearest = better(nearest, symbol);
      if (symbol.size > 0n && symbol.address < nearest.address) {
        break;
      }
    }
    return nearest && { symbol: nearest, offset: address - nearest.address };
  }

  /** The address of the next symbol behind an address, or where its section ends. */
  endOfSymbol(address: bigint): bigint | undefined {
    const list = this.symbolsAround(address);
    return list.find((symbol) => symbol.address > address)?.address ?? this.end(address);
  }

  /** Whether the instruction before a return address is one that sets ra: what does not follow a call was never returned to. */
  followsCall(address: bigint): boolean {
    for (const length of [4, 2] as const) {
      const decoded = this.instructionAt(address - BigInt(length));
      const isJump = decoded?.instruction.name === 'jal' || decoded?.instruction.name === 'jalr';
      if (isJump && decoded.length === length && decoded.rd === returnAddress) {
        return true;
      }
    }
    return false;
  }

  /** Whether code between two addresses returns from a trap: then what it was entered from is no call. */
  returnsFromTrap(low: bigint, high: bigint): boolean {
    for (const { decoded } of this.instructions(low, high)) {
      if (decoded?.instruction.name === 'sret' || decoded?.instruction.name === 'mret') {
        return true;
      }
    }
    return false;
  }

  /** Follows sp, s0 and the saved registers in a straight line from a function's entry up to an address. */
  frameEffect(entry: bigint, address: bigint): FrameEffect {
    const effect: FrameEffect = { depth: 0n, framePointer: undefined, saved: new Map() };
    for (const { decoded } of this.instructions(entry, address)) {
      if (decoded !== undefined) {
        follow(effect, decoded);
      }
    }
    return effect;
  }

  private *instructions(low: bigint, high: bigint): Generator<{ decoded: Decoded | undefined }> {
    let address = low;
    for (let count = 0; address < high && count < longestScan; count++) {
      const bytes = this.bytesAt(address);
      if (bytes === undefined) {
        return;
      }
      yield { decoded: this.instructionAt(address) };
      address += BigInt(lengthOf(bytes[0]!));
    }
  }

  private instructionAt(address: bigint): Decoded | undefined {
    const bytes = this.bytesAt(address);
    return bytes && decode(bytes[0]! | (bytes[1]! << 8) | ((bytes[2] ?? 0) << 16) | ((bytes[3] ?? 0) << 24));
  }

  /** Two to four bytes of code. */
  private bytesAt(address: bigint): Uint8Array | undefined {
    for (const { executable, virtualAddress, bytes } of this.segments) {
      if (executable && virtualAddress <= address && address + 2n <= virtualAddress + BigInt(bytes.length)) {
        const offset = Number(address - virtualAddress);
        return bytes.subarray(offset, offset + 4);
      }
    }
    return undefined;
  }

  private symbolsAround(address: bigint): readonly ElfSymbol[] {
    const section = this.sectionAt(address);
    return (section && this.bySection.get(section.name)) ?? [];
  }

  private end(address: bigint): bigint | undefined {
    const section = this.sectionAt(address);
    return section && section.address + section.size;
  }

  private sectionAt(address: bigint): Section | undefined {
    return this.sections.find((section) => section.address <= address && address < section.address + section.size);
  }
}

/** Mapping symbols ($x, $d) and the assembler's own labels name nothing that a person wrote. */
function isPlace({ name, kind }: ElfSymbol): boolean {
  return kind !== 'section' && kind !== 'file' && name !== '' && !name.startsWith('$') && !name.startsWith('.L');
}

/** Of two symbols below an address the nearer one; at one address a global one. */
function better(nearest: ElfSymbol | undefined, symbol: ElfSymbol): ElfSymbol {
  if (nearest === undefined) {
    return symbol;
  }
  return symbol.address === nearest.address && symbol.global && !nearest.global ? symbol : nearest;
}

function follow(effect: FrameEffect, { instruction, rd, rs1, rs2, imm }: Decoded): void {
  const offset = BigInt(imm);
  switch (instruction.name) {
    case 'addi':
      if (rd === stackPointer && rs1 === stackPointer) {
        effect.depth -= offset;
      } else if (rd === framePointer) {
        effect.framePointer = rs1 === stackPointer ? offset - effect.depth : undefined;
      }
      break;
    case 'sd':
      if (rs1 === stackPointer && !effect.saved.has(rs2)) {
        effect.saved.set(rs2, offset - effect.depth);
      }
      break;
    case 'ld':
      if (rs1 === stackPointer && effect.saved.get(rd) === offset - effect.depth) {
        effect.saved.delete(rd);
        effect.framePointer = rd === framePointer ? undefined : effect.framePointer;
      }
      break;
  }
}
