/**
 * An index of the units' top-level declarations: functions, variables, types and enumerators by name. Reads only these
 * entries.
 */
import type { BaseType } from './api';
import type { Damage } from './damage';
import type { Die } from './dwarf/die';
import { At, Tag } from './dwarf/constants';

export class Names {
  readonly functions: Die[] = [];
  readonly variables: Die[] = [];
  /** Declared `extern`, and perhaps defined only by a linker script or in assembly. */
  readonly declarations = new Map<string, Die>();
  private readonly types = new Map<string, Die>();
  private readonly enumerators = new Map<string, Die>();

  constructor(private readonly damage: Damage) {}

  add(root: Die): void {
    for (const die of root.children) this.damage.guard(die, undefined, () => this.addEntry(die));
  }

  /** A type by its name in C: `struct proc`, `uint64`, `unsigned long`. */
  type(name: string): Die | undefined {
    return this.types.get(canonicalTypeName(name));
  }

  /** The enumeration of an enumerator. */
  enumeration(enumerator: string): Die | undefined {
    return this.enumerators.get(enumerator);
  }

  get typeNames(): string[] {
    return [...this.types.keys()];
  }

  get enumeratorNames(): string[] {
    return [...this.enumerators.keys()];
  }

  private addEntry(die: Die): void {
    switch (die.tag) {
      case Tag.subprogram:
        if (die.ranges.length > 0) this.functions.push(die);
        break;
      case Tag.variable:
        this.addVariable(die);
        break;
      case Tag.structureType:
        this.addType(die, 'struct ');
        break;
      case Tag.unionType:
        this.addType(die, 'union ');
        break;
      case Tag.enumerationType:
        this.addType(die, 'enum ');
        for (const child of die.children) {
          if (child.tag === Tag.enumerator && child.name !== undefined && !this.enumerators.has(child.name))
            this.enumerators.set(child.name, die);
        }
        break;
      case Tag.typedef:
      case Tag.baseType:
        this.addType(die, '');
        break;
    }
  }

  private addVariable(die: Die): void {
    if (!die.flag(At.declaration)) this.variables.push(die);
    else if (die.name !== undefined && !this.declarations.has(die.name)) this.declarations.set(die.name, die);
  }

  /** Keeps the first complete type of a name. */
  private addType(die: Die, prefix: string): void {
    const { name } = die;
    if (name !== undefined) {
      const key = canonicalTypeName(prefix + name);
      if (!this.types.has(key) || (this.types.get(key)!.flag(At.declaration) && !die.flag(At.declaration)))
        this.types.set(key, die);
    }
  }
}

/** One name for each integer type, however it is spelt: `unsigned long` for `long unsigned int`, as in gdb. */
export function canonicalTypeName(name: string): string {
  const words = name.trim().split(/\s+/);
  const isInteger = words.every((word) => INTEGER_WORDS.has(word)) && !words.includes('_Bool');
  if (!isInteger) return words.join(' ');
  const longs = words.filter((word) => word === 'long').length;
  const isChar = words.includes('char');
  const size = isChar ? 'char' : words.includes('short') ? 'short' : ['int', 'long', 'long long'][Math.min(longs, 2)]!;
  const sign = words.includes('unsigned') ? 'unsigned ' : isChar && words.includes('signed') ? 'signed ' : '';
  return sign + size;
}

const INTEGER_WORDS = new Set(['unsigned', 'signed', 'long', 'short', 'int', 'char']);

/** C's built-in types on RV64 (RISC-V ELF psABI, LP64), for files that do not use one. */
export function builtinType(name: string): BaseType | undefined {
  return BUILTIN_TYPES.get(canonicalTypeName(name));
}

const BUILTIN_TYPES = new Map<string, BaseType>(
  (
    [
      ['char', 1, 'unsigned char'],
      ['signed char', 1, 'char'],
      ['unsigned char', 1, 'unsigned char'],
      ['short', 2, 'signed'],
      ['unsigned short', 2, 'unsigned'],
      ['int', 4, 'signed'],
      ['unsigned int', 4, 'unsigned'],
      ['long', 8, 'signed'],
      ['unsigned long', 8, 'unsigned'],
      ['long long', 8, 'signed'],
      ['unsigned long long', 8, 'unsigned'],
      ['_Bool', 1, 'boolean'],
      ['float', 4, 'float'],
      ['double', 8, 'float'],
    ] as const
  ).map(([name, size, encoding]) => [name, { kind: 'base', name, size, encoding }]),
);
