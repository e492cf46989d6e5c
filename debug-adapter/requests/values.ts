/** Values as the protocol shows them: text, type, children, and the place in memory; and writing to them. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { childrenOf, countChildren } from '../expressions/children';
import { evaluate } from '../expressions/evaluate';
import { formatValue } from '../expressions/format';
import { store } from '../expressions/store';
import { plain, typeName } from '../expressions/types';
import { addressOf, numberOf, type EvaluationContext, type Value } from '../expressions/value';
import type { Context } from './context';
import { standing } from './context';
import type { Container, Stopped } from './stopped';

export interface Named {
  name: string;
  value: Value;
  /** An expression for it, where there is one. */
  evaluateName?: string;
}

/** What a value looks like, without a name. */
export interface Shown {
  value: string;
  type: string;
  variablesReference: number;
  namedVariables?: number;
  indexedVariables?: number;
  memoryReference?: string;
}

export function shown(
  stopped: Stopped,
  evaluation: EvaluationContext,
  value: Value,
  expression: string | undefined,
  hex: boolean,
): Shown {
  const { named, indexed } = countChildren(value, evaluation);
  const body: Shown = {
    value: formatValue(value, evaluation, { hex }),
    type: typeName(value.type),
    variablesReference: named + indexed > 0 ? stopped.keep(childContainer(stopped, evaluation, value, expression)) : 0,
  };
  if (named > 0) body.namedVariables = named;
  if (indexed > 0) body.indexedVariables = indexed;
  const memory = memoryOf(value, evaluation);
  if (memory !== undefined) body.memoryReference = `0x${memory.toString(16)}`;
  return body;
}

export function listed(
  stopped: Stopped,
  evaluation: EvaluationContext,
  named: Named,
  hex: boolean,
): DebugProtocol.Variable {
  const { name, value, evaluateName } = named;
  return {
    name,
    ...shown(stopped, evaluation, value, evaluateName, hex),
    ...(evaluateName === undefined ? {} : { evaluateName }),
  };
}

/** Sets the one of `all` that is called `name` to the value of an expression. */
export function written(
  stopped: Stopped,
  evaluation: EvaluationContext,
  all: readonly Named[],
  name: string,
  text: string,
  hex: boolean,
): DebugProtocol.Variable {
  const found = all.find((one) => one.name === name);
  if (!found) throw new Error(`There is no "${name}" here.`);
  const now = store(found.value, evaluate(text, evaluation), undefined, evaluation);
  return listed(stopped, evaluation, { ...found, value: now }, hex);
}

/** Something has been written: what the editor shows of stacks and variables is old. */
export function edited(context: Context): void {
  standing(context).stopped.changed();
  if (context.clientTakesInvalidated)
    context.connection.afterResponse(() => context.connection.event('invalidated', { areas: ['stacks', 'variables'] }));
}

function childContainer(
  stopped: Stopped,
  evaluation: EvaluationContext,
  value: Value,
  expression: string | undefined,
): Container {
  return {
    list: ({ start, count, hex }) =>
      childrenOf(value, evaluation, expression, start, count).map((child) => listed(stopped, evaluation, child, hex)),
    set: (name, text, hex) => written(stopped, evaluation, childrenOf(value, evaluation, expression), name, text, hex),
  };
}

/** Where a memory view of the value begins: what a pointer points to, else where the value itself lies. */
function memoryOf(value: Value, evaluation: EvaluationContext): bigint | undefined {
  if (plain(value.type).kind !== 'pointer') return addressOf(value);
  try {
    return numberOf(value, evaluation);
  } catch {
    return undefined;
  }
}
