/**
 * The program's code in the file: symbols by address, and just enough decoding to unwind code without call frame
 * information, such as a kernel's assembly (entry, context switch, trap vectors).
 */
import { isCall, isTrapReturn } from '../../emulator/isa/instructions/calls';
import type { Decoded } from '../../emulator/isa/instructions/decode';
import { isSum } from '../../emulator/isa/instructions/instruction';
import { instructionAt, instructionsFrom } from '../../emulator/isa/instructions/instruction-at';
import { X } from '../../emulator/isa/registers';
import type { ElfSymbol, ReadMemory, Segment } from './api';
import type { Elf, Section } from './container/elf';
import { fileMemory } from './container/file-memory';
import { compareAddresses, countWhile } from './search';

const LONGEST_SCAN = 4096;

/** How a function without call frame information has set up its frame when it reaches an address. */
export interface FrameEffect {
  /** Bytes between sp and its higher value at entry. */
  depth: bigint;
  /** s0 minus sp's value at entry, if s0 has been set from sp. */
  framePointer: bigint | undefined;
  /** The offsets of saved registers from sp's value at entry. */
  saved: Map<number, bigint>;
}

export class LinkedCode {
  private readonly bySection = new Map<string, ElfSymbol[]>();
  private readonly byName = new Map<string, ElfSymbol>();
  private readonly sections: readonly Section[];
  private readonly segments: readonly Segment[];
  /** Reads code. */
  private readonly read: ReadMemory;

  constructor(elf: Elf) {
    this.sections = elf.sections.filter((section) => section.allocated && section.size > 0n);
    this.segments = elf.segments;
    this.read = fileMemory(elf.segments.filter(({ executable }) => executable));
    for (const symbol of elf.symbols) {
      if (!isPlace(symbol)) continue;
      const known = this.byName.get(symbol.name);
      if (known === undefined || (symbol.global && !known.global)) this.byName.set(symbol.name, symbol);
      if (symbol.section !== undefined) {
        const list = this.bySection.get(symbol.section);
        if (list === undefined) this.bySection.set(symbol.section, [symbol]);
        else list.push(symbol);
      }
    }
    for (const list of this.bySection.values()) list.sort((a, b) => compareAddresses(a.address, b.address));
  }

  symbol(name: string): ElfSymbol | undefined {
    return this.byName.get(name);
  }

  /** Whether the file has code at an address. */
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

  /** The symbol of an address: a sized one that covers it, else the nearest one below in its section. */
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
      if (symbol.size > 0n && symbol.address < nearest.address) break;
    }
    return nearest && { symbol: nearest, offset: address - nearest.address };
  }

  /** The address of the next symbol after an address, or the end of its section. */
  endOfSymbol(address: bigint): bigint | undefined {
    const list = this.symbolsAround(address);
    return list.find((symbol) => symbol.address > address)?.address ?? this.end(address);
  }

  /** Whether the instruction before a return address is one that sets ra: what does not follow a call was never returned to. */
  followsCall(address: bigint): boolean {
    for (const length of [4, 2] as const) {
      const decoded = instructionAt(this.read, address - BigInt(length));
      if (decoded?.length === length && isCall(decoded)) return true;
    }
    return false;
  }

  /** Whether code between two addresses returns from a trap: then what it was entered from is no call. */
  returnsFromTrap(low: bigint, high: bigint): boolean {
    for (const decoded of this.instructions(low, high)) if (isTrapReturn(decoded)) return true;

    return false;
  }

  /** Follows sp, s0 and the saved registers in a straight line from a function's entry up to an address. */
  frameEffect(entry: bigint, address: bigint): FrameEffect {
    const effect: FrameEffect = { depth: 0n, framePointer: undefined, saved: new Map() };
    for (const decoded of this.instructions(entry, address)) follow(effect, decoded);
    return effect;
  }

  private *instructions(low: bigint, high: bigint): Generator<Decoded> {
    let count = 0;
    for (const { decoded } of instructionsFrom(this.read, low, high)) {
      if (++count > LONGEST_SCAN) return;
      if (decoded !== undefined) yield decoded;
    }
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

/** False for mapping symbols ($x, $d) and the assembler's own labels, which nobody wrote. */
function isPlace({ name, kind }: ElfSymbol): boolean {
  return kind !== 'section' && kind !== 'file' && name !== '' && !name.startsWith('$') && !name.startsWith('.L');
}

/** The nearer of two symbols below an address; at the same address, a global one. */
function better(nearest: ElfSymbol | undefined, symbol: ElfSymbol): ElfSymbol {
  if (nearest === undefined) return symbol;
  return symbol.address === nearest.address && symbol.global && !nearest.global ? symbol : nearest;
}

function follow(effect: FrameEffect, { instruction, rd, rs1, rs2, imm }: Decoded): void {
  const { access } = instruction;
  const offset = BigInt(imm);
  if (isSum(instruction, 'rs1', 'imm')) {
    if (rd === X.sp && rs1 === X.sp) effect.depth -= offset;
    else if (rd === X.s0) effect.framePointer = rs1 === X.sp ? offset - effect.depth : undefined;
  } else if (access?.bytes === 8 && rs1 === X.sp) {
    if (access.kind === 'store' && !effect.saved.has(rs2)) {
      effect.saved.set(rs2, offset - effect.depth);
    } else if (access.kind === 'load' && effect.saved.get(rd) === offset - effect.depth) {
      effect.saved.delete(rd);
      effect.framePointer = rd === X.s0 ? undefined : effect.framePointer;
    }
  }
}
