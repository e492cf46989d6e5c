/** Compares the symbol reader and gdb on a program's lines, functions, types and variables. */
import type { Binary, QualifiedType, Type } from '../../symbols/api';
import { sizeOf } from '../../symbols/declarations/size-of';
import { memoryOf, frameAt } from './fixtures';
import type { StaticAnswer, TypeAnswer, askPrologues } from './gdb';

/** One line for each unexplained difference. */
export function compareStatic(binary: Binary, gdb: StaticAnswer): string[] {
  return [
    ...compareLines(binary, gdb),
    ...compareFunctions(binary, gdb),
    ...compareTypes(binary, gdb),
    ...compareGlobals(binary, gdb),
    ...compareBreaks(binary, gdb),
    ...compareScopes(binary, gdb),
  ];
}

function* compareLines(binary: Binary, gdb: StaticAnswer): Generator<string> {
  for (const [address, file, line] of gdb.lines) {
    const entry = binary.lineAt(BigInt(address));
    if ((entry?.file ?? null) !== file || (entry?.line ?? 0) !== line)
      yield `line at ${hex(address)}: gdb ${file}:${line}, we ${entry?.file}:${entry?.line}`;
  }
}

function* compareFunctions(binary: Binary, gdb: StaticAnswer): Generator<string> {
  const known = new Set(gdb.functions.map((wanted) => BigInt(wanted.low)));
  for (const extra of binary.functions.filter((found) => !known.has(found.low)))
    yield `function ${extra.name}: gdb does not know it`;
  for (const wanted of gdb.functions) {
    const found = binary.functionsNamed(wanted.name).find((candidate) => candidate.low === BigInt(wanted.low));
    const mine = found && {
      file: found.file,
      line: found.line,
      type: describe(found.type!),
      parameters: found.parameters.map((parameter) => [parameter.name, describe(parameter.type)]),
    };
    const { file, type, parameters } = wanted;
    // An assembler records no line of declaration; ours is that of the first instruction.
    const line = wanted.line === 0 ? found?.line : wanted.line;
    if (JSON.stringify(mine) !== JSON.stringify({ file, line, type, parameters }))
      yield `function ${wanted.name}: gdb ${JSON.stringify(wanted)}, we ${JSON.stringify(mine)}`;
    if (found !== undefined && !wanted.body.includes(`${found.bodyStart}`))
      yield `body of ${wanted.name}: gdb ${wanted.body.map(hex).join()}, we ${hex(found.bodyStart)}`;
  }
}

/** Compares the addresses at which steps into functions end. */
export function* comparePrologues(binary: Binary, gdb: ReturnType<typeof askPrologues>): Generator<string> {
  for (const { name, low, ends } of gdb) {
    const found = binary.functionsNamed(name).find((candidate) => candidate.low === BigInt(low));
    if (found === undefined || !ends.includes(`${found.stepStart}`))
      yield `prologue of ${name}: gdb ${ends.map(hex).join()}, we ${found && hex(found.stepStart)}`;
  }
}

function* compareTypes(binary: Binary, gdb: StaticAnswer): Generator<string> {
  const wanted = new Map<string, Set<string>>();
  for (const [name, answer] of gdb.types) wanted.set(name, (wanted.get(name) ?? new Set()).add(JSON.stringify(answer)));
  const isDeclared = (name: string): boolean => {
    const type = binary.typeNamed(name);
    return (type?.kind === 'struct' || type?.kind === 'union') && !type.complete;
  };
  // gdb omits types that are only declared.
  for (const name of binary.typeNames.filter((own) => !wanted.has(own) && !isDeclared(own)))
    yield `type ${name}: gdb does not know it`;
  for (const [name, answers] of wanted) {
    const type = binary.typeNamed(name);
    const mine = type && JSON.stringify(answer(type));
    // Units may define the same name differently; we find one of the definitions.
    if (mine === undefined || !answers.has(mine)) yield `type ${name}: gdb ${[...answers].join(' or ')}, we ${mine}`;
  }
}

function* compareGlobals(binary: Binary, gdb: StaticAnswer): Generator<string> {
  for (const [name, type, address] of gdb.globals) {
    const found = binary.globals.find((candidate) => {
      const location = binary.locate(candidate, frameAt(0n), memoryOf({}));
      return candidate.name === name && location.kind === 'memory' && location.address === BigInt(address);
    });
    const mine = found && describe(found.type);
    // If only the symbol shows the length of an array, gdb assumes 1.
    const guessed = type.replace(/^\[1\]/, `[${found?.type.kind === 'array' ? found.type.count : ''}]`);
    if (mine !== type && mine !== guessed) yield `global ${name} at ${hex(address)}: gdb ${type}, we ${mine}`;
  }
}

