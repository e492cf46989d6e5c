/**
 * Call frame instructions (DWARF 5, section 6.4.2), which yield the rules for recovering the caller's registers at an address.
 * Column n is register x(n); the CIE names the column of the return address, which is x1 in the output of RISC-V compilers.
 */
import { hex } from '../../../emulator/isa/hex';
import { SymbolError } from '../api';
import { Cfa } from './constants';
import type { Section } from '../container/elf';
import { type FrameEntry, type FrameSection, readFrameEntry, readPointer } from './frame-entry';
import { Reader } from '../container/reader';
import { compareAddresses, countWhile } from '../search';

/** How to find a register of the caller. Offsets are relative to the canonical frame address. */
export type RegisterRule =
  | { kind: 'undefined' | 'same' }
  | { kind: 'offset' | 'value-offset'; offset: bigint }
  | { kind: 'register'; register: number }
  | { kind: 'expression' | 'value-expression'; expression: Uint8Array };

export type CfaRule = { register: number; offset: bigint } | { expression: Uint8Array };

export interface FrameRules {
  cfa: CfaRule;
  registers: ReadonlyMap<number, RegisterRule>;
  returnAddressColumn: number;
  /** The frame of an interrupt or signal: its caller stopped at pc, not after a call. */
  signal: boolean;
}

const DEEPEST_MEMORY = 64;
/** Integer, floating-point and vector registers; higher numbers are CSRs, which no compiler saves. */
const REGISTER_LIMIT = 128;

/** The entries of one file, read once when the first frame is unwound. */
export class CallFrames {
  private entries: FrameEntry[] | undefined;

  constructor(
    private readonly sections: readonly Section[],
    private readonly warn: (message: string) => void,
  ) {}

  /** The rules at an address; undefined if no entry covers it. */
  rulesAt(address: bigint): FrameRules | undefined {
    const entries = (this.entries ??= this.read());
    const entry = entries[countWhile(entries, ({ low }) => low <= address) - 1];
    return entry !== undefined && address < entry.high ? new RuleMachine(entry).rulesAt(address) : undefined;
  }

  private read(): FrameEntry[] {
    const entries: FrameEntry[] = [];
    for (const section of this.sections) {
      const isEhFrame = section.name === '.eh_frame';
      if (isEhFrame || section.name === '.debug_frame') {
        const { name, bytes, address } = section;
        this.readSection({ name, bytes, address, isEhFrame }, entries);
      }
    }
    return entries.sort((a, b) => compareAddresses(a.low, b.low));
  }

  private readSection(section: FrameSection, entries: FrameEntry[]): void {
    const commons = new Map<number, FrameEntry['common']>();
    const reader = new Reader(section.bytes, section.name);
    try {
      while (!reader.done) {
        const entry = readFrameEntry(section, reader, commons);
        if (entry !== undefined && entry.low < entry.high) entries.push(entry);
      }
    } catch (error) {
      if (!(error instanceof SymbolError)) throw error;
      this.warn(`${error.message}; frames from there on are found by the frame pointer.`);
    }
  }
}

interface RuleState {
  cfa: CfaRule;
  registers: Map<number, RegisterRule>;
}

/** Runs the instructions of a CIE and an FDE up to an address. */
class RuleMachine {
  private state: RuleState = { cfa: { register: 2, offset: 0n }, registers: new Map() };
  private initial: ReadonlyMap<number, RegisterRule> = new Map();
  private readonly remembered: RuleState[] = [];
  private location: bigint;

  constructor(private readonly entry: FrameEntry) {
    this.location = entry.low;
  }

  rulesAt(address: bigint): FrameRules {
    const { common } = this.entry;
    this.run(common.instructions, address);
    this.initial = new Map(this.state.registers);
    this.run(this.entry.instructions, address);
    const { cfa, registers } = this.state;
    return { cfa, registers, returnAddressColumn: common.returnAddressColumn, signal: common.signal };
  }

  private run(instructions: Uint8Array, address: bigint): void {
    const reader = new Reader(instructions, `the call frame instructions for ${hex(this.entry.low)}`);
    while (!reader.done && this.location <= address) {
      const next = this.step(reader, reader.u8());
      if (next !== undefined) {
        if (next > address) return;
        this.location = next;
      }
    }
  }

