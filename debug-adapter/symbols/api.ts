/**
 * The rest of the debugger's view of an executable: an ELF file and its DWARF. Types only; `binary.ts` implements `Binary`
 * and reads lazily: it parses only what a caller needs.
 *
 * Names follow the DWARF standard (version 5) where it has them.
 */

export class SymbolError extends Error {}

export interface ElfSymbol {
  name: string;
  address: bigint;
  size: bigint;
  kind: 'function' | 'object' | 'none' | 'section' | 'file';
  global: boolean;
  section: string | undefined;
}

export interface Segment {
  virtualAddress: bigint;
  physicalAddress: bigint;
  /** Bytes in the file, then zeroes up to memorySize. */
  bytes: Uint8Array;
  memorySize: bigint;
  readable: boolean;
  writable: boolean;
  executable: boolean;
}

export interface LineEntry {
  address: bigint;
  /** The address after the last byte of this row. */
  end: bigint;
  /** As recorded, joined to the compilation directory, with / separators and no `.` or `..` parts. */
  file: string;
  line: number;
  /** 1-based; 0 if not recorded. */
  column: number;
  isStatement: boolean;
}

/** A place where execution can stop for a source line. */
export interface BreakLocation {
  address: bigint;
  file: string;
  line: number;
  column: number;
}

export interface FunctionInfo {
  name: string;
  low: bigint;
  high: bigint;
  file: string | undefined;
  line: number | undefined;
  /**
   * The first address at which the function's variables can be read: after the prologue, by the line table; `low` if the
   * table does not show it, or if location lists cover the prologue too, as in optimized code.
   */
  bodyStart: bigint;
  /**
   * The address at which a step into the function ends: after the prologue by the line table, in optimized code too, so
   * that the step shows the first statement and not the opening line.
   */
  stepStart: bigint;
  type: FunctionType | undefined;
  parameters: Variable[];
}

/** A function inlined at an address, innermost first. */
export interface InlinedCall {
  name: string;
  callFile: string | undefined;
  callLine: number | undefined;
}

export interface Variable {
  name: string;
  type: Type;
  kind: 'global' | 'static' | 'local' | 'parameter';
  file: string | undefined;
  line: number | undefined;
}

/** A lexical block around an address, innermost first; its variables in order of declaration. */
export interface Scope {
  low: bigint;
  high: bigint;
  variables: Variable[];
  /** Of inlinedCallsAt(address), the index of the call that the block belongs to; its length for the function itself. */
  inlinedDepth?: number;
}

export type Type =
  BaseType | PointerType | RecordType | ArrayType | EnumType | FunctionType | TypedefType | QualifiedType | VoidType;

export interface BaseType {
  kind: 'base';
  name: string;
  size: number;
  encoding: 'signed' | 'unsigned' | 'boolean' | 'char' | 'unsigned char' | 'float';
}
export interface PointerType {
  kind: 'pointer';
  size: number;
  target: Type;
  /** In C++: a value of this type is that of its target. */
  isReference?: boolean;
}
export interface RecordType {
  kind: 'struct' | 'union';
  name: string | undefined;
  size: number;
  /** False if only declared. */
  complete: boolean;
  members: Member[];
  /** Its name is used without `struct`: in C++ and Rust, with the namespaces around it. */
  standsAlone?: boolean;
  /** Of an enumeration with data: which of its parts a value has. */
  variants?: Variants;
}
export interface Variants {
  /** Tells which variant a value has; undefined if there is but one. */
  discriminant: Member | undefined;
  /** `value` is undefined for the one that has all values that no other has. */
  cases: { value: bigint | undefined; member: Member }[];
}
export interface Member {
  name: string | undefined;
  type: Type;
  /** Bytes from the start of the record. */
  offset: number;
  /** For a bit field: its width, and its lowest bit counted from bit 0 of the byte at `offset`. */
  bitSize?: number;
  bitOffset?: number;
  /** It is the base class: what is in it can be named as if it were the record's own. */
  isBase?: boolean;
}
export interface ArrayType {
  kind: 'array';
  element: Type;
  /** Elements; undefined for `T a[]`, and for a length that is not known. */
  count: number | undefined;
  /** Of an array whose length depends on the frame (`int v[n]`): where the length is, for `Binary.typeIn`. */
  bound?: ArrayBound;
}
/** Opaque to all but the symbol reader. */
export interface ArrayBound {
  readonly subrange: object;
}
export interface EnumType {
  kind: 'enum';
  name: string | undefined;
  size: number;
  signed: boolean;
  values: { name: string; value: bigint }[];
  /** As `RecordType.standsAlone`. */
  standsAlone?: boolean;
}
export interface FunctionType {
  kind: 'function';
  result: Type;
  parameters: Type[];
  variadic: boolean;
}
export interface TypedefType {
  kind: 'typedef';
  name: string;
  target: Type;
}
export interface QualifiedType {
  kind: 'const' | 'volatile' | 'restrict' | 'atomic';
  target: Type;
}
export interface VoidType {
  kind: 'void';
}

