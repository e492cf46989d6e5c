/**
 * Implements `Binary`. Opening an executable reads the ELF container and the headers of the units; everything else is read
 * when it is first needed. A unit with damaged debug information is ignored from then on, with a message in `warnings`.
 */
import { hex } from '../../emulator/isa/hex';
import {
  SymbolError,
  type ArrayBound,
  type Binary,
  type BreakLocation,
  type ElfSymbol,
  type EnumType,
  type FrameRegisters,
  type FunctionInfo,
  type InlinedCall,
  type LineEntry,
  type Location,
  type Macro,
  type ReadMemory,
  type Scope,
  type Segment,
  type Type,
  type Variable,
} from './api';
import { CallFrames } from './dwarf/call-frame';
import { LinkedCode } from './code';
import { Damage } from './declarations/damage';
import type { Die } from './dwarf/die';
import { At, Tag } from './dwarf/constants';
import { type Elf, readElf } from './container/elf';
import { Subprogram, type VariableOrigin } from './declarations/functions';
import { Globals } from './declarations/globals';
import { type Blocks, Lines } from './lines';
import { Locator } from './frames/locate';
import { readMacros } from './dwarf/macros';
import { Names, builtinType, isNamed } from './declarations/names';
import { Types } from './declarations/types';
import { withLengths } from './declarations/array-types';
import { compareAddresses, countWhile } from './search';
import { DebugInfo } from './dwarf/debug-info';
import { SplitDwarf, type SplitFile } from './dwarf/split';
import type { Unit } from './dwarf/unit';
import { Unwinder } from './frames/unwind';

export interface OpenedBinary extends Binary {
  readonly warnings: readonly string[];
  /** The .dwo files that it needs and does not have yet. Looking for them is left to the caller, before anything else. */
  readonly splitFiles: readonly SplitFile[];
  /** Takes over what belongs to it from a .dwo or .dwp file, if that is sound; `undefined` if there is none. */
  attachSplit(path: string, bytes: Uint8Array | undefined): void;
}

/**
 * Opens an ELF. `path` is for messages. Throws SymbolError for anything but a 64-bit RISC-V executable. `warned` is called
 * with a message whenever a damaged part is found and ignored.
 */
export function openBinary(
  path: string,
  bytes: Uint8Array,
  warned: (message: string) => void = () => undefined,
): OpenedBinary {
  return new DwarfBinary(path, readElf(path, bytes), warned);
}

/** Names that the linker has for functions and variables of C++ and Rust. */
const MANGLED = /^_(?:Z|R)/;

class DwarfBinary implements OpenedBinary {
  readonly entry: bigint;
  readonly segments: readonly Segment[];
  readonly symbols: readonly ElfSymbol[];
  readonly hasDebugInfo: boolean;
  readonly debugInfoProblem: string | undefined;

  private readonly damage: Damage;
  private readonly info: DebugInfo;
  private readonly split: SplitDwarf;
  private readonly code: LinkedCode;
  private readonly types: Types;
  private readonly unwinder: Unwinder;
  private readonly locator: Locator;
  private readonly origins = new WeakMap<Variable, VariableOrigin>();
  private readonly globalVariables: Globals;
  private readonly blocks: Blocks;

  private lineIndex: Lines | undefined;
  private nameIndex: Names | undefined;
  private subprogramList: readonly Subprogram[] | undefined;
  private spans: readonly { low: bigint; high: bigint; subprogram: Subprogram }[] | undefined;
  private readonly macroTables = new Map<Unit, Map<string, Macro>>();
  private readonly labels = new Map<ElfSymbol, FunctionInfo>();

  constructor(
    readonly path: string,
    elf: Elf,
    warned: (message: string) => void,
  ) {
    this.damage = new Damage(path, warned);
    this.entry = elf.entry;
    this.segments = elf.segments;
    this.symbols = elf.symbols;
    const warn = (message: string): void => this.damage.warn(message);
    elf.warnings.forEach(warn);
    this.info = new DebugInfo(elf.sections, warn);
    this.hasDebugInfo = this.info.units.length > 0;
    this.debugInfoProblem = this.hasDebugInfo ? undefined : this.warnings.find((text) => text.includes('.debug_info'));
    this.code = new LinkedCode(elf);
    this.split = new SplitDwarf(this.info, warn, (address) => {
      const found = this.code.symbolAt(address);
      return found?.offset === 0n && found.symbol.size > 0n ? found.symbol.size : undefined;
    });
    this.types = new Types(this.damage);
    this.unwinder = new Unwinder(new CallFrames(elf.sections, warn), this.code);
    this.locator = new Locator(
      this.unwinder,
      (address) => this.subprogramAt(address),
      (name) => this.code.symbol(name)?.address,
    );
    const { types, damage, code, origins } = this;
    this.globalVariables = new Globals(() => this.names, { types, damage, code, origins });
    this.blocks = {
      functionAt: (address) => this.subprogramAt(address),
      blockAt: (address) => this.blocksAt(address).at(-1),
      isInlined: (address) => this.blocksAt(address).some((block) => block.tag === Tag.inlinedSubroutine),
      inlinedCallsAt: (address) => this.inlinedCallsAt(address),
    };
  }

