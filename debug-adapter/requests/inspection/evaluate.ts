/**
 * evaluate and setExpression of the protocol. A hover also says where the value leads as an address. While the machine
 * runs, globals and registers are answered as they are between two slices of the run.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { addressText, memoryMeaning } from '../../evaluation/memory-meaning';
import { assign, evaluate as valueOf } from '../../expressions/evaluate';
import { formatValue, type FormatOptions } from '../../expressions/format';
import type { Value } from '../../expressions/value';
import type { Body, SessionContext } from '../context';
import { consoleQuestion, isQuestion } from '../running/queries';
import { consoleStory, isWhy } from '../running/stories';
import { consoleFences, isFences } from '../xv6/fences';
import type { Container, Stopped } from '../stopped';
import { wantsHex } from './number-format';
import { edited, shown } from './values';
import { viewFor, type View } from './view';

/** What is copied is wanted whole. */
const WHOLE: FormatOptions = { depth: 8, length: 1_000_000, elements: 10_000, text: 4096 };

export function evaluate(
  context: SessionContext,
  args: DebugProtocol.EvaluateArguments,
): Body<DebugProtocol.EvaluateResponse> | Promise<Body<DebugProtocol.EvaluateResponse>> {
  const repl = args.context === 'repl';
  const asked = repl
    ? (consoleFences(context, args) ?? consoleStory(context, args) ?? consoleQuestion(context, args))
    : undefined;
  if (asked !== undefined) return asked;
  if (!repl && isFences(args.expression)) throw new Error('Fences are listed in the debug console.');
  if (!repl && (isWhy(args.expression) || isQuestion(args.expression)))
    throw new Error('Questions to the past are asked in the debug console.');
  const view = viewFor(context, args.frameId);
  const hex = wantsHex(context, args.format);
  const value = evaluated(context, view, args.expression, repl);
  if (args.context === 'clipboard')
    return { result: formatValue(value, view.evaluation, { ...WHOLE, hex }), variablesReference: 0 };
  const { value: result, ...rest } = shown(view, value, args.expression, hex);
  const plainly = { result, ...rest };
  return args.context === 'hover' && view.stopped
    ? hovered(view, view.stopped, plainly, value, args.expression)
    : plainly;
}

/** The value of an expression, which in the debug console may assign, also where it fails after that. */
function evaluated(context: SessionContext, { evaluation }: View, expression: string, assignments: boolean): Value {
  try {
    return valueOf(expression, evaluation, { assignments });
  } finally {
    if (assignments && ASSIGNS.test(expression)) edited(context);
  }
}

/** What may have written something: said to the editor once too often rather than never. */
const ASSIGNS = /[^=!<>]=[^=]|\+\+|--|<<=|>>=/;

export function setExpression(
  context: SessionContext,
  args: DebugProtocol.SetExpressionArguments,
): Body<DebugProtocol.SetExpressionResponse> {
  const view = viewFor(context, args.frameId);
  const now = assign(args.expression, args.value, view.evaluation);
  edited(context);
  return shown(view, now, args.expression, wantsHex(context, args.format));
}

type Result = Body<DebugProtocol.EvaluateResponse>;

/** A hover: the value, what it means to memory, and below it the walk. */
function hovered(view: View, stopped: Stopped, plainly: Result, value: Value, expression: string): Result {
  const meaning = memoryMeaning(view, expression, value);
  if (!meaning) return plainly;
  const { va, summary, rows: walk } = meaning.translation;
  const row = ({ name, text }: { name: string; text: string }): DebugProtocol.Variable => ({
    ...{ name, value: text, variablesReference: 0 },
  });
  const rows = walk.map(row);
  if (meaning.kind === 'object') {
    const members = plainly.variablesReference;
    const variablesReference = stopped.keep({ list: () => rows });
    const list: Container['list'] = (page) => [
      ...(members > 0 ? stopped.container(members).list(page) : []),
      ...(page.start === 0 ? [{ name: 'address', value: `${va} ${summary}`, variablesReference }] : []),
    ];
    return { ...plainly, variablesReference: stopped.keep({ list }) };
  }
  const others = meaning.others.map((one): DebugProtocol.Variable => ({
    name: `in ${one.root.label}`,
    value: one.summary,
    variablesReference: stopped.keep({ list: () => one.rows.map(row) }),
  }));
  const { result, type, variablesReference } = plainly;
  const first = { name: 'value', value: result, variablesReference, ...(type === undefined ? {} : { type }) };
  return {
    ...plainly,
    result: `${result} ${addressText(meaning)}`,
    variablesReference: stopped.keep({ list: () => [first, ...rows, ...others] }),
  };
}