/**
 * gdb loses rows of the line table: one that a row of another file follows at the same address, and one that continues a
 * line with another discriminator. It must agree on the rows that it knows, and cannot on those that it loses.
 */
function* compareBreaks(binary: Binary, gdb: StaticAnswer): Generator<string> {
  for (const [file, line, addresses] of gdb.breaks) {
    const rows = new Set(gdb.rows[file]!.filter(([row]) => row === line).map(([, address]) => address));
    const mine = binary.breakLocations(file, line).map(({ address }) => `${address}`);
    const known = mine.filter((address) => addresses.includes(address) || rows.has(address));
    const isAgreed = known.length === mine.length ? same(known, addresses) : known.every((a) => addresses.includes(a));
    if (addresses.length > 0 && !isAgreed)
      yield `break at ${file}:${line}: gdb ${addresses.map(hex).join()}, we ${mine.map(hex).join()}`;
  }
}

/** gdb repeats the names of an inlined function's inner blocks in its outermost one, and omits blocks without names. */
function* compareScopes(binary: Binary, gdb: StaticAnswer): Generator<string> {
  for (const [address, chain] of gdb.scopes) {
    const scopes = binary.scopesAt(BigInt(address));
    const mine = scopes.map((scope) => scope.variables.map((variable) => variable.name).sort());
    const agrees = chain.every((names, index) => {
      const isInlinedFunction = scopes[index]?.inlinedDepth !== scopes[index + 1]?.inlinedDepth;
      const own = mine[index] ?? [];
      return same(own, names) || (isInlinedFunction && own.every((name) => names.includes(name)));
    });
    if (!agrees || chain.length !== scopes.length)
      yield `scopes at ${hex(address)}: gdb ${JSON.stringify(chain)}, we ${JSON.stringify(mine)}`;
  }
}

function answer(type: Type): TypeAnswer {
  switch (type.kind) {
    case 'enum':
      return { size: type.size, values: type.values.map(({ name, value }) => [name, `${value}`]) };
    case 'struct':
    case 'union':
      return {
        size: type.size,
        members: type.members.map((member) => [
          member.name ?? '',
          member.offset * 8 + (member.bitOffset ?? 0),
          member.bitSize ?? 0,
          describe(member.type),
        ]),
      };
    default: {
      // For gdb, sizeof(void) is 1.
      return { size: type.kind === 'void' ? 1 : sizeOf(type), target: describe(withoutTypedefs(type)) };
    }
  }
}

function describe(type: Type): string {
  switch (type.kind) {
    case 'typedef':
      return `typedef ${type.name}`;
    case 'pointer':
      return `*${describe(type.target)}`;
    case 'array':
      return `[${type.count ?? ''}]${describe(type.element)}`;
    case 'function': {
      const parameters = [...type.parameters.map(describe), ...(type.variadic ? ['...'] : [])];
      return `function ${describe(type.result)}(${parameters.join(', ')})`;
    }
    case 'struct':
    case 'union':
    case 'enum':
      return `${type.kind} ${type.name ?? JSON.stringify(answer(type))}`;
    case 'void':
      return 'void';
    case 'base':
      return type.name;
    case 'restrict':
    case 'atomic':
      return describe(type.target);
    default:
      return qualified(type);
  }
}

/** gdb does not keep the order of qualifiers, and moves those of an array to its elements. */
function qualified(type: QualifiedType): string {
  const words = new Set<string>();
  let target: Type = type;
  while (target.kind === 'const' || target.kind === 'volatile') {
    words.add(target.kind);
    ({ target } = target);
  }
  const prefix = ['const', 'volatile'].map((word) => (words.has(word) ? `${word} ` : '')).join('');
  return target.kind === 'array' ? describe(target) : `${prefix}${describe(target)}`;
}

function withoutTypedefs(type: Type): Type {
  return type.kind === 'typedef' ? withoutTypedefs(type.target) : type;
}

function same(a: readonly string[], b: readonly string[]): boolean {
  return JSON.stringify([...a].sort()) === JSON.stringify([...b].sort());
}

function hex(address: string | bigint): string {
  return `0x${BigInt(address).toString(16)}`;
}
