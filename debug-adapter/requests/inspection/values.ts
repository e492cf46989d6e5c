/** Values as the protocol shows them: text, type, children, and the place in memory; and writing to them. */
import { hex } from '../../../emulator/isa/hex';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { kernelSpace, memoryReference as referenceTo } from '../../xv6/address-spaces';
import { childrenOf, countChildren } from '../../expressions/children';
import { evaluate } from '../../expressions/evaluate';
import { formatValue } from '../../expressions/format';
import { store } from '../../expressions/store';
import { plain, typeName } from '../../expressions/types';
import { addressOf, numberOf, type EvaluationContext, type Value } from '../../expressions/value';
import { binariesOf } from '../../expressions/names';
import type { SessionContext } from '../context';
import type { Container, SourceLocation } from '../stopped';
import type { View } from './view';

export interface NamedValue {
  name: string;
  value: Value;
  /** An expression for it, where there is one. */
  evaluateName?: string;
  declared?: SourceLocation;
  /** Of a register that has changed since the last stop: its text then. */
  before?: string;
  isStatic?: boolean;
}

/** What a value looks like, without a name. */
export type Shown = Pick<
  DebugProtocol.Variable,
  | 'value'
  | 'type'
  | 'variablesReference'
  | 'namedVariables'
  | 'indexedVariables'
  | 'memoryReference'
  | 'presentationHint'
  | 'valueLocationReference'
>;

export function shown(view: View, value: Value, expression: string | undefined, hex: boolean): Shown {
  const { evaluation, stopped, context } = view;
  const { named, indexed } = stopped ? countChildren(value, evaluation) : { named: 0, indexed: 0 };
  const body: Shown = {
    value: formatValue(value, evaluation, { hex }),
    variablesReference: named + indexed > 0 ? stopped!.keep(childContainer(view, value, expression)) : 0,
    presentationHint: hintOf(value),
  };
  if (context.client.types) body.type = typeName(value.type);
  if (named > 0) body.namedVariables = named;
  if (indexed > 0) body.indexedVariables = indexed;
  const reference = referenceOf(view, value);
  if (reference !== undefined) body.memoryReference = reference;
  const place = stopped && functionPlace(value, evaluation);
  if (place) body.valueLocationReference = stopped.keepLocation(place);
  return body;
}

export function listed(view: View, named: NamedValue, hex: boolean): DebugProtocol.Variable {
  const { name, value, evaluateName, declared, before, isStatic } = named;
  const body: DebugProtocol.Variable = { name, ...shown(view, value, evaluateName, hex) };
  if (evaluateName !== undefined) body.evaluateName = evaluateName;
  if (declared && view.stopped) body.declarationLocationReference = view.stopped.keepLocation(declared);
  const more = [...(before === undefined ? [] : ['changed']), ...(isStatic ? ['static'] : [])];
  if (more.length > 0) {
    body.presentationHint = {
      ...body.presentationHint,
      attributes: [...(body.presentationHint?.attributes ?? []), ...more],
    };
  }
  if (before !== undefined && body.type !== undefined) body.type = `${body.type}, was ${before}`;
  return body;
}

/** A list of values, made on demand. */
export const namedContainer = (view: View, names: () => readonly NamedValue[]): Container => ({
  list: ({ start, count, hex }) =>
    names()
      .slice(start, start + count)
      .map((named) => listed(view, named, hex)),
  set: (name, value, hex) => written(view, names(), name, value, hex),
  find: (name) => namedIn(view, names(), name),
});

/** What data breakpoints ask of a container. */
function namedIn(
  { evaluation }: View,
  all: readonly NamedValue[],
  name: string,
): ReturnType<NonNullable<Container['find']>> {
  const found = all.find((one) => one.name === name);
  return found && { ...found, evaluation };
}

/** Sets the one of `all` that is called `name` to the value of an expression. */
function written(
  view: View,
  all: readonly NamedValue[],
  name: string,
  text: string,
  hex: boolean,
): DebugProtocol.Variable {
  const found = all.find((one) => one.name === name);
  if (!found) throw new Error(`There is no "${name}" here.`);
  const now = store(found.value, evaluate(text, view.evaluation), undefined, view.evaluation);
  return listed(view, { name: found.name, evaluateName: found.evaluateName!, value: now }, hex);
}

