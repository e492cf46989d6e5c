/**
 * Finds the expression under the mouse: the identifier, member chain, register or number at a column of a line of C, of
 * assembly or of a listing such as kernel.asm. Lexical only (C11 6.4 and 6.5.2; registers by the RISC-V psABI). Skips
 * calls, since a hover must not run anything.
 */

export interface ExpressionAt {
  /** What to evaluate. */
  expression: string;
  /** Columns in the line, 0-based, end exclusive. */
  start: number;
  end: number;
  /** A `name` depends on the scope; registers and numbers do not. */
  kind: 'name' | 'register' | 'number';
}

const KEYWORDS = new Set(
  (
    'auto break case char const continue default do double else enum extern float for goto if inline int long register ' +
    'restrict return short signed sizeof static struct switch typedef union unsigned void volatile while'
  ).split(' '),
);

const REGISTER =
  /^(zero|ra|sp|gp|tp|fp|pc|t[0-6]|s1[01]|s\d|a[0-7]|[xf][12]?\d|[xf]3[01]|ft\d|ft1[01]|fs\d|fs1[01]|fa[0-7]|fcsr|frm|fflags|[ms](status|tvec|epc|cause|tval|ip|ie|scratch|counteren|envcfg)|satp|m[ie]deleg|mhartid|misa|stimecmp|time|cycle|instret|pmp(cfg\d|addr\d+))$/;

/** The expression at `column` of a line of C. */
export function expressionInC(line: string, column: number): ExpressionAt | undefined {
  const token = tokenAt(line, column, /[A-Za-z_]\w*|(?:0[xX][\da-fA-F]+|\d+)(?:[uUlL]*)\b/g);
  if (!token) return undefined;
  const number = /^\d/.test(token.text);
  if (inCommentOrString(line, token.start)) return /^0x/i.test(token.text) ? numberAt(token) : undefined;
  if (number) return numberAt(token);
  if (KEYWORDS.has(token.text)) return undefined;
  const start = chainStart(line, token.start);
  if (start === undefined) return undefined;
  return { expression: line.slice(start, token.end), start, end: token.end, kind: 'name' };
}

/** The expression at `column` of a line of assembly, or of a listing with addresses (`80000000:  auipc sp,0xa`). */
export function expressionInAssembly(line: string, column: number): ExpressionAt | undefined {
  const operand = tokenAt(line, column, /(-?(?:0x[\da-f]+|\d+))\((\w+)\)/gi, true);
  if (operand) {
    const [, offset = '', base = ''] = operand.match;
    if (column < operand.start + offset.length && REGISTER.test(base)) {
      const sum = offset.startsWith('-') ? `$${base} - ${offset.slice(1)}` : `$${base} + ${offset}`;
      return { expression: sum, start: operand.start, end: operand.end, kind: 'register' };
    }
  }
  const token = tokenAt(line, column, /0x[\da-f]+|\b\d[\da-f]*\b|\$?[A-Za-z_.][\w.]*/gi);
  if (!token) return undefined;
  const { text } = token;
  if (/^0x/i.test(text)) return numberAt(token);
  // A listing has addresses in hexadecimal without 0x: at least six digits, or the label of the line.
  if (/^[\da-f]{6,}$/i.test(text) || (/^[\da-f]+$/i.test(text) && labels(line, token)))
    return { expression: `0x${text}`, start: token.start, end: token.end, kind: 'number' };
  if (/^\d/.test(text)) return /^\d+$/.test(text) ? numberAt(token) : undefined;
  const name = text.replace(/^\$/, '');
  if (REGISTER.test(name)) return { expression: `$${name}`, start: token.start, end: token.end, kind: 'register' };
  if (name.startsWith('.')) return undefined;
  return { expression: name, start: token.start, end: token.end, kind: 'name' };
}

interface Token {
  text: string;
  start: number;
  end: number;
  match: RegExpMatchArray;
}

function tokenAt(line: string, column: number, pattern: RegExp, whole = false): Token | undefined {
  for (const match of line.matchAll(pattern)) {
    const start = match.index;
    const end = start + match[0].length;
    if (column >= start && (column < end || (!whole && column === end && end === line.length)))
      return { text: match[0], start, end, match };
    if (start > column) return undefined;
  }
  return undefined;
}

function numberAt(token: Token): ExpressionAt {
  return { expression: token.text.replace(/[uUlL]+$/, ''), start: token.start, end: token.end, kind: 'number' };
}

function labels(line: string, token: Token): boolean {
  return line[token.end] === ':' && line.slice(0, token.start).trim() === '';
}

/** The start of the chain of `.`, `->`, `[…]` and `(…)` that leads to a member; undefined if it has a call in it. */
function chainStart(line: string, start: number): number | undefined {
  let at = start;
  for (;;) {
    const before = line.slice(0, at).trimEnd();
    const operator = before.endsWith('->') ? 2 : before.endsWith('.') ? 1 : 0;
    if (operator === 0) return at;
    const object = postfixStart(before.slice(0, -operator).trimEnd());
    if (object === undefined) return undefined;
    at = object;
  }
}

/** The start of the postfix expression that ends the text: a name, possibly indexed, or something in parentheses. */
function postfixStart(text: string): number | undefined {
  const last = text[text.length - 1];
  if (last === ']') {
    const open = openingOf(text, '[', ']');
    return open === undefined ? undefined : postfixOrName(text.slice(0, open).trimEnd());
  }
  if (last === ')') {
    const open = openingOf(text, '(', ')');
    if (open === undefined || /\w\s*$/.test(text.slice(0, open))) return undefined;
    return /\w\s*\(/.test(text.slice(open + 1)) ? undefined : open;
  }
  return postfixOrName(text);
}

function postfixOrName(text: string): number | undefined {
  if (/[\])]$/.test(text)) return postfixStart(text);
  const name = /[A-Za-z_]\w*$/.exec(text);
  return name ? name.index : undefined;
}

function openingOf(text: string, open: string, close: string): number | undefined {
  let depth = 0;
  for (let at = text.length - 1; at >= 0; at--) {
    if (text[at] === close) depth++;
    else if (text[at] === open && --depth === 0) return at;
  }
  return undefined;
}

/** Looks at the line alone: a line that starts with an asterisk and a blank counts as the middle of a comment. */
function inCommentOrString(line: string, column: number): boolean {
  if (/^\s*\*(\s|\/|$)/.test(line)) return true;
  for (const match of line.matchAll(/\/\/.*|\/\*.*?(?:\*\/|$)|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/g))
    if (column >= match.index && column < match.index + match[0].length) return true;
  return false;
}
