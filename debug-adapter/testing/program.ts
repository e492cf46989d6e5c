/** A program for tests: a `Binary` of a few types, variables and functions over a flat memory. */
import type {
  Binary,
  ElfSymbol,
  EnumType,
  FunctionInfo,
  Location,
  Macro,
  RecordType,
  Scope,
  Segment,
  Type,
  Variable,
} from '../symbols/api';
import * as C from '../expressions/types';
import type { EvaluationContext } from '../expressions/value';

export const typedef = (name: string, target: Type): Type => ({ kind: 'typedef', name, target });
export const arrayOf = (element: Type, count: number | undefined): Type => ({ kind: 'array', element, count });

/** A structure, its members laid out by the ABI's rules. */
export function struct(name: string | undefined, members: Record<string, Type>, kind: 'struct' | 'union' = 'struct') {
  const record: RecordType = { kind, name, size: 0, complete: true, members: [] };
  layOut(record, members);
  return record;
}

/** Fills in a structure's members: for structures that point to themselves, which `struct` cannot make. */
export function layOut(record: RecordType, members: Record<string, Type>): void {
  let end = 0;
  let align = 1;
  for (const [name, type] of Object.entries(members)) {
    const own = C.alignOf(type);
    align = Math.max(align, own);
    const offset = record.kind === 'union' ? 0 : Math.ceil(end / own) * own;
    record.members.push({ name: name.startsWith('_unnamed') ? undefined : name, type, offset });
    end = Math.max(end, offset + C.sizeOf(type));
  }
  record.size = Math.ceil(end / align) * align;
}

export class TestProgram implements Binary {
  readonly path = 'kernel/kernel';
  readonly entry = 0x80000000n;
  readonly segments: Segment[] = [];
  readonly hasDebugInfo = true;
  readonly debugInfoProblem = undefined;
  readonly files: string[] = [];
  readonly symbols: ElfSymbol[] = [];
  readonly functions: FunctionInfo[] = [];
  readonly globals: Variable[] = [];
  readonly types = new Map<string, Type>();
  readonly macros = new Map<string, Macro>();
  readonly enumerators = new Map<string, { type: EnumType; value: bigint }>();
  scopes: Scope[] = [];
  readonly bytes = new Uint8Array(0x20000);
  private readonly locations = new Map<Variable, Location>();

  constructor(readonly base = 0x80000000n) {}

  addType(name: string, type: Type): void {
    this.types.set(name, type);
    if (type.kind !== 'enum') return;
    for (const { name: label, value } of type.values) this.enumerators.set(label, { type, value });
  }

  addGlobal(name: string, type: Type, address: bigint): void {
    const variable: Variable = { name, type, kind: 'global', file: '/lab/kernel/main.c', line: 10 };
    this.globals.push(variable);
    this.locations.set(variable, { kind: 'memory', address });
    this.addSymbol(name, address, BigInt(C.sizeOf(type)), 'object');
  }

  addLocal(name: string, type: Type, location: Location, kind: Variable['kind'] = 'local'): void {
    const variable: Variable = { name, type, kind, file: undefined, line: undefined };
    this.locations.set(variable, location);
    this.scopes = [{ low: 0n, high: 1n << 63n, variables: [...(this.scopes[0]?.variables ?? []), variable] }];
  }

  addFunction(name: string, low: bigint, high: bigint, type: FunctionInfo['type']): void {
    this.functions.push({
      name,
      low,
      high,
      file: undefined,
      line: undefined,
      bodyStart: low,
      stepStart: low,
      type,
      parameters: [],
    });
    this.addSymbol(name, low, high - low, 'function');
  }

  addSymbol(name: string, address: bigint, size: bigint, kind: ElfSymbol['kind']): void {
    this.symbols.push({ name, address, size, kind, global: true, section: undefined });
  }

  readonly read = (address: bigint, length: number): Uint8Array | undefined => {
    const at = Number(address - this.base);
    return at < 0 || at + length > this.bytes.length ? undefined : this.bytes.slice(at, at + length);
  };

  readonly write = (address: bigint, bytes: Uint8Array): boolean => {
    const at = Number(address - this.base);
    if (at < 0 || at + bytes.length > this.bytes.length) return false;
    this.bytes.set(bytes, at);
    return true;
  };

  /** Writes a number of `size` bytes, or a text with its NUL. */
  poke(address: bigint, value: bigint | string, size = 8): void {
    const at = Number(address - this.base);
    if (typeof value === 'string') this.bytes.set([...new TextEncoder().encode(value), 0], at);
    else for (let i = 0; i < size; i++) this.bytes[at + i] = Number((value >> BigInt(8 * i)) & 0xffn);
  }

  symbol(name: string) {
    return this.symbols.find((symbol) => symbol.name === name);
  }

  symbolAt(address: bigint) {
    const symbol = this.symbols.find(
      (candidate) => address >= candidate.address && address < candidate.address + candidate.size,
    );
    return symbol && { symbol, offset: address - symbol.address };
  }

  functionsNamed(name: string) {
    return this.functions.filter((info) => info.name === name);
  }

  functionAt(address: bigint) {
    return this.functions.find((info) => address >= info.low && address < info.high);
  }

  scopesAt() {
    return this.scopes;
  }

  global(name: string) {
    return this.globals.find((variable) => variable.name === name);
  }

  typeNamed(name: string) {
    return this.types.get(name);
  }

  get typeNames() {
    return [...this.types.keys()];
  }

  get enumeratorNames() {
    return [...this.enumerators.keys()];
  }

  macro(name: string): Macro | undefined {
    return this.macros.get(name);
  }

  enumerator(name: string) {
    return this.enumerators.get(name);
  }

  locate(variable: Variable): Location {
    return this.locations.get(variable) ?? { kind: 'optimized-out' };
  }

  typeIn(variable: Variable): Type {
    return variable.type;
  }

  lineAt() {
    return undefined;
  }
  callLineAt() {
    return undefined;
  }
  breakLocations() {
    return [];
  }
  locationsBetween() {
    return [];
  }
  inlinedCallsAt() {
    return [];
  }
  inlinedCopies() {
    return [];
  }
  registerAtEntry() {
    return undefined;
  }
  unwind() {
    return undefined;
  }

  /** A context in which everything may be written; registers and CSRs are the maps given. */
  context(x: (bigint | undefined)[] = [], csrs: Record<string, bigint> = {}): EvaluationContext {
    const frame = { pc: 0x80000100n, x: [0n, ...x.slice(1)] };
    return {
      binary: this,
      frame,
      readMemory: this.read,
      writeMemory: this.write,
      setRegister: (register, value) => {
        if (register === 'pc') frame.pc = value;
        else frame.x[register] = value;
        return true;
      },
      csr: (name) => (Object.hasOwn(csrs, name) ? csrs[name] : undefined),
      setCsr: (name, value) => {
        if (!Object.hasOwn(csrs, name)) return false;
        csrs[name] = value;
        return true;
      },
    };
  }
}
