/**
 * Splits a C expression into tokens (ISO C11, section 6.4).
 */
import { ExpressionError } from './error';

export interface Token {
  kind: 'name' | 'special' | 'integer' | 'character' | 'string' | 'symbol' | 'end';
  /** As written; for strings and characters, what they stand for; for specials, the name without $. */
  text: string;
  /** 0-based offset in the expression. */
  at: number;
}

/** Longest first, so that the first that fits is the one meant. */
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

/** Expressions longer than this are refused: nobody types them, and conditions run often. */
const MAX_LENGTH = 4096;

export function tokenize(text: string): Token[] {
  if (text.length > MAX_LENGTH) throw new ExpressionError(`longer than ${MAX_LENGTH} characters`, MAX_LENGTH);
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    const rest = text.slice(at);
    const blank = /^\s+/.exec(rest);
    if (blank) {
      at += blank[0].length;
      continue;
    }
    const token = nextToken(rest, at);
    tokens.push({ kind: token.kind, text: token.text, at });
    at += token.length;
  }
  tokens.push({ kind: 'end', text: '', at: text.length });
  return tokens;
}

function nextToken(rest: string, at: number): Omit<Token, 'at'> & { length: number } {
  const word = /^\$?[A-Za-z_][A-Za-z0-9_]*/.exec(rest)?.[0];
  if (word?.startsWith('$')) return { kind: 'special', text: word.slice(1), length: word.length };
  if (word) return { kind: 'name', text: word, length: word.length };
  const number = /^[0-9][0-9A-Za-z_]*/.exec(rest)?.[0];
  if (number) {
    if (/^\.[0-9]/.test(rest.slice(number.length))) {
      throw new ExpressionError('floating-point numbers are not supported', at);
    }
    return { kind: 'integer', text: number, length: number.length };
  }
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
      text += String.fromCharCode((code[1] ? parseInt(code[1], 16) : parseInt(code[2], 8)) & 0xff);
      i += code[0].length;
      continue;
    }
    const escape = ESCAPES[rest[i + 1]];
    if (escape === undefined) throw new ExpressionError(`C has no escape \\${rest[i + 1] ?? ''}`, at + i);
    text += escape;
    i += 2;
  }
  if (i >= rest.length) throw new ExpressionError(`the closing ${quote} is missing`, at);
  if (quote === '"') return { kind: 'string', text, length: i + 1 };
  if (text.length !== 1 || text.charCodeAt(0) > 0xff) {
    throw new ExpressionError('a character constant holds exactly one character', at);
  }
  return { kind: 'character', text, length: i + 1 };
}
