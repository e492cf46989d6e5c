/**
 * Parses the type names of casts and sizeof (ISO C11, section 6.7.7): specifiers and an abstract declarator.
 */
import type { Type } from '../../symbols/api';
import { ExpressionError } from '../error';
import type { Token } from './lexer';
import * as C from '../types';

/** The parser's position among the tokens. */
export interface Cursor {
  peek(ahead?: number): Token;
  next(): Token;
  /** Consumes the next token if it is this symbol. */
  accept(symbol: string): boolean;
  expect(symbol: string): void;
}

/** Finds `struct proc`, `uint64`; undefined if there is no such type. */
export type TypeLookup = (name: string) => Type | undefined;

const QUALIFIERS = ['const', 'volatile', 'restrict'];
const TAGGED = ['struct', 'union', 'enum'];
const WORDS = ['void', 'char', 'short', 'int', 'long', 'signed', 'unsigned', '_Bool', 'bool', 'float', 'double'];

/** By the specifiers in sorted order, without an `int` that another specifier implies. */
const BASE_TYPES: Record<string, Type> = {
  void: C.VOID,
  char: C.CHAR,
  'char signed': C.SIGNED_CHAR,
  'char unsigned': C.UNSIGNED_CHAR,
  short: C.SHORT,
  'short signed': C.SHORT,
  'short unsigned': C.UNSIGNED_SHORT,
  int: C.INT,
  signed: C.INT,
  unsigned: C.UNSIGNED,
  long: C.LONG,
  'long signed': C.LONG,
  'long unsigned': C.UNSIGNED_LONG,
  'long long': C.LONG,
  'long long signed': C.LONG,
  'long long unsigned': C.UNSIGNED_LONG,
  _Bool: C.BOOL,
  bool: C.BOOL,
  float: C.FLOAT,
  double: C.DOUBLE,
  'double long': C.LONG_DOUBLE,
};

/** Whether a type begins at this token. `isTypedef` decides about names, which C's grammar leaves open. */
export function startsType(token: Token, isTypedef: (name: string) => boolean): boolean {
  if (token.kind === 'qualified') return isTypedef(`${token.scope}::${token.text}`);
  if (token.kind !== 'name') return false;
  return [QUALIFIERS, TAGGED, WORDS].some((words) => words.includes(token.text)) || isTypedef(token.text);
}

/** Parses a type name up to its closing parenthesis, which it does not consume. */
export function parseTypeName(cursor: Cursor, lookup: TypeLookup, depth = 0): Type {
  const type = parseSpecifiers(cursor, lookup);
  return parseDeclarator(cursor, lookup, depth)(type);
}

function parseSpecifiers(cursor: Cursor, lookup: TypeLookup): Type {
  const start = cursor.peek();
  const qualifiers: ('const' | 'volatile')[] = [];
  const words: string[] = [];
  let type: Type | undefined;
  if (start.kind === 'qualified') type = lookup(`${start.scope}::${cursor.next().text}`);
  for (let token = cursor.peek(); token.kind === 'name'; token = cursor.peek()) {
    if (QUALIFIERS.includes(token.text)) {
      cursor.next();
      if (token.text === 'const' || token.text === 'volatile') qualifiers.push(token.text);
    } else if (WORDS.includes(token.text) && !type) {
      words.push(cursor.next().text);
    } else if (TAGGED.includes(token.text) && !type && words.length === 0) {
      cursor.next();
      const tag = cursor.next();
      if (tag.kind !== 'name') throw new ExpressionError(`a name must follow ${token.text}`, tag.at);
      type = lookup(`${token.text} ${tag.text}`);
      if (!type) throw new ExpressionError(`the program has no ${token.text} ${tag.text}`, token.at);
    } else if (!type && words.length === 0) {
      type = lookup(cursor.next().text);
      if (!type) throw new ExpressionError(`the program has no type ${token.text}`, token.at);
    } else {
      throw new ExpressionError(`${token.text} cannot follow in a type`, token.at);
    }
  }
  if (!type) {
    const key = words.length > 1 ? words.filter((word) => word !== 'int').sort() : words;
    type = BASE_TYPES[key.join(' ')];
    if (!type) throw new ExpressionError(`"${words.join(' ')}" is no type of C`, start.at);
  }
  return qualifiers.reduce<Type>((target, kind) => ({ kind, target }), type);
}

/** Parses an abstract declarator. Returns the function that it applies to the type before it. */
function parseDeclarator(cursor: Cursor, lookup: TypeLookup, depth: number): (type: Type) => Type {
  if (depth > 32) throw new ExpressionError('this type is nested too deeply', cursor.peek().at);
  const pointers: Type['kind'][][] = [];
  while (cursor.accept('*')) {
    const qualifiers: Type['kind'][] = [];
    while (QUALIFIERS.includes(cursor.peek().text)) qualifiers.push(cursor.next().text as Type['kind']);
    pointers.push(qualifiers);
  }
  let inner: ((type: Type) => Type) | undefined;
  if (cursor.peek().text === '(' && ['*', '('].includes(cursor.peek(1).text)) {
    cursor.expect('(');
    inner = parseDeclarator(cursor, lookup, depth + 1);
    cursor.expect(')');
  }
  const suffixes: ((type: Type) => Type)[] = [];
  for (;;) {
    if (cursor.accept('[')) {
      const length = cursor.next();
      if (length.kind !== 'integer') throw new ExpressionError('expected the length of an array, a number', length.at);
      const count = Number(length.text);
      if (!Number.isSafeInteger(count)) throw new ExpressionError(`${length.text} is no array length`, length.at);
      cursor.expect(']');
      suffixes.push((element) => ({ kind: 'array', element, count }));
    } else if (cursor.accept('(')) {
      const { parameters, variadic } = parseParameters(cursor, lookup, depth);
      suffixes.push((result) => ({ kind: 'function', result, parameters, variadic }));
    } else {
      break;
    }
  }
  return (type) => {
    for (const qualifiers of pointers) {
      type = C.pointerTo(type);
      for (const kind of qualifiers)
        if (kind === 'const' || kind === 'volatile' || kind === 'restrict') type = { kind, target: type };
    }
    for (const suffix of suffixes.reverse()) type = suffix(type);
    return inner ? inner(type) : type;
  };
}

function parseParameters(cursor: Cursor, lookup: TypeLookup, depth: number): { parameters: Type[]; variadic: boolean } {
  const parameters: Type[] = [];
  if (cursor.accept(')')) return { parameters, variadic: true };
  do parameters.push(parseTypeName(cursor, lookup, depth + 1));
  while (cursor.accept(','));
  cursor.expect(')');
  const nothing = parameters.length === 1 && parameters[0]!.kind === 'void';
  return { parameters: nothing ? [] : parameters, variadic: false };
}
