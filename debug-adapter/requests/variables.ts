/** scopes, variables and setVariable of the protocol. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { frameEvaluation } from '../evaluation';
import { evaluate } from '../expressions/evaluate';
import { variableValue, type EvaluationContext, type Value } from '../expressions/value';
import { causeName } from '../registers/causes';
import { CSRS } from '../registers/csrs';
import { ABI_NAMES, MODE_NAMES } from '../registers/integer-registers';
import type { Frame } from '../stack';
import type { Variable } from '../symbols/api';
import { standing, type Body, type Context } from './context';
import type { Container, Stopped } from './stopped';
import { edited, listed, written, type Named } from './values';

/** Values larger than one screen of them are given a page at a time. */
const ALL = 1_000_000;

export function scopes(context: Context, args: DebugProtocol.ScopesArguments): Body<DebugProtocol.ScopesResponse> {
  const { debuggee, stopped } = standing(context);
  const frame = stopped.frame(args.frameId);
  const evaluation = frameEvaluation(debuggee, frame);
  const local = localVariables(frame);
  const made: DebugProtocol.Scope[] = [];
  const add = (name: string, names: () => Named[], more: Partial<DebugProtocol.Scope> = {}): void => {
    const variablesReference = stopped.keep(containerOf(stopped, evaluation, names));
    made.push({ name, variablesReference, expensive: false, ...more });
  };
  const values = (kinds: readonly Variable['kind'][]) => (): Named[] =>
    distinct(local.filter(({ kind }) => kinds.includes(kind)).map((variable) => variableNamed(variable, evaluation)));

  add('Locals', values(['local', 'static']), { presentationHint: 'locals' });
  if (local.some(({ kind }) => kind === 'parameter'))
    add('Arguments', values(['parameter']), { presentationHint: 'arguments' });
  const { cause } = stopped.report;
  if ((cause?.kind === 'trap' || cause?.kind === 'trap-loop') && stopped.report.hart === frame.hart)
    made.push({
      name: 'Trap about to be taken',
      variablesReference: stopped.keep(trapContainer(cause.event)),
      expensive: false,
    });
  add('Registers', () => registers(evaluation), { presentationHint: 'registers' });
  add('CSRs', () => csrs(evaluation), { presentationHint: 'registers', expensive: true });
  const globals = frame.image?.binary.globals.filter(({ file }) => file !== undefined && file === frame.file) ?? [];
  if (globals.length > 0)
    add('Globals of this file', () => distinct(globals.map((variable) => variableNamed(variable, evaluation))), {
      expensive: true,
    });
  return { scopes: made };
}

export function variables(
  context: Context,
  args: DebugProtocol.VariablesArguments,
): Body<DebugProtocol.VariablesResponse> {
  const { stopped } = standing(context);
  const page = { start: args.start ?? 0, count: args.count || ALL, hex: args.format?.hex === true };
  return { variables: stopped.container(args.variablesReference).list(page) };
}

export function setVariable(
  context: Context,
  args: DebugProtocol.SetVariableArguments,
): Body<DebugProtocol.SetVariableResponse> {
  const { stopped } = standing(context);
  const container = stopped.container(args.variablesReference);
  if (!container.set) throw new Error(`${args.name} cannot be set.`);
  const now = container.set(args.name, args.value, args.format?.hex === true);
  edited(context);
  return now;
}

/** What is in scope in a frame; of a function that has others inlined in it, its own only. */
export function localVariables(frame: Frame): Variable[] {
  const found = frame.image?.binary.scopesAt(frame.lookup) ?? [];
  return found
    .filter(({ inlinedDepth }) => inlinedDepth === undefined || inlinedDepth === frame.inlinedDepth)
    .flatMap(({ variables }) => variables);
}

function variableNamed(variable: Variable, evaluation: EvaluationContext): Named {
  return { name: variable.name, evaluateName: variable.name, value: variableValue(variable, evaluation) };
}

/** An outer variable that an inner one hides cannot be named in an expression, but is shown. */
function distinct(named: Named[]): Named[] {
  const seen = new Map<string, number>();
  return named.map((one) => {
    const times = (seen.get(one.name) ?? 0) + 1;
    seen.set(one.name, times);
    return times === 1 ? one : { name: `${one.name} (hidden${times > 2 ? ` ${times - 1}` : ''})`, value: one.value };
  });
}

/** pc and x1 to x31, and the mode that the hart is in. */
function registers(evaluation: EvaluationContext): Named[] {
  return ['pc', ...ABI_NAMES.slice(1)].map((name) => ({ name, ...register(name, evaluation) }));
}

function csrs(evaluation: EvaluationContext): Named[] {
  return CSRS.filter(({ name }) => evaluation.csr?.(name) !== undefined).map(({ name }) => ({
    name,
    ...register(name, evaluation),
  }));
}

function register(name: string, evaluation: EvaluationContext): { evaluateName: string; value: Value } {
  const evaluateName = `$${name}`;
  return { evaluateName, value: evaluate(evaluateName, evaluation) };
}

function containerOf(stopped: Stopped, evaluation: EvaluationContext, names: () => Named[]): Container {
  return {
    list: ({ start, count, hex }) =>
      names()
        .slice(start, start + count)
        .map((named) => listed(stopped, evaluation, named, hex)),
    set: (name, value, hex) => written(stopped, evaluation, names(), name, value, hex),
  };
}

function trapContainer(event: {
  interrupt: boolean;
  cause: number;
  tval: bigint;
  epc: bigint;
  from: number;
  to: number;
}): Container {
  const row = (name: string, value: string): DebugProtocol.Variable => ({ name, value, variablesReference: 0 });
  const number = (value: bigint): string => `0x${value.toString(16)}`;
  return {
    list: () => [
      row('cause', `${event.cause} (${causeName(event.interrupt, event.cause)})`),
      row('tval', number(event.tval)),
      row('epc', number(event.epc)),
      row('from', MODE_NAMES[event.from] ?? String(event.from)),
      row('to', MODE_NAMES[event.to] ?? String(event.to)),
    ],
  };
}