  get splitFiles(): readonly SplitFile[] {
    return this.split.wanted;
  }

  attachSplit(path: string, bytes: Uint8Array | undefined): void {
    this.damage.attempt(undefined, () => this.split.attach(path, bytes), `${path} is left out`);
  }

  get warnings(): readonly string[] {
    return this.damage.warnings;
  }

  get files(): readonly string[] {
    return this.lines.files;
  }

  symbol(name: string): ElfSymbol | undefined {
    return this.code.symbol(name);
  }

  symbolAt(address: bigint): { symbol: ElfSymbol; offset: bigint } | undefined {
    const found = this.code.symbolAt(address);
    if (found === undefined || !MANGLED.test(found.symbol.name)) return found;
    const die = this.names.linkageNames.get(found.symbol.name);
    const name = die && this.damage.guard(die, undefined, () => die.qualifiedName);
    return name === undefined ? found : { symbol: { ...found.symbol, name }, offset: found.offset };
  }

  lineAt(address: bigint): LineEntry | undefined {
    return this.lines.lineAt(address);
  }
  callLineAt(address: bigint): LineEntry | undefined {
    return this.lines.callLineAt(address);
  }

  breakLocations(file: string, line: number, column?: number): BreakLocation[] {
    return this.lines.breakLocations(file, line, column, this.blocks);
  }

  locationsBetween(file: string, firstLine: number, lastLine: number): BreakLocation[] {
    return this.lines.locationsBetween(file, firstLine, lastLine, this.blocks);
  }

  get functions(): readonly FunctionInfo[] {
    return this.subprograms;
  }

  functionAt(address: bigint): FunctionInfo | undefined {
    const subprogram = this.subprogramAt(address);
    if (subprogram !== undefined) return subprogram;
    const symbol = this.code.symbolAt(address)?.symbol;
    return symbol !== undefined && this.code.isCode(symbol) ? this.label(symbol) : undefined;
  }

  functionsNamed(name: string): FunctionInfo[] {
    const found = this.subprograms.filter((subprogram) => isNamed(subprogram.name, name));
    if (found.length > 0) return found;
    return this.symbols
      .filter((symbol) => symbol.name === name && this.code.isCode(symbol))
      .map((symbol) => this.label(symbol));
  }

  inlinedCopies(name: string): bigint[] {
    const copies = this.subprograms.flatMap((subprogram) =>
      this.damage.guard(subprogram.die, [], () => subprogram.inlinedCopies(name)),
    );
    return [...new Set(copies.flatMap((copy) => this.damage.guard(copy, [], () => this.entriesOf(copy, name))))];
  }

  /**
   * The entry addresses of an inlined copy. The optimizer may have moved its first instruction there from a loop, so this
   * looks first for the code of the body's first line.
   */
  private entriesOf(copy: Die, name: string): bigint[] {
    const { file, line } = copy.declaredAt;
    const first = file === undefined || line === undefined ? [] : this.breakLocations(file, line);
    const within = first
      .map(({ address }) => address)
      .filter(
        (address) => copy.contains(address) && this.inlinedCallsAt(address).some((call) => isNamed(call.name, name)),
      );
    const entry = copy.address(At.entryPc);
    const start = entry !== undefined && copy.contains(entry) ? entry : copy.ranges[0]?.low;
    return within.length > 0 || start === undefined ? within : [start];
  }

  inlinedCallsAt(address: bigint): InlinedCall[] {
    const subprogram = this.subprogramAt(address);
    return subprogram === undefined
      ? []
      : this.damage.guard(subprogram.die, [], () => subprogram.inlinedCallsAt(address));
  }

  scopesAt(address: bigint): Scope[] {
    const subprogram = this.subprogramAt(address);
    return subprogram === undefined ? [] : this.damage.guard(subprogram.die, [], () => subprogram.scopesAt(address));
  }

  get globals(): readonly Variable[] {
    return this.globalVariables.all;
  }

  global(name: string, near?: bigint): Variable | undefined {
    return this.globalVariables.named(name, near === undefined ? undefined : this.subprogramAt(near)?.die.unit);
  }

  typeNamed(name: string): Type | undefined {
    const die = this.names.type(name);
    return die !== undefined ? this.types.ofDie(die) : builtinType(name);
  }

  get typeNames(): readonly string[] {
    return this.names.typeNames;
  }

  get enumeratorNames(): readonly string[] {
    return this.names.enumeratorNames;
  }

  enumerator(name: string): { type: EnumType; value: bigint } | undefined {
    const die = this.names.enumeration(name);
    const type = die === undefined ? undefined : this.types.ofDie(die);
    const found = type?.kind === 'enum' ? type.values.find((value) => isNamed(name, value.name)) : undefined;
    return type?.kind === 'enum' && found !== undefined ? { type, value: found.value } : undefined;
  }

