/**
 * An index of the units' top-level declarations: functions, variables, types and enumerators by name. Reads only these
 * entries.
 */
import type { BaseType } from '../api';
import type { Damage } from './damage';
import type { Die } from '../dwarf/die';
import { At, Tag } from '../dwarf/constants';

export class Names {
  readonly functions: Die[] = [];
  readonly variables: Die[] = [];
  /** Declared `extern`, and perhaps defined only by a linker script or in assembly. */
  readonly declarations = new Map<string, Die>();
  /** Functions and variables by the names that the linker has for them. */
  readonly linkageNames = new Map<string, Die>();
  private readonly types = new Map<string, Die>();
  /** By the ends of qualified names: `memory::Page` and `Page`. */
  private readonly typeEnds = new Map<string, Die>();
  private readonly enumerators = new Map<string, Die>();

  constructor(private readonly damage: Damage) {}

  add(root: Die): void {
    this.addAll(root, '', root.unit.isC);
  }

  /** A type by its name in C (`struct proc`, `uint64`, `unsigned long`), or by the end of its name in C++ and Rust. */
  type(name: string): Die | undefined {
    const plain = name.replace(/^(?:struct|union|enum) /, '');
    return this.types.get(canonicalTypeName(name)) ?? this.types.get(plain) ?? this.typeEnds.get(plain);
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

  /** `scope` is empty outside of all namespaces. */
  private addAll(parent: Die, scope: string, isC: boolean): void {
    for (const die of parent.children) this.damage.guard(die, undefined, () => this.addEntry(die, scope, isC));
  }

  private addEntry(die: Die, scope: string, isC: boolean): void {
    if (scope !== '') die.scope = scope;
    switch (die.tag) {
      case Tag.namespace:
        // A namespace without a name is part of the one around it.
        this.addAll(die, within(scope, die.name), isC);
        break;
      case Tag.subprogram:
        if (die.ranges.length > 0) {
          this.functions.push(die);
          if (!isC) this.addLinkageName(die);
        }
        break;
      case Tag.variable:
        this.addVariable(die);
        if (!isC) this.addLinkageName(die);
        break;
      case Tag.structureType:
      case Tag.classType:
        this.addType(die, 'struct ', isC);
        if (!isC) this.addAll(die, within(scope, die.name), isC);
        break;
      case Tag.unionType:
        this.addType(die, 'union ', isC);
        if (!isC) this.addAll(die, within(scope, die.name), isC);
        break;
      case Tag.enumerationType:
        this.addType(die, 'enum ', isC);
        this.addEnumerators(die, isC);
        break;
      case Tag.typedef:
      case Tag.baseType:
        this.addType(die, '', isC);
        break;
    }
  }

  private addLinkageName(die: Die): void {
    const name = die.linkageName;
    if (name !== undefined) this.linkageNames.set(name, die);
  }

  private addEnumerators(die: Die, isC: boolean): void {
    for (const child of die.children) {
      const { name } = child;
      if (child.tag !== Tag.enumerator || name === undefined) continue;
      const names =
        isC || die.name === undefined ? [name] : [name, `${die.name}::${name}`, `${die.qualifiedName}::${name}`];
      for (const one of names) if (!this.enumerators.has(one)) this.enumerators.set(one, die);
    }
  }

  private addVariable(die: Die): void {
    if (!die.flag(At.declaration)) this.variables.push(die);
    else if (die.name !== undefined && !this.declarations.has(die.name)) this.declarations.set(die.name, die);
  }

  /** Keeps the first complete type of a name. */
  private addType(die: Die, prefix: string, isC: boolean): void {
    const { name } = die;
    if (name === undefined) return;
    if (isC) {
      keep(this.types, canonicalTypeName(prefix + name), die);
      return;
    }
    const scopes = die.scope?.split('::') ?? [];
    keep(this.types, [...scopes, name].join('::'), die);
    for (let from = 1; from <= scopes.length; from++)
      keep(this.typeEnds, [...scopes.slice(from), name].join('::'), die);
  }
}

function keep(types: Map<string, Die>, key: string, die: Die): void {
  if (!types.has(key) || (types.get(key)!.flag(At.declaration) && !die.flag(At.declaration))) types.set(key, die);
}

const within = (scope: string, name: string | undefined): string =>
  name === undefined ? scope : scope === '' ? name : `${scope}::${name}`;

/** Whether a qualified name, or the end of it, is what somebody asks for. */
export const isNamed = (qualified: string, asked: string): boolean =>
  qualified === asked || qualified.endsWith(`::${asked}`);

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
