/** scopes, variables and setVariable of the protocol. */
import { hex } from '../../../emulator/isa/hex';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { childrenOf } from '../../expressions/children';
import { evaluate } from '../../expressions/evaluate';
import { formatValue } from '../../expressions/format';
import { floatTypeOf, numberOf, variableValue, type Value } from '../../expressions/value';
import { causeName } from '../../../emulator/isa/causes';
import { CSRS } from '../../../emulator/isa/csr-fields';
import { F_NAMES, FIRST_FLOAT, X_NAMES } from '../../../emulator/isa/registers';
import { MODE_NAMES } from '../../../emulator/types';
import { baseName } from '../../code/sources';
import { scopesOf } from '../../stack/variables';
import type { Variable } from '../../symbols/api';
import { allProcesses, type Process } from '../../xv6/processes';
import { requireStopped, type Body, type SessionContext } from '../context';

import { sourceOf } from './source';
import type { Container } from '../stopped';
import { wantsHex } from './number-format';
import { edited, namedContainer, type NamedValue } from './values';
import { frameView, type View } from './view';

/** Variables in one answer; a client that wants more asks for pages. */
const MOST = 10_000;

export function scopes(
  context: SessionContext,
  args: DebugProtocol.ScopesArguments,
): Body<DebugProtocol.ScopesResponse> {
  const { debuggee, stopped } = requireStopped(context);
  const frame = stopped.frame(args.frameId);
  if (frame.isLabel) return { scopes: [] };
  const view = frameView(context, debuggee, stopped, frame);
  const local = scopesOf(frame);
  const made: DebugProtocol.Scope[] = [];
  const add = (name: string, container: Container, more: Partial<DebugProtocol.Scope> = {}): void => {
    made.push({ name, variablesReference: stopped.keep(container), expensive: false, ...more });
  };
  const variablesOf = (found: readonly Variable[]): Container =>
    namedContainer(view, () => distinct(found.map((variable) => variableNamed(variable, view))));
  const of = (kinds: readonly Variable['kind'][]): Variable[] =>
    local.flatMap(({ variables }) => variables).filter(({ kind }) => kinds.includes(kind));

  const inside = of(['local', 'static']);
  const { file, line } = frame.image?.binary.functionAt(frame.lookup) ?? {};
  add('Locals', variablesOf(inside), {
    presentationHint: 'locals',
    namedVariables: inside.length,
    ...(file !== undefined && line !== undefined && file === frame.file
      ? { source: sourceOf(debuggee, file), line }
      : {}),
  });
  const given = of(['parameter']);
  if (given.length > 0)
    add('Arguments', variablesOf(given), { presentationHint: 'arguments', namedVariables: given.length });
  const { cause, hart } = stopped.report;
  if ((cause?.kind === 'trap' || cause?.kind === 'trap-loop') && hart === frame.hart)
    add('Trap about to be taken', trapContainer(cause.event));
  const isInnermost = frame.hart !== undefined && frame.registers.pc === debuggee.harts[frame.hart]!.pc;
  const before = isInnermost ? stopped.before?.[frame.hart!] : undefined;
  add(
    'Registers',
    namedContainer(view, () => registersOf(view).map((name) => registerNamed(name, view, before))),
    { presentationHint: 'registers' },
  );
  if (frame.hart !== undefined) {
    add(
      'CSRs',
      namedContainer(view, () =>
        CSRS.filter(({ name }) => view.evaluation.csr?.(name) !== undefined).map(({ name }) =>
          registerNamed(name, view, stopped.before?.[frame.hart!]),
        ),
      ),
      { expensive: true },
    );
  }
  const trapFrame = trapFrameOf(view);
  if (trapFrame) add('Trap frame', trapFrame, { expensive: true });
  const globals = frame.image?.binary.globals.filter(({ file }) => file !== undefined && file === frame.file) ?? [];
  if (globals.length > 0) {
    add(`Globals of ${baseName(frame.file!)}`, variablesOf(globals), {
      expensive: true,
      namedVariables: globals.length,
      source: sourceOf(debuggee, frame.file!),
    });
  }
  return { scopes: made };
}

export function variables(
  context: SessionContext,
  args: DebugProtocol.VariablesArguments,
): Body<DebugProtocol.VariablesResponse> {
  const { stopped } = requireStopped(context);
  const page = {
    start: args.start ?? 0,
    count: Math.min(args.count || MOST, MOST),
    hex: wantsHex(context, args.format),
  };
  const list = stopped.container(args.variablesReference).list(page);
  // Indexed children have no name in C, named ones no index; a client that pages asks for one kind at a time.
  const isIndexed = ({ name }: DebugProtocol.Variable): boolean => /^\[\d+\]$/.test(name);
  if (args.filter === undefined) return { variables: list };
  return { variables: list.filter((variable) => isIndexed(variable) === (args.filter === 'indexed')) };
}

