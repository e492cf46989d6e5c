/**
 * Splits a C expression into tokens (ISO C11, section 6.4).
 */
import { ExpressionError } from '../error';

export interface Token {
  kind: 'name' | 'qualified' | 'dollar' | 'integer' | 'float' | 'character' | 'string' | 'symbol' | 'end';
  /** As written; for strings and characters, their contents; for `dollar`, the name without $. */
  text: string;
  /** Of a qualified name: the file or function before `::`. */
  scope?: string;
  /** 0-based offset in the expression. */
  at: number;
}

/** Longest first, so that the first match is the longest. */
const SYMBOLS = [
  ...['<<=', '>>='],
  ...['->', '++', '--', '<<', '>>', '<=', '>=', '==', '!=', '&&', '||', '+=', '-=', '*=', '/=', '%=', '&=', '|=', '^='],
  ...[
    '..',
    '+',
    '-',
    '*',
    '/',
    '%',
    '&',
    '|',
    '^',
    '~',
    '!',
    '<',
    '>',
    '=',
    '?',
    ':',
    ',',
    '.',
    '(',
    ')',
    '[',
    ']',
    '@',
  ],
];

const ESCAPES: Record<string, string> = {
  n: '\n',
  t: '\t',
  r: '\r',
  a: '\x07',
  b: '\b',
  f: '\f',
  v: '\v',
  e: '\x1b',
  '\\': '\\',
  "'": "'",
  '"': '"',
  '?': '?',
};

/** Longest expression accepted: nobody types a longer one, and conditions run often. */
const MAX_LENGTH = 4096;
/** Also limits the depth of an expression: each level takes a token. */
export const MAX_TOKENS = 1000;

export function tokenize(text: string): Token[] {
  if (text.length > MAX_LENGTH) throw new ExpressionError(`longer than ${MAX_LENGTH} characters`, MAX_LENGTH);
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    const ahead = text.slice(at);
    const blank = /^\s+/.exec(ahead);
    if (blank) {
      at += blank[0].length;
      continue;
    }
    const token = nextToken(ahead, at);
    const { length, ...rest } = token;
    tokens.push({ ...rest, at });
    if (tokens.length > MAX_TOKENS) throw new ExpressionError(`longer than ${MAX_TOKENS} words and operators`, at);
    at += length;
  }
  tokens.push({ kind: 'end', text: '', at: text.length });
  return tokens;
}

/** `proc.c::nextpid`, `kernel/proc.c::nextpid`, `freerange::count`, `kernel::memory::pages`; a file of any other name in quotes: `'a-b.c'::x`. */
const QUALIFIED = /^(?:'([\w./+-]+)'|([A-Za-z_][\w./]*(?:::[A-Za-z_]\w*)*))::([A-Za-z_]\w*)/;

/** Decimal floating constants (6.4.4.2). The `0..4` of a slice does not match. */
const FLOAT = /^(?:\d+\.\d*|\.\d+|\d+(?=[eE]))(?:[eE][+-]?\d+)?[fFlL]?(?![\w.])/;

function nextToken(rest: string, at: number): Omit<Token, 'at'> & { length: number } {
  const qualified = QUALIFIED.exec(rest);
  if (qualified) {
    const [whole, quotedScope, scope = quotedScope, text] = qualified;
    return { kind: 'qualified', text: text!, scope: scope!, length: whole.length };
  }
  const float = FLOAT.exec(rest)?.[0];
  if (float) return { kind: 'float', text: float, length: float.length };
  const word = /^\$?[A-Za-z_][A-Za-z0-9_]*/.exec(rest)?.[0];
  if (word?.startsWith('$')) return { kind: 'dollar', text: word.slice(1), length: word.length };
  if (word) return { kind: 'name', text: word, length: word.length };
  const number = /^[0-9][0-9A-Za-z_]*/.exec(rest)?.[0];
  if (number) return { kind: 'integer', text: number, length: number.length };
  if (rest[0] === "'" || rest[0] === '"') return quoted(rest, at);
  const symbol = SYMBOLS.find((candidate) => rest.startsWith(candidate));
  if (symbol) return { kind: 'symbol', text: symbol, length: symbol.length };
  if (rest[0] === '$') throw new ExpressionError('$ must be followed by a name, such as $sp or $satp', at);
  throw new ExpressionError(`${JSON.stringify(rest[0])} does not belong to a C expression`, at);
}

function quoted(rest: string, at: number): Omit<Token, 'at'> & { length: number } {
  const quote = rest[0];
  let text = '';
  let i = 1;
  while (i < rest.length && rest[i] !== quote) {
    if (rest[i] !== '\\') {
      text += rest[i++];
      continue;
    }
    const code = /^\\(?:x([0-9A-Fa-f]{1,2})|([0-7]{1,3}))/.exec(rest.slice(i));
    if (code) {
      text += String.fromCharCode((code[1] ? parseInt(code[1], 16) : parseInt(code[2]!, 8)) & 0xff);
      i += code[0].length;
      continue;
    }
    const escape = ESCAPES[rest[i + 1]!];
    if (escape === undefined) throw new ExpressionError(`C has no escape \\${rest[i + 1] ?? ''}`, at + i);
    text += escape;
    i += 2;
  }
  if (i >= rest.length) throw new ExpressionError(`the closing ${quote} is missing`, at);
  if (quote === '"') return { kind: 'string', text, length: i + 1 };
  if (text.length !== 1 || text.charCodeAt(0) > 0xff)
    throw new ExpressionError('a character constant holds exactly one character', at);
  return { kind: 'character', text, length: i + 1 };
}
