/**
 * Expands the macros of an expression (ISO C11, section 6.10.3) that the program's debug information records. # and ## are
 * not supported: using such a macro is an error.
 */
import type { Macro } from '../../symbols/api';
import { ExpressionError } from '../error';
import { MAX_TOKENS, tokenize, type Token } from './lexer';

/** Finds a macro; undefined if there is none, or if the name means a variable, function or type. */
export type MacroLookup = (name: string) => Macro | undefined;

/** Expands all macros. The tokens of an expansion have the offset of the macro's name, for errors. */
export function expandMacros(tokens: readonly Token[], lookup: MacroLookup): Token[] {
  const out: Token[] = [];
  expandInto(out, tokens, lookup, new Set());
  return out;
}

/** `active` are the macros being expanded: a macro's name inside its own expansion stays as it is (6.10.3.4). */
function expandInto(out: Token[], tokens: readonly Token[], lookup: MacroLookup, active: ReadonlySet<string>): void {
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!;
    const macro = token.kind === 'name' && !active.has(token.text) && !isMember(out) ? lookup(token.text) : undefined;
    if (!macro || (macro.parameters && tokens[i + 1]?.text !== '(')) {
      out.push(token);
      if (out.length > MAX_TOKENS + 1) throw new ExpressionError('the macros here expand to too long a text', token.at);
      continue;
    }
    let given: Token[][] = [];
    if (macro.parameters) {
      const call = argumentsFrom(tokens, i + 2, token);
      given = call.given.map((one) => expanded(one, lookup, active));
      i = call.end;
    }
    const body = substituted(macro, given, token);
    expandInto(out, body, lookup, new Set([...active, macro.name]));
  }
}

/** A name after . or -> is a member's. */
const isMember = (out: readonly Token[]): boolean => ['.', '->'].includes(out.at(-1)?.text ?? '');

function expanded(tokens: readonly Token[], lookup: MacroLookup, active: ReadonlySet<string>): Token[] {
  const out: Token[] = [];
  expandInto(out, tokens, lookup, active);
  return out;
}

/** The arguments from `from`, after the opening parenthesis, up to the closing one, whose index is `end`. */
function argumentsFrom(tokens: readonly Token[], from: number, name: Token): { given: Token[][]; end: number } {
  const given: Token[][] = [[]];
  let depth = 0;
  for (let i = from; i < tokens.length; i++) {
    const token = tokens[i]!;
    if (token.kind === 'symbol' && token.text === ')' && depth === 0) return { given, end: i };
    if (token.kind === 'symbol' && token.text === ',' && depth === 0) {
      given.push([]);
      continue;
    }
    if (token.kind === 'symbol') depth += token.text === '(' ? 1 : token.text === ')' ? -1 : 0;
    if (token.kind !== 'end') given.at(-1)!.push(token);
  }
  throw new ExpressionError(`the arguments of the macro ${name.text} do not end`, name.at);
}

function substituted({ name, parameters, body }: Macro, given: readonly Token[][], { at }: Token): Token[] {
  const values = given.length === 1 && given[0]!.length === 0 ? [] : given;
  if (parameters && !parameters.includes('...') && values.length !== parameters.length)
    throw new ExpressionError(`the macro ${name} takes ${parameters.length} arguments, not ${values.length}`, at);
  return bodyOf(name, body, at).flatMap((token) => {
    const index = token.kind === 'name' ? (parameters?.indexOf(token.text) ?? -1) : -1;
    return index < 0 ? [{ ...token, at }] : (values[index] ?? []);
  });
}

function bodyOf(name: string, body: string, at: number): Token[] {
  try {
    return tokenize(body).slice(0, -1);
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    throw new ExpressionError(`the macro ${name} stands for "${body}", which is no expression: ${error.reason}`, at);
  }
}
