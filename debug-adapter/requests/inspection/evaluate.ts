/**
 * evaluate and setExpression of the protocol. A hover also says where the value leads as an address. While the machine
 * runs, globals and registers are answered as they are between two slices of the run.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { frameEvaluation, globalEvaluation } from '../../evaluation/evaluation';
import { assign, evaluate as valueOf, integerOf } from '../../expressions/evaluate';
import { formatValue, type FormatOptions } from '../../expressions/format';
import { plain } from '../../expressions/types';
import type { Value } from '../../expressions/value';
import { addressOf } from '../../expressions/value';
import type { Translation } from '../../protocol';
import type { Frame } from '../../stack/stack';
import { requireSession, type Body, type SessionContext } from '../context';
import { translateFor } from '../xv6/page-tables';
import type { Container } from '../stopped';
import { edited, shown, type View } from './values';

/** Smaller numbers are counts and indices; the page at 0 is a user program's text, and is not what is asked for. */
const SMALLEST_ADDRESS = 4096n;

/** What is copied is wanted whole. */
const WHOLE: FormatOptions = { depth: 8, length: 1_000_000, elements: 10_000, text: 4096 };

export function evaluate(
  context: SessionContext,
  args: DebugProtocol.EvaluateArguments,
): Body<DebugProtocol.EvaluateResponse> {
  const view = viewFor(context, args.frameId);
  const hex = args.format?.hex === true;
  const repl = args.context === 'repl';
  const value = evaluated(context, view, args.expression, repl);
  if (args.context === 'clipboard')
    return { result: formatValue(value, view.evaluation, { ...WHOLE, hex }), variablesReference: 0 };
  const { value: result, ...rest } = shown(view, value, args.expression, hex);
  const plainly = { result, ...rest };
  return args.context === 'hover' && view.stopped ? withTranslation(view, plainly, value) : plainly;
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
  return shown(view, now, args.expression, args.format?.hex === true);
}

/**
 * A frame's scope; with no frame, and while the machine runs, globals and the registers of the hart that stopped or runs.
 */
export function viewFor(context: SessionContext, frameId: number | undefined): View {
  const { debuggee } = requireSession(context);
  const { stopped } = context;
  if (frameId !== undefined && stopped) return frameView(context, stopped.frame(frameId));
  const hart = debuggee.harts[stopped?.report.hart ?? debuggee.machine.current]!;
  const evaluation = globalEvaluation(debuggee, hart);
  return { context, stopped, evaluation, space: debuggee.space(hart), hart: hart.id };
}

/** What is seen from a frame of the stop. */
export function frameView(context: SessionContext, frame: Frame): View {
  const { debuggee } = requireSession(context);
  const stopped = context.stopped!;
  return {
    context,
    stopped,
    evaluation: frameEvaluation(debuggee, frame),
    space: frame.space,
    hart: frame.hart ?? stopped.report.hart,
  };
}

type Result = Body<DebugProtocol.EvaluateResponse>;

/** A hover's answer: the value, where it is translated to, and below it the walk. */
function withTranslation(
  { context, evaluation, hart, stopped: standing }: View,
  plainly: Result,
  value: Value,
): Result {
  const stopped = standing!;
  const kind = plain(value.type).kind;
  const aggregate = kind === 'struct' || kind === 'union' || kind === 'array';
  const va = aggregate ? addressOf(value) : integerOf(value, evaluation);
  if (va === undefined) return plainly;
  const translation = translateFor(context, hart, va);
  const rows = walkRows(translation);
  const brief = briefly(translation);
  if (aggregate) {
    const members = plainly.variablesReference;
    const walk = stopped.keep({ list: () => rows });
    const list: Container['list'] = (page) => [
      ...(members > 0 ? stopped.container(members).list(page) : []),
      ...(page.start === 0 ? [{ name: 'address', value: `${translation.va} ${brief}`, variablesReference: walk }] : []),
    ];
    return { ...plainly, variablesReference: stopped.keep({ list }) };
  }
  const first: DebugProtocol.Variable = {
    name: 'value',
    value: plainly.result,
    variablesReference: plainly.variablesReference,
    ...(plainly.type === undefined ? {} : { type: plainly.type }),
  };
  const address =
    kind === 'pointer' || value.location.kind === 'register' || value.machine !== undefined || va >= SMALLEST_ADDRESS;
  return {
    ...plainly,
    result: address ? `${plainly.result} ${brief}` : plainly.result,
    variablesReference: stopped.keep({ list: () => [first, ...rows] }),
  };
}

/** "→ PA 0x87f76000, V R W - - - A D (trap frame)", or why there is none. */
function briefly(translation: Translation): string {
  const { pa, steps, region } = translation;
  const where = region === undefined ? '' : ` (${region})`;
  const last = steps.at(-1);
  if (pa === undefined) return `→ no translation: ${translation.verdict}`;
  return last ? `→ PA ${pa}, ${last.flags}${where}` : `→ PA ${pa}${where}`;
}

function walkRows({ steps, verdict, pa }: Translation): DebugProtocol.Variable[] {
  const row = (name: string, value: string): DebugProtocol.Variable => ({ name, value, variablesReference: 0 });
  if (steps.length === 0) return [row('translation', verdict)];
  return [
    row('verdict', verdict),
    ...steps.map(({ level, index, pte, pteAddress, flags, meaning }) =>
      row(`level ${level}`, `[${index}] PTE ${pte ?? '(not in RAM)'} at ${pteAddress}, ${flags}: ${meaning}`),
    ),
    ...(pa === undefined ? [] : [row('PA', pa)]),
  ];
}