/** Where a value is, or that it has been optimized out. */
export type Location =
  | { kind: 'memory'; address: bigint }
  | { kind: 'register'; register: number }
  | { kind: 'value'; value: bigint }
  | { kind: 'bytes'; bytes: Uint8Array }
  | { kind: 'pieces'; pieces: { location: Location; size: number }[] }
  | { kind: 'optimized-out' };

/**
 * Registers of one frame: its pc, and x0..x31 as unsigned 64-bit values, undefined if the caller's value is lost; where floating
 * point is in use, f0..f31 after them.
 */
export interface FrameRegisters {
  pc: bigint;
  x: readonly (bigint | undefined)[];
  /** Canonical frame address, once known. */
  cfa?: bigint;
  /** True if pc is the return address of a call: line, scopes and function are then those at pc - 1. */
  returnAddress?: boolean;
  /** Addresses at which callees have saved this frame's register n; undefined if it is still in the register. */
  savedAt?: readonly (bigint | undefined)[];
}

/** Reads `length` bytes of the frame's address space; undefined if they are not mapped. */
export type ReadMemory = (address: bigint, length: number) => Uint8Array | undefined;

export interface Binary {
  readonly path: string;
  readonly entry: bigint;
  readonly segments: readonly Segment[];
  /** False for a stripped file, which has no lines, functions or variables. */
  readonly hasDebugInfo: boolean;
  /** Why debug information that the file has cannot be read, and what to do about it. */
  readonly debugInfoProblem: string | undefined;
  /** Every source file that has lines, as in LineEntry.file. */
  readonly files: readonly string[];
  readonly symbols: readonly ElfSymbol[];
  symbol(name: string): ElfSymbol | undefined;
  /** The symbol of an address: a sized one that covers it, else the nearest one below in the same section. */
  symbolAt(address: bigint): { symbol: ElfSymbol; offset: bigint } | undefined;
  lineAt(address: bigint): LineEntry | undefined;
  /**
   * The line of a call that has been made. If several rows begin at one address, the call belongs to the last of them, while
   * `lineAt` returns the first that starts a statement: the line about to be executed.
   */
  callLineAt(address: bigint): LineEntry | undefined;
  /**
   * The locations of a breakpoint at file:line (and column): of that line, else of the next line with code in the same
   * file. One location for every separate copy of the line (inlining). `file` may be absolute or a suffix of the path.
   */
  breakLocations(file: string, line: number, column?: number): BreakLocation[];
  /** Every statement location between two lines, for breakpointLocations. */
  locationsBetween(file: string, firstLine: number, lastLine: number): BreakLocation[];
  functionAt(address: bigint): FunctionInfo | undefined;
  functionsNamed(name: string): FunctionInfo[];
  readonly functions: readonly FunctionInfo[];
  inlinedCallsAt(address: bigint): InlinedCall[];
  /** The entry addresses of a function's inlined copies; it may have no other code. */
  inlinedCopies(name: string): bigint[];
  /** Parameters and locals in scope, innermost block first. */
  scopesAt(address: bigint): Scope[];
  /** A global or file-static; `near` (an address) prefers the one of that compilation unit. */
  global(name: string, near?: bigint): Variable | undefined;
  readonly globals: readonly Variable[];
  /** A type by its name in C: `struct proc`, `union u`, `enum e`, `uint64`, `pagetable_t`. */
  typeNamed(name: string): Type | undefined;
  /** The names of all types and enumerators in the file, for completion. */
  readonly typeNames: readonly string[];
  readonly enumeratorNames: readonly string[];
  /** A macro by name, if the file records them (gcc -g3); `near` (an address) prefers the one of that compilation unit. */
  macro(name: string, near?: bigint): Macro | undefined;
  /** An enumerator by name. */
  enumerator(name: string): { type: EnumType; value: bigint } | undefined;
  locate(variable: Variable, frame: FrameRegisters, read: ReadMemory): Location;
  /** A variable's type in a frame: with the lengths that variable-length arrays have there, where they are known. */
  typeIn(variable: Variable, frame: FrameRegisters, read: ReadMemory): Type;
  /** An integer register's value when the frame's function was entered, if its caller's call site records it. */
  registerAtEntry(register: number, frame: FrameRegisters, read: ReadMemory): bigint | undefined;
  /** The caller's registers, by .debug_frame/.eh_frame, else by the frame pointer; undefined at the outermost frame. */
  unwind(frame: FrameRegisters, read: ReadMemory): FrameRegisters | undefined;
}

/** A macro as the compiler recorded it. */
export interface Macro {
  name: string;
  /** Of a function-like macro, in order; the last one of a variadic macro is `...`. */
  parameters?: readonly string[];
  body: string;
}