  macro(name: string, near?: bigint): Macro | undefined {
    const own = near === undefined ? undefined : this.subprogramAt(near)?.die.unit;
    for (const unit of own ? [own, ...this.units] : this.units) {
      const found = this.macrosOf(unit).get(name);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** No macros if their record is damaged; the rest of the unit may be sound. */
  private macrosOf(unit: Unit): Map<string, Macro> {
    let macros = this.macroTables.get(unit);
    if (macros === undefined) {
      macros = this.damage.attempt(
        new Map<string, Macro>(),
        () => readMacros(unit),
        `the macros of the unit at ${hex(unit.offset)} are left out`,
      );
      this.macroTables.set(unit, macros);
    }
    return macros;
  }

  locate(variable: Variable, frame: FrameRegisters, read: ReadMemory): Location {
    const origin = this.origins.get(variable);
    if (origin === undefined) throw new SymbolError(`${variable.name} is no variable of ${this.path}`);
    const make = (): Location => this.locator.locate(origin, frame, read);
    return this.damage.attempt<Location>(
      { kind: 'optimized-out' },
      make,
      `${variable.name} is taken for optimized out`,
    );
  }

  typeIn(variable: Variable, frame: FrameRegisters, read: ReadMemory): Type {
    const subprogram = this.origins.get(variable)?.subprogram;
    const length = (bound: ArrayBound): number | undefined =>
      this.damage.attempt(
        undefined,
        () => this.locator.lengthOf(bound, subprogram, frame, read),
        `the length of an array of ${variable.name} is unknown`,
      );
    return withLengths(variable.type, length);
  }

  registerAtEntry(register: number, frame: FrameRegisters, read: ReadMemory): bigint | undefined {
    const callee = this.subprogramAt(frame.returnAddress === true ? frame.pc - 1n : frame.pc);
    const make = (): bigint | undefined => callee && this.locator.registerAtEntry(register, callee, frame, read);
    return this.damage.attempt(undefined, make, 'what a register held at entry is unknown');
  }

  unwind(frame: FrameRegisters, read: ReadMemory): FrameRegisters | undefined {
    const make = (): FrameRegisters | undefined => this.unwinder.unwind(frame, read);
    return this.damage.attempt(undefined, make, `the caller of ${hex(frame.pc)} is unknown`);
  }

  private get lines(): Lines {
    this.lineIndex ??= new Lines(
      this.info.units.flatMap((unit) =>
        this.damage.attempt(
          [],
          () => {
            const table = unit.isCode ? unit.lineTable : undefined;
            return (table?.sequences ?? [])
              .filter(({ low }) => this.code.isExecutable(low))
              .map((sequence) => ({ ...sequence, files: table!.files }));
          },
          `the lines of the unit at ${hex(unit.offset)} are left out`,
        ),
      ),
    );
    return this.lineIndex;
  }

  private get units(): readonly Unit[] {
    return this.split.units.length === 0 ? this.info.units : [...this.info.units, ...this.split.units];
  }

  private get names(): Names {
    if (this.nameIndex === undefined) {
      const names = new Names(this.damage);
      this.split.report();
      for (const unit of this.units) {
        this.damage.attempt(
          undefined,
          () => names.add(unit.root),
          `the unit at ${hex(unit.offset)} is left out. Build it again`,
        );
      }
      this.nameIndex = names;
    }
    return this.nameIndex;
  }

  private get subprograms(): readonly Subprogram[] {
    const around = {
      types: this.types,
      origins: this.origins,
      lineAt: (address: bigint) => this.lines.lineAt(address),
      endOfPrologue: (subprogram: Subprogram) => this.lines.endOfPrologue(subprogram, this.blocks),
      damage: this.damage,
    };
    this.subprogramList ??= this.names.functions
      .map((die) => this.damage.guard(die, undefined, () => new Subprogram(die, around)))
      .filter((subprogram) => subprogram !== undefined)
      .filter((subprogram) => this.code.isExecutable(subprogram.low))
      .sort((a, b) => compareAddresses(a.low, b.low));
    return this.subprogramList;
  }

  private subprogramAt(address: bigint): Subprogram | undefined {
    this.spans ??= this.subprograms
      .flatMap((subprogram) => subprogram.ranges.map(({ low, high }) => ({ low, high, subprogram })))
      .sort((a, b) => compareAddresses(a.low, b.low));
    const span = this.spans[countWhile(this.spans, ({ low }) => low <= address) - 1];
    return span !== undefined && address < span.high ? span.subprogram : undefined;
  }

  private blocksAt(address: bigint): readonly Die[] {
    const subprogram = this.subprogramAt(address);
    return subprogram === undefined ? [] : this.damage.guard(subprogram.die, [], () => subprogram.blocksAt(address));
  }

  /** A function in assembly, which has a symbol but no debugging information entry. */
  private label(symbol: ElfSymbol): FunctionInfo {
    let label = this.labels.get(symbol);
    if (label === undefined) {
      const low = symbol.address;
      const high = symbol.size > 0n ? low + symbol.size : (this.code.endOfSymbol(low) ?? low);
      const line = this.lines.lineAt(low);
      label = {
        name: symbol.name,
        low,
        high,
        file: line?.file,
        line: line?.line,
        bodyStart: low,
        stepStart: low,
        type: undefined,
        parameters: [],
      };
      this.labels.set(symbol, label);
    }
    return label;
  }
}
