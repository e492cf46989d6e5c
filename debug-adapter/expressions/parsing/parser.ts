/**
 * Parses C expressions by operator precedence (Pratt's method; precedences of ISO C11, section 6.5) into the tree of
 * syntax.ts.
 */
import { ExpressionError } from '../error';
import { tokenize, type Token } from './lexer';
import { expandMacros, type MacroLookup } from './macros';
import type { ArithmeticOperator, BinaryOperator, Expression, Measure, UnaryOperator } from './syntax';
import { parseTypeName, startsType, type Cursor, type TypeLookup } from './type-names';
import * as C from '../types';

/** What the parser needs from the program: C cannot be parsed without its type names. */
export interface ParserNames {
  /** Whether a bare name is a typedef (and not a variable that hides it). */
  isTypedef(name: string): boolean;
  typeNamed: TypeLookup;
  macro: MacroLookup;
}

/** How tightly each infix operator binds; higher is tighter. */
const BINDING: Record<BinaryOperator, number> = {
  ',': 1,
  '||': 4,
  '&&': 5,
  '|': 6,
  '^': 7,
  '&': 8,
  '==': 9,
  '!=': 9,
  '<': 10,
  '>': 10,
  '<=': 10,
  '>=': 10,
  '<<': 11,
  '>>': 11,
  '+': 12,
  '-': 12,
  '*': 13,
  '/': 13,
  '%': 13,
  '@': 14,
};
const ASSIGNMENT = 2;
const CONDITIONAL = 3;
const PREFIX = 15;

const UNARY: readonly string[] = ['+', '-', '!', '~', '*', '&'] satisfies UnaryOperator[];
const isUnary = (text: string): text is UnaryOperator => UNARY.includes(text);
const isBinary = (text: string): text is BinaryOperator => Object.hasOwn(BINDING, text);

const ARITHMETIC: readonly string[] = [
  '*',
  '/',
  '%',
  '+',
  '-',
  '<<',
  '>>',
  '&',
  '^',
  '|',
] satisfies ArithmeticOperator[];
const isArithmetic = (text: string): text is ArithmeticOperator => ARITHMETIC.includes(text);

const MEASURES: ReadonlyMap<string, Measure> = new Map([
  ['sizeof', 'sizeof'],
  ['_Alignof', '_Alignof'],
  ['__alignof__', '_Alignof'],
]);

const MAX_DEPTH = 200;

/** Parses a whole text. Throws ExpressionError with the position. */
export function parseExpression(text: string, names: ParserNames): Expression {
  const parser = new Parser(expandMacros(tokenize(text), names.macro), names);
  const expression = parser.expression(0);
  const rest = parser.peek();
  if (rest.kind !== 'end') throw new ExpressionError(`unexpected ${describe(rest)}`, rest.at);
  return expression;
}

const describe = (token: Token): string => (token.kind === 'end' ? 'end of the expression' : `"${token.text}"`);

class Parser implements Cursor {
  private position = 0;
  private depth = 0;

  constructor(
    private readonly tokens: readonly Token[],
    private readonly names: ParserNames,
  ) {}

  peek(ahead = 0): Token {
    return this.tokens[Math.min(this.position + ahead, this.tokens.length - 1)]!;
  }

  next(): Token {
    const token = this.peek();
    this.position++;
    return token;
  }

  accept(symbol: string): boolean {
    const token = this.peek();
    if (token.kind !== 'symbol' || token.text !== symbol) return false;
    this.position++;
    return true;
  }

  expect(symbol: string): void {
    const token = this.peek();
    if (!this.accept(symbol)) throw new ExpressionError(`expected "${symbol}", found ${describe(token)}`, token.at);
  }

  /** Parses an expression of operators that bind tighter than `binding`. */
  expression(binding: number): Expression {
    if (++this.depth > MAX_DEPTH) throw new ExpressionError('this expression is nested too deeply', this.peek().at);
    let left = this.prefix();
    for (;;) {
      const next = this.infix(left, binding);
      if (!next) break;
      left = next;
    }
    this.depth--;
    return left;
  }

  private prefix(): Expression {
    const token = this.next();
    const { at } = token;
    switch (token.kind) {
      case 'integer':
        return integer(token);
      case 'character':
        return { kind: 'integer', at, value: BigInt(token.text.charCodeAt(0)), type: C.INT };
      case 'string':
        return this.strings(token);
      case 'dollar':
        return { kind: 'dollar', at, name: token.text };
      case 'float':
        return float(token);
      case 'qualified':
        return { kind: 'qualified', at, scope: token.scope ?? '', name: token.text };
      case 'name': {
        const what = MEASURES.get(token.text);
        return what ? this.measure(what, at) : { kind: 'name', at, name: token.text };
      }
      case 'symbol':
        break;
      case 'end':
        throw new ExpressionError('an operand is missing: the expression ends here', at);
    }
    if (token.text === '(') return this.parenthesis(at);
    if (token.text === '++' || token.text === '--') {
      const by = token.text === '++' ? 1n : -1n;
      return { kind: 'step', at, by, prefix: true, target: this.expression(PREFIX) };
    }
    if (isUnary(token.text)) return { kind: 'unary', at, operator: token.text, operand: this.expression(PREFIX) };
    throw new ExpressionError(`expected an operand, found "${token.text}"`, at);
  }

