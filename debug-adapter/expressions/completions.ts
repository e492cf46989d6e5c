/**
 * Completes an expression at the cursor: members after `.` and `->`, registers and built-ins after `$`, types where a cast
 * or sizeof needs one, tags after `struct`, else the names in scope.
 */
import { CSRS } from '../../emulator/isa/csr-fields';
import { F_NAMES, FIRST_FLOAT, X_NAMES } from '../../emulator/isa/registers';
import type { FunctionInfo, RecordType, Variable } from '../symbols/api';
import { ExpressionError } from './error';
import { evaluate, evaluateType } from './evaluate';
import { binariesOf, FALLBACK_NAMES, typeNamed } from './names';
import * as C from './types';
import type { EvaluationContext } from './value';

export interface Completion {
  label: string;
  kind: 'variable' | 'function' | 'member' | 'type' | 'enumerator' | 'register' | 'field' | 'builtin' | 'keyword';
  /** Its type or description. */
  detail?: string;
}

export interface Completions {
  items: Completion[];
  /** 0-based: the part of the word typed so far, which the item replaces. */
  start: number;
  length: number;
}

/** A function or a value that the debugger provides. */
export interface Builtin {
  name: string;
  detail: string;
  parameters?: string;
}

const KEYWORDS = ['sizeof', '_Alignof', 'struct', 'union', 'enum'];
const MOST_ITEMS = 500;
/** Only so many characters before the cursor are looked at. */
const LONGEST = 1024;

/** Completions of `text` at the 0-based offset `at`. Never throws. */
export function complete(
  text: string,
  at: number,
  context: EvaluationContext,
  builtins: readonly Builtin[],
): Completions {
  const before = text.slice(Math.max(0, at - LONGEST), at);
  const typed = wordStart(before, before.length);
  const word = before.slice(Math.max(typed, before.lastIndexOf(':') + 1));
  const start = at - word.length;
  const ahead = before.slice(0, before.length - word.length).trimEnd();
  const found = insideText(ahead) ? [] : candidates(ahead, word, context, builtins);
  const wanted = word.toLowerCase();
  const items = distinct(found.filter(({ label }) => label.toLowerCase().startsWith(wanted)));
  return { items: items.slice(0, MOST_ITEMS), start, length: word.length };
}