export function setVariable(
  context: SessionContext,
  args: DebugProtocol.SetVariableArguments,
): Body<DebugProtocol.SetVariableResponse> {
  const { stopped } = requireStopped(context);
  const container = stopped.container(args.variablesReference);
  if (!container.set) throw new Error(`${args.name} cannot be set.`);
  const now = container.set(args.name, args.value, wantsHex(context, args.format));
  edited(context);
  return now;
}

/** What is in scope in a frame; of a function that has others inlined in it, its own only. */
function variableNamed(variable: Variable, { evaluation }: View): NamedValue {
  const { name, file, line, kind } = variable;
  return {
    name,
    evaluateName: name,
    value: variableValue(variable, evaluation),
    ...(file !== undefined && line !== undefined ? { declared: { file, line } } : {}),
    ...(kind === 'static' ? { isStatic: true } : {}),
  };
}

/** An outer variable that an inner one hides cannot be named in an expression, but is shown. */
function distinct(named: NamedValue[]): NamedValue[] {
  const seen = new Map<string, number>();
  return named.map((one) => {
    const times = (seen.get(one.name) ?? 0) + 1;
    seen.set(one.name, times);
    if (times === 1) return one;
    const { value, declared } = one;
    const name = `${one.name} (hidden${times > 2 ? ` ${times - 1}` : ''})`;
    return { name, value, ...(declared ? { declared } : {}) };
  });
}

const REGISTERS = ['pc', ...X_NAMES.slice(1)];

/** The registers of a frame that are shown: those for floating point while that is on, as far as they are known. */
function registersOf({ evaluation: { frame, csr } }: View): string[] {
  const floats = F_NAMES.filter((_, number) => frame.x[FIRST_FLOAT + number] !== undefined);
  if (floats.length === 0) return REGISTERS;
  return [...REGISTERS, ...floats, ...(csr?.('fcsr') === undefined ? [] : ['fcsr'])];
}

/** A register, with its text at the last stop if it was another. */
function registerNamed(
  name: string,
  { evaluation }: View,
  before: ReadonlyMap<string, bigint> | undefined,
): NamedValue {
  const evaluateName = `$${name}`;
  const value = evaluate(evaluateName, evaluation);
  const was = before?.get(name);
  const now = currentOf(value, evaluation);
  if (was === undefined || now === undefined || was === now) return { name, evaluateName, value };
  const { machine } = value;
  const word = machine?.kind === 'word' ? { ...machine, word: { ...machine.word, read: () => was } } : undefined;
  const isFloat = value.location.kind === 'register' && value.location.register >= FIRST_FLOAT;
  const then: Value = {
    ...value,
    type: isFloat ? floatTypeOf(was) : value.type,
    location: { kind: 'value', value: was },
    ...(word ? { machine: word } : {}),
  };
  return { name, evaluateName, value, before: formatValue(then, evaluation) };
}

function currentOf(value: Value, evaluation: View['evaluation']): bigint | undefined {
  if (value.location.kind === 'register') return evaluation.frame.x[value.location.register];
  try {
    return BigInt.asUintN(64, numberOf(value, evaluation));
  } catch {
    return undefined;
  }
}

/** What the user program's registers were when it last entered the kernel, for the process of the frame. */
function trapFrameOf(view: View): Container | undefined {
  const { debuggee } = view;
  const { trapframe } = debuggee.xv6;
  const process = processOf(view);
  if (!trapframe || process?.trapframe === undefined) return undefined;
  const value: Value = { type: trapframe.record, location: { kind: 'memory', address: process.trapframe } };
  const expression = `$proc(${process.pid})->${trapframe.member}`;
  return namedContainer(view, () =>
    childrenOf(value, view.evaluation, `*${expression}`).map((child) => ({
      ...child,
      value: { ...child.value, hex: true },
      evaluateName: `${expression}->${child.name}`,
    })),
  );
}

function processOf({ debuggee, evaluation }: View): Process | undefined {
  const pid = evaluation.builtin?.('pid', undefined);
  const number = pid && numberOf(pid, evaluation);
  return number ? allProcesses(debuggee.xv6).find((one) => one.used && BigInt(one.pid) === number) : undefined;
}

function trapContainer(event: {
  interrupt: boolean;
  cause: number;
  tval: bigint;
  epc: bigint;
  from: number;
  to: number;
}): Container {
  const row = (name: string, value: string): DebugProtocol.Variable => ({
    name,
    value,
    variablesReference: 0,
    presentationHint: { kind: 'virtual', attributes: ['readOnly'] },
  });
  const number = (value: bigint): string => hex(value);
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
