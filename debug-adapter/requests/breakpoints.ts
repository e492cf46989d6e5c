/**
 * setBreakpoints, setFunctionBreakpoints, setInstructionBreakpoints, setExceptionBreakpoints and breakpointLocations of
 * the protocol. What they set is kept in run-control/breakpoints.ts and catchpoints.ts.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { locationsBetween } from '../run-control/binding';
import type { Breakpoint, Wanted } from '../run-control/breakpoints';
import { hitConditionProblem, type Extras } from '../run-control/question';
import { baseName } from '../sources';
import type { Body, Context } from './context';

export async function setBreakpoints(
  context: Context,
  args: Partial<DebugProtocol.SetBreakpointsArguments>,
): Promise<Body<DebugProtocol.SetBreakpointsResponse>> {
  const path = args.source?.path;
  if (path === undefined) throw new Error('setBreakpoints needs the path of the source.');
  const asked: DebugProtocol.SourceBreakpoint[] = args.breakpoints ?? args.lines?.map((line) => ({ line })) ?? [];
  const wanted = asked.map((one): Wanted => ({
    kind: 'line',
    path,
    line: one.line,
    ...(one.column === undefined ? {} : { column: one.column }),
    ...extras(one),
  }));
  await context.running?.debuggee.prepare(wanted);
  return answer(context, context.breakpoints.setLines(path, wanted));
}

export async function setFunctionBreakpoints(
  context: Context,
  args: Partial<DebugProtocol.SetFunctionBreakpointsArguments>,
): Promise<Body<DebugProtocol.SetFunctionBreakpointsResponse>> {
  const asked = args.breakpoints ?? [];
  const wanted = asked.map((one): Wanted => ({ kind: 'function', name: one.name.trim(), ...extras(one) }));
  await context.running?.debuggee.prepare(wanted);
  return answer(context, context.breakpoints.setFunctions(wanted));
}

export function setInstructionBreakpoints(
  context: Context,
  args: Partial<DebugProtocol.SetInstructionBreakpointsArguments>,
): Body<DebugProtocol.SetInstructionBreakpointsResponse> {
  const asked = args.breakpoints ?? [];
  const wanted = asked.map((one): Wanted => ({
    kind: 'instruction',
    address: address(one.instructionReference) + BigInt(one.offset ?? 0),
    ...extras(one),
  }));
  return answer(context, context.breakpoints.setInstructions(wanted));
}

export function setExceptionBreakpoints(
  context: Context,
  args: Partial<DebugProtocol.SetExceptionBreakpointsArguments>,
): Body<DebugProtocol.SetExceptionBreakpointsResponse> {
  const options = args.filterOptions ?? [];
  const filters = [
    ...(args.filters ?? []).map((filter) => ({ filter })),
    ...options.map(({ filterId, condition }) => ({
      filter: filterId,
      ...(condition === undefined ? {} : { condition }),
    })),
  ];
  return { breakpoints: context.catchpoints.set(filters) };
}

/** Every place between two lines of a file at which a breakpoint can stand. */
export async function breakpointLocations(
  context: Context,
  args: Partial<DebugProtocol.BreakpointLocationsArguments>,
): Promise<Body<DebugProtocol.BreakpointLocationsResponse>> {
  const path = args.source?.path;
  const { line: first } = args;
  if (path === undefined || first === undefined || !context.running) return { breakpoints: [] };
  const { debuggee } = context.running;
  await debuggee.prepare([{ kind: 'line', path, line: first }]);
  const found = locationsBetween(debuggee.target, path, first, args.endLine ?? first);
  const places = new Map(
    found.map(({ line, column }) => [`${line}:${column}`, { line, ...(column > 0 ? { column } : {}) }]),
  );
  return { breakpoints: [...places.values()].sort((a, b) => a.line - b.line || (a.column ?? 0) - (b.column ?? 0)) };
}

/** A breakpoint as the protocol shows it. */
export function breakpointBody({ id, placed, wanted }: Breakpoint): DebugProtocol.Breakpoint {
  const problem = wanted.hitCondition === undefined ? undefined : hitConditionProblem(wanted.hitCondition);
  const body: DebugProtocol.Breakpoint = { id, verified: placed.verified && problem === undefined };
  const message = problem ?? placed.message;
  if (message !== undefined) body.message = message;
  if (placed.line !== undefined) body.line = placed.line;
  else if (wanted.kind === 'line') body.line = wanted.line;
  if (placed.column !== undefined) body.column = placed.column;
  if (placed.path !== undefined) body.source = { name: baseName(placed.path), path: placed.path };
  if (placed.places[0]) body.instructionReference = `0x${placed.places[0].address.toString(16)}`;
  return body;
}

function answer(context: Context, breakpoints: readonly Breakpoint[]): { breakpoints: DebugProtocol.Breakpoint[] } {
  context.running?.runner.breakpointsChanged();
  return { breakpoints: breakpoints.map(breakpointBody) };
}

export function extras(one: Extras): Extras {
  const { condition, hitCondition, logMessage } = one;
  return {
    ...(condition?.trim() ? { condition } : {}),
    ...(hitCondition?.trim() ? { hitCondition } : {}),
    ...(logMessage ? { logMessage } : {}),
  };
}

/** An address as memory references and instruction references write it. */
export function address(text: string): bigint {
  if (!/^(0x[0-9a-f]{1,16}|\d{1,20})$/i.test(text)) throw new Error(`"${text}" is no address.`);
  return BigInt.asUintN(64, BigInt(text));
}