  /** Executes one instruction. Returns the new location if it advances. */
  private step(reader: Reader, opcode: number): bigint | undefined {
    const operand = opcode & 0x3f;
    switch (opcode & 0xc0) {
      case Cfa.advanceLoc:
        return this.advanced(BigInt(operand));
      case Cfa.offset:
        this.set(operand, this.factored('offset', reader.uleb64()));
        return undefined;
      case Cfa.restore:
        this.restore(operand);
        return undefined;
    }
    switch (opcode) {
      case Cfa.nop:
        return undefined;
      case Cfa.setLoc:
        return readPointer(reader, this.entry.common.addressEncoding & 0x0f, this.entry.common.addressSize, 0n);
      case Cfa.advanceLoc1:
        return this.advanced(BigInt(reader.u8()));
      case Cfa.advanceLoc2:
        return this.advanced(BigInt(reader.u16()));
      case Cfa.advanceLoc4:
        return this.advanced(BigInt(reader.u32()));
      case Cfa.rememberState:
        if (this.remembered.length >= DEEPEST_MEMORY)
          throw new SymbolError(`${reader.name} remember more than ${DEEPEST_MEMORY} states`);
        this.remembered.push({ cfa: this.state.cfa, registers: new Map(this.state.registers) });
        return undefined;
      case Cfa.restoreState: {
        const state = this.remembered.pop();
        if (state === undefined) throw new SymbolError(`${reader.name} restore a state that was not remembered`);
        this.state = state;
        return undefined;
      }
      case Cfa.defCfa:
        this.state.cfa = { register: reader.uleb(), offset: reader.uleb64() };
        return undefined;
      case Cfa.defCfaSf:
        this.state.cfa = { register: reader.uleb(), offset: reader.sleb64() * this.entry.common.dataAlignment };
        return undefined;
      case Cfa.defCfaRegister:
        this.state.cfa = { register: reader.uleb(), offset: this.cfaOffset() };
        return undefined;
      case Cfa.defCfaOffset:
        this.state.cfa = { register: this.cfaRegister(), offset: reader.uleb64() };
        return undefined;
      case Cfa.defCfaOffsetSf:
        this.state.cfa = { register: this.cfaRegister(), offset: reader.sleb64() * this.entry.common.dataAlignment };
        return undefined;
      case Cfa.defCfaExpression:
        this.state.cfa = { expression: reader.take(reader.uleb()) };
        return undefined;
      case Cfa.gnuArgsSize:
        reader.uleb();
        return undefined;
      default:
        this.setRule(reader, opcode);
        return undefined;
    }
  }

  private setRule(reader: Reader, opcode: number): void {
    const register = reader.uleb();
    switch (opcode) {
      case Cfa.offsetExtended:
        return this.set(register, this.factored('offset', reader.uleb64()));
      case Cfa.offsetExtendedSf:
        return this.set(register, this.factored('offset', reader.sleb64()));
      case Cfa.gnuNegativeOffsetExtended:
        return this.set(register, this.factored('offset', -reader.uleb64()));
      case Cfa.valOffset:
        return this.set(register, this.factored('value-offset', reader.uleb64()));
      case Cfa.valOffsetSf:
        return this.set(register, this.factored('value-offset', reader.sleb64()));
      case Cfa.restoreExtended:
        return this.restore(register);
      case Cfa.undefined:
        return this.set(register, { kind: 'undefined' });
      case Cfa.sameValue:
        return this.set(register, { kind: 'same' });
      case Cfa.register:
        return this.set(register, { kind: 'register', register: reader.uleb() });
      case Cfa.expression:
        return this.set(register, { kind: 'expression', expression: reader.take(reader.uleb()) });
      case Cfa.valExpression:
        return this.set(register, { kind: 'value-expression', expression: reader.take(reader.uleb()) });
      default:
        throw new SymbolError(`${reader.name}: unknown instruction ${hex(opcode)}`);
    }
  }

  private set(register: number, rule: RegisterRule): void {
    if (register < REGISTER_LIMIT) this.state.registers.set(register, rule);
  }

  private restore(register: number): void {
    const rule = this.initial.get(register);
    if (rule === undefined) this.state.registers.delete(register);
    else this.state.registers.set(register, rule);
  }

  private factored(kind: 'offset' | 'value-offset', factor: bigint): RegisterRule {
    return { kind, offset: factor * this.entry.common.dataAlignment };
  }

  private advanced(delta: bigint): bigint {
    return this.location + delta * this.entry.common.codeAlignment;
  }

  private cfaRegister(): number {
    const { cfa } = this.state;
    if ('expression' in cfa)
      throw new SymbolError('call frame instructions change the offset of a frame address that an expression gives');
    return cfa.register;
  }

  private cfaOffset(): bigint {
    const { cfa } = this.state;
    return 'expression' in cfa ? 0n : cfa.offset;
  }
}