/** Whether a string or a character constant has begun and not ended. */
function insideText(text: string): boolean {
  const rest = text.replace(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/g, '');
  return /["']/.test(rest);
}

function candidates(
  ahead: string,
  word: string,
  context: EvaluationContext,
  builtins: readonly Builtin[],
): Completion[] {
  if (ahead.endsWith('->') || (ahead.endsWith('.') && !ahead.endsWith('..'))) {
    const object = operandBefore(ahead.slice(0, ahead.endsWith('->') ? -2 : -1));
    return object === '' ? [] : members(object, context);
  }
  if (word.startsWith('$')) return dollarNames(context, builtins);
  if (ahead.endsWith('::')) return statics(ahead.slice(wordStart(`${ahead}x`, ahead.length + 1), -2), context);
  const tag = /\b(struct|union|enum)$/.exec(ahead)?.[1];
  if (tag !== undefined) return tags(tag, context);
  const names = inScope(context);
  // A parenthesis may open a cast, and that of sizeof mostly holds a type.
  if (/\b(sizeof|_Alignof)\s*\($/.test(ahead)) return [...types(context), ...names];
  return ahead.endsWith('(') || word !== '' ? [...names, ...types(context)] : names;
}

/** The operand that ends a text: `a + p->next[1]` ends in `p->next[1]`. */
function operandBefore(text: string): string {
  let at = text.length;
  for (;;) {
    while (at > 0 && /\s/.test(text[at - 1]!)) at--;
    const end = text[at - 1];
    if (end === ')' || end === ']') {
      const open = opening(text, at - 1);
      if (open < 0) return '';
      at = open;
      // A word before a bracket belongs to the operand; before a parenthesis, only the name of a built-in does.
      if (end === ')') {
        const start = wordStart(text, at);
        return text.slice(text[start] === '$' ? start : at);
      }
      continue;
    }
    const start = wordStart(text, at);
    if (start === at) return '';
    at = start;
    let link = at;
    while (link > 0 && /\s/.test(text[link - 1]!)) link--;
    if (text[link - 1] === '.') at = link - 1;
    else if (text.slice(0, link).endsWith('->')) at = link - 2;
    else return text.slice(at);
  }
}

/** The start of the word that ends at `at`: `pid`, `$sp`, `kernel/proc.c::nextpid`. */
function wordStart(text: string, at: number): number {
  let start = at;
  while (start > 0 && /\w/.test(text[start - 1]!)) start--;
  if (text[start - 1] === '$') return start - 1;
  if (start === at || text.slice(start - 2, start) !== '::') return start;
  start -= 2;
  while (start > 0 && /[\w./]/.test(text[start - 1]!)) start--;
  return start;
}

/** The offset of the bracket that the one at `at` closes; -1 if there is none. */
function opening(text: string, at: number): number {
  let depth = 0;
  for (let i = at; i >= 0; i--) {
    const character = text[i]!;
    if (character === ')' || character === ']') depth++;
    else if (character === '(' || character === '[') depth--;
    if (depth === 0) return i;
  }
  return -1;
}

function members(object: string, context: EvaluationContext): Completion[] {
  const word = fieldsOf(object, context);
  if (word) return word;
  try {
    const type = C.plain(evaluateType(object, context));
    const target = type.kind === 'pointer' ? type.target : type.kind === 'array' ? type.element : type;
    const record = C.plain(C.completed(target, (name) => typeNamed(name, context)));
    return record.kind === 'struct' || record.kind === 'union' ? recordMembers(record) : [];
  } catch (error) {
    if (error instanceof ExpressionError) return [];
    throw error;
  }
}

/** The members of a record; those of its unnamed members are its own. */
function recordMembers(record: RecordType, depth = 0): Completion[] {
  return record.members.flatMap(({ name, type }): Completion[] => {
    if (name !== undefined) return [{ label: name, kind: 'member', detail: C.typeName(type) }];
    const inner = C.plain(type);
    return (inner.kind === 'struct' || inner.kind === 'union') && depth < 8 ? recordMembers(inner, depth + 1) : [];
  });
}

function fieldsOf(object: string, context: EvaluationContext): Completion[] | undefined {
  if (!/^\$?\w+(\(.*\))?$/.test(object)) return undefined;
  try {
    const { machine } = evaluate(object, context);
    if (machine?.kind !== 'word' || machine.field) return undefined;
    return machine.word.fields.map(({ name, description }) => ({ label: name, kind: 'field', detail: description }));
  } catch (error) {
    if (error instanceof ExpressionError) return undefined;
    throw error;
  }
}

function dollarNames(context: EvaluationContext, builtins: readonly Builtin[]): Completion[] {
  return [
    ...builtins.map(({ name, detail, parameters }): Completion => ({
      label: `$${name}${parameters === undefined ? '' : '('}`,
      kind: 'builtin',
      detail: parameters === undefined ? detail : `$${name}(${parameters}): ${detail}`,
    })),
    ...['pc', ...X_NAMES, ...(context.frame.x.length > FIRST_FLOAT ? F_NAMES : [])].map((name): Completion => ({
      label: `$${name}`,
      kind: 'register',
    })),
    ...CSRS.filter(({ name }) => context.csr?.(name) !== undefined).map(({ name, description }): Completion => ({
      label: `$${name}`,
      kind: 'register',
      detail: description,
    })),
  ];
}

function statics(scope: string, context: EvaluationContext): Completion[] {
  const isIt = ({ file }: { file: string | undefined }): boolean => file === scope || !!file?.endsWith(`/${scope}`);
  return binariesOf(context).flatMap((binary) => [
    ...binary.globals.filter(isIt).map(variable),
    ...binary.functions.filter(isIt).map(functionItem),
  ]);
}

const tags = (keyword: string, context: EvaluationContext): Completion[] =>
  binariesOf(context)
    .flatMap(({ typeNames }) => typeNames)
    .filter((name) => name.startsWith(`${keyword} `))
    .map((name) => ({ label: name.slice(keyword.length + 1), kind: 'type', detail: name }));

const types = (context: EvaluationContext): Completion[] =>
  binariesOf(context)
    .flatMap(({ typeNames }) => typeNames)
    .map((name) => ({ label: name, kind: 'type' }));

const variable = ({ name, type }: Variable): Completion => ({
  label: name,
  kind: 'variable',
  detail: C.typeName(type),
});

const functionItem = ({ name, type }: FunctionInfo): Completion => ({
  label: name,
  kind: 'function',
  ...(type && { detail: C.typeName(type) }),
});

function inScope(context: EvaluationContext): Completion[] {
  const local = context.binary.scopesAt(context.scopePc ?? context.frame.pc).flatMap(({ variables }) => variables);
  return [
    ...local.map(variable),
    ...binariesOf(context).flatMap((binary) => [
      ...binary.globals.map(variable),
      ...binary.functions.map(functionItem),
      ...binary.enumeratorNames.map((label): Completion => ({ label, kind: 'enumerator' })),
    ]),
    ...FALLBACK_NAMES.map((label): Completion => ({ label, kind: 'builtin' })),
    ...KEYWORDS.map((label): Completion => ({ label, kind: 'keyword' })),
  ];
}

/** The first of each name, which is the one that an expression means. */
function distinct(items: readonly Completion[]): Completion[] {
  const seen = new Set<string>();
  return items.filter(({ label }) => !seen.has(label) && seen.add(label));
}