  private startsType(token: Token): boolean {
    return startsType(token, (name) => this.names.isTypedef(name));
  }

  private parenthesis(at: number): Expression {
    if (this.startsType(this.peek())) {
      const type = parseTypeName(this, this.names.typeNamed);
      this.expect(')');
      return { kind: 'cast', at, type, operand: this.expression(PREFIX) };
    }
    const inner = this.expression(0);
    this.expect(')');
    return inner;
  }

  private measure(what: Measure, at: number): Expression {
    if (this.peek().text === '(' && this.startsType(this.peek(1))) {
      this.expect('(');
      const type = parseTypeName(this, this.names.typeNamed);
      this.expect(')');
      return { kind: 'measure', at, what, type };
    }
    return { kind: 'measure-of', at, what, operand: this.expression(PREFIX) };
  }

  private strings(first: Token): Expression {
    let text = first.text;
    while (this.peek().kind === 'string') text += this.next().text;
    return { kind: 'string', at: first.at, text };
  }

  /** Parses the next operator and its right-hand side, if it binds tighter than `binding`. */
  private infix(left: Expression, binding: number): Expression | undefined {
    const token = this.peek();
    if (token.kind !== 'symbol') return undefined;
    const { at, text } = token;
    const postfix = this.postfix(left, token);
    if (postfix) return postfix;
    if (text === '?' && binding < CONDITIONAL) {
      this.next();
      const whenTrue = this.expression(0);
      this.expect(':');
      const whenFalse = this.expression(CONDITIONAL - 1);
      return { kind: 'conditional', at, condition: left, whenTrue, whenFalse };
    }
    const compound = text.endsWith('=') && !isBinary(text) ? text.slice(0, -1) : undefined;
    if (compound !== undefined && binding < ASSIGNMENT) {
      this.next();
      const operator = isArithmetic(compound) ? compound : undefined;
      return { kind: 'assign', at, operator, target: left, value: this.expression(ASSIGNMENT - 1) };
    }
    if (!isBinary(text) || BINDING[text] <= binding) return undefined;
    this.next();
    return { kind: 'binary', at, operator: text, left, right: this.expression(BINDING[text]) };
  }

  private postfix(left: Expression, { at, text }: Token): Expression | undefined {
    switch (text) {
      case '.':
      case '->': {
        this.next();
        const name = this.next();
        if (name.kind !== 'name') throw new ExpressionError(`a member's name must follow "${text}"`, name.at);
        return { kind: 'member', at: name.at, object: left, name: name.text, arrow: text === '->' };
      }
      case '[': {
        this.next();
        const index = this.expression(0);
        if (this.accept('..')) {
          const to = this.expression(0);
          this.expect(']');
          return { kind: 'slice', at, object: left, from: index, to };
        }
        this.expect(']');
        return { kind: 'index', at, object: left, index };
      }
      case '(': {
        this.next();
        const given: Expression[] = [];
        if (!this.accept(')')) {
          do given.push(this.expression(1));
          while (this.accept(','));
          this.expect(')');
        }
        return { kind: 'call', at, callee: left, arguments: given };
      }
      case '++':
      case '--':
        this.next();
        return { kind: 'step', at, by: text === '++' ? 1n : -1n, prefix: false, target: left };
      default:
        return undefined;
    }
  }
}

/** The type of an integer constant is the first in C's list that can hold it (6.4.4.1). */
function integer({ text, at }: Token): Expression {
  const parts = /^(0[xX][0-9a-fA-F]+|0[bB][01]+|0[0-7]*|[1-9][0-9]*)([uU]?[lL]{0,2}|[lL]{1,2}[uU])$/.exec(text);
  if (!parts) throw new ExpressionError(`"${text}" is not a number of C`, at);
  const [, digits = '', suffix = ''] = parts;
  const decimal = !digits.startsWith('0');
  const octal = /^0[0-7]+$/.test(digits);
  const value = BigInt(octal ? `0o${digits.slice(1)}` : digits);
  const mustBeUnsigned = /u/i.test(suffix);
  const candidates = [C.INT, C.UNSIGNED, C.LONG, C.UNSIGNED_LONG].filter(
    (type) =>
      (type.size === 8 || !/l/i.test(suffix)) &&
      (C.isSigned(type) ? !mustBeUnsigned : mustBeUnsigned || !decimal || type.size === 8),
  );
  const type = candidates.find((candidate) => C.wrap(value, candidate) === value);
  if (!type) throw new ExpressionError(`${text} does not fit into 64 bits`, at);
  return { kind: 'integer', at, value, type };
}

function float({ text, at }: Token): Expression {
  const suffix = /[fFlL]$/.exec(text)?.[0].toLowerCase();
  const value = Number(suffix === undefined ? text : text.slice(0, -1));
  if (suffix === 'l') return { kind: 'float', at, value, type: C.LONG_DOUBLE };
  return suffix === 'f'
    ? { kind: 'float', at, value: Math.fround(value), type: C.FLOAT }
    : { kind: 'float', at, value, type: C.DOUBLE };
}