/** Something has been written: what the editor shows of stacks, variables and memory is old. */
export function edited(context: SessionContext): void {
  const { connection, running, stopped } = context;
  running?.debuggee.warmStart?.discard();
  stopped?.changed();
  connection.afterResponse(() => showAnew(context));
}

/** Has the client read again what it may be showing of the machine where it stands. */
export function showAnew(context: SessionContext): void {
  const { connection, client } = context;
  if (client.invalidated) connection.event('invalidated', { areas: ['stacks', 'variables'] });
  memoryChanged(context);
}

/** Has the client read again what it may be showing of memory. */
export function memoryChanged({ connection, client, memoryViews }: SessionContext): void {
  if (!client.memoryEvents) return;
  for (const [memoryReference, part] of memoryViews) connection.event('memory', { memoryReference, ...part });
}

function childContainer(view: View, value: Value, expression: string | undefined): Container {
  const { evaluation } = view;
  const isArray = countChildren(value, evaluation).indexed > 0;
  // An array may have millions: only the one that is meant is made.
  const called = (name: string): readonly NamedValue[] => {
    if (!isArray) return childrenOf(value, evaluation, expression);
    const index = /^\[(\d+)\]$/.exec(name)?.[1];
    if (index === undefined) return [];
    return childrenOf(value, evaluation, expression, Number(index) - (value.firstIndex ?? 0), 1);
  };
  return {
    list: ({ start, count, hex }) =>
      childrenOf(value, evaluation, expression, start, count).map((child) => listed(view, child, hex)),
    set: (name, text, hex) => written(view, called(name), name, text, hex),
    find: (name) => namedIn(view, called(name), name),
  };
}

function hintOf(value: Value): DebugProtocol.VariablePresentationHint {
  const kind = plain(value.type).kind === 'function' ? 'method' : 'data';
  return isPlace(value) ? { kind } : { kind, attributes: ['readOnly'] };
}

/** Whether the value can be written. */
function isPlace({ location, machine, type }: Value): boolean {
  if (machine) return true;
  const { kind } = plain(type);
  if (kind === 'function' || kind === 'void') return false;
  return location.kind === 'memory' || location.kind === 'register' || location.kind === 'pieces';
}

/** Where a memory view of the value begins: what a pointer points to, else where the value itself lies. */
function referenceOf({ space, debuggee, stopped, evaluation }: View, value: Value): string | undefined {
  const { machine } = value;
  if (machine?.kind === 'word')
    return machine.word.physical === undefined ? undefined : `phys:${hex(machine.word.physical)}`;
  const address = plain(value.type).kind === 'pointer' ? target(value, evaluation) : addressOf(value);
  if (address === undefined) return undefined;
  // In a user program's frame the kernel's values are shown too, which are not in the program's memory.
  const owner = evaluation.kernel && space.physical(address) === undefined ? kernelSpace(debuggee) : space;
  return referenceTo(owner, address, stopped?.report.hart);
}

function target(value: Value, evaluation: EvaluationContext): bigint | undefined {
  try {
    return numberOf(value, evaluation);
  } catch {
    return undefined;
  }
}

/** Where the function is declared that a value is, or points to. */
function functionPlace(value: Value, evaluation: EvaluationContext): SourceLocation | undefined {
  const type = plain(value.type);
  const isFunction = type.kind === 'function' || (type.kind === 'pointer' && plain(type.target).kind === 'function');
  const address = isFunction ? (type.kind === 'pointer' ? target(value, evaluation) : addressOf(value)) : undefined;
  if (address === undefined) return undefined;
  const info = binariesOf(evaluation)
    .map((binary) => binary.functionAt(address))
    .find((one) => one?.low === address);
  return info?.file !== undefined && info.line !== undefined ? { file: info.file, line: info.line } : undefined;
}
