/** The committed programs, for tests: see README.md. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FrameRegisters, ReadMemory, Type } from '../../symbols/api';
import { openBinary } from '../../symbols/binary';

export const FIXTURE_NAMES = [
  'dwarf2',
  'dwarf3',
  'dwarf4',
  'dwarf5',
  'dwarf4-types',
  'dwarf5-types',
  'dwarf5-64',
] as const;
export type FixtureName = (typeof FIXTURE_NAMES)[number];

/** Those with macros, which add nothing else to the others. */
export type MacroFixtureName = 'macinfo' | 'macro4' | 'macro5';

/** Builds of `values` with split debug information. */
export type SplitName = 'split-4' | 'split-5' | 'split-relaxed';

/** Builds of other programs, in folders of their own. */
export type OtherFixtureName =
  | `values/${'gcc-2' | 'gcc-3' | 'gcc-4' | 'gcc-5' | 'clang-2' | 'clang-4' | 'clang-5' | SplitName}`
  | `languages/${'gcc' | 'gcc-4' | 'clang' | 'rust'}`;

export function fixturePath(name: FixtureName | MacroFixtureName | OtherFixtureName): string {
  return join(import.meta.dirname ?? __dirname, `${name}.elf`);
}

export function fixtureBytes(name: FixtureName | MacroFixtureName | OtherFixtureName): Uint8Array {
  return new Uint8Array(readFileSync(fixturePath(name)));
}

/** The debug information of a split fixture, alone or in a package. */
export function splitFile(name: `${SplitName}.${'dwo' | 'dwp'}`): Uint8Array {
  return new Uint8Array(readFileSync(join(import.meta.dirname ?? __dirname, 'values', name)));
}

export function openFixture(name: FixtureName | OtherFixtureName): ReturnType<typeof openBinary> {
  return openBinary(`${name}.elf`, fixtureBytes(name));
}

/** The line of the program's source that contains a text. */
export function lineOf(file: string, text: string): number {
  const source = readFileSync(join(import.meta.dirname ?? __dirname, 'program', file), 'utf8');
  const index = source.split('\n').findIndex((line) => line.includes(text));
  if (index < 0) throw new Error(`${file} has no line with ${text}`);
  return index + 1;
}

/** A type in C, with structures and typedefs by name. */
export function spell(type: Type): string {
  switch (type.kind) {
    case 'void':
      return 'void';
    case 'base':
    case 'typedef':
      return type.name;
    case 'pointer':
      return `${spell(type.target)} *`;
    case 'array':
      return `${spell(type.element)} [${type.count ?? ''}]`;
    case 'function':
      return `${spell(type.result)} (${[...type.parameters.map(spell), ...(type.variadic ? ['...'] : [])].join(', ')})`;
    case 'struct':
    case 'union':
    case 'enum':
      return `${type.kind} ${type.name ?? '{...}'}`;
    default:
      return `${type.kind} ${spell(type.target)}`;
  }
}

/** Memory made of words at addresses. */
export function memoryOf(words: Record<string, bigint>): ReadMemory {
  const bytes = new Map<bigint, number>();
  for (const [address, word] of Object.entries(words)) {
    for (let index = 0n; index < 8n; index++)
      bytes.set(BigInt(address) + index, Number((word >> (8n * index)) & 0xffn));
  }
  return (address, length) => {
    const found = Array.from({ length }, (_, index) => bytes.get(address + BigInt(index)));
    return found.every((byte) => byte !== undefined) ? Uint8Array.from(found as number[]) : undefined;
  };
}

/** A frame in which all registers but the given ones are zero. */
export function frameAt(pc: bigint, registers: Record<number, bigint> = {}): FrameRegisters {
  return { pc, x: Array.from({ length: 32 }, (_, register) => registers[register] ?? 0n) };
}
