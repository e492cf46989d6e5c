/**
 * setBreakpoints, setFunctionBreakpoints, setInstructionBreakpoints, setExceptionBreakpoints and breakpointLocations of
 * the protocol. What they set is kept in run-control/breakpoints.ts and catchpoints.ts.
 */
import { hex } from '../../../emulator/isa/hex';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { syntaxProblem } from '../../expressions/evaluate';
import { locationsBetween } from '../../run-control/binding';
import type { BreakpointSpec } from '../../run-control/breakpoint-spec';
import type { Breakpoint } from '../../run-control/breakpoints';
import { FILTERS } from '../../run-control/catchpoints';
import { hitConditionProblem, type BreakpointOptions } from '../../run-control/conditions';
import { baseName } from '../../code/sources';
import { processes } from '../../xv6/processes';
import type { Body, SessionContext } from '../context';

export async function setBreakpoints(
  context: SessionContext,
  args: Partial<DebugProtocol.SetBreakpointsArguments>,
): Promise<Body<DebugProtocol.SetBreakpointsResponse>> {
  const path = args.source?.path;
  if (path === undefined) throw new Error('setBreakpoints needs the path of the source.');
  const asked: DebugProtocol.SourceBreakpoint[] = args.breakpoints ?? args.lines?.map((line) => ({ line })) ?? [];
  const wanted = asked.map((one): BreakpointSpec => ({
    kind: 'line',
    path,
    line: one.line,
    ...(one.column === undefined ? {} : { column: one.column }),
    ...extras(one),
  }));
  await context.running?.debuggee.prepare(wanted);
  return answer(context, context.stopPoints.breakpoints.setLines(path, wanted));
}

export async function setFunctionBreakpoints(
  context: SessionContext,
  args: Partial<DebugProtocol.SetFunctionBreakpointsArguments>,
): Promise<Body<DebugProtocol.SetFunctionBreakpointsResponse>> {
  const asked = args.breakpoints ?? [];
  const wanted = asked.map((one): BreakpointSpec => ({ kind: 'function', name: one.name.trim(), ...extras(one) }));
  await context.running?.debuggee.prepare(wanted);
  return answer(context, context.stopPoints.breakpoints.setFunctions(wanted));
}

export function setInstructionBreakpoints(
  context: SessionContext,
  args: Partial<DebugProtocol.SetInstructionBreakpointsArguments>,
): Body<DebugProtocol.SetInstructionBreakpointsResponse> {
  const asked = args.breakpoints ?? [];
  const wanted = asked.map((one): BreakpointSpec => {
    const [, space, text = ''] = /^(?:(.*):)?(.*)$/.exec(one.instructionReference) ?? [];
    const at = BigInt.asUintN(64, address(text) + BigInt(one.offset ?? 0));
    const program = programMeant(context, space, at);
    return { kind: 'instruction', address: at, ...(program === undefined ? {} : { program }), ...extras(one) };
  });
  return answer(context, context.stopPoints.breakpoints.setInstructions(wanted));
}

/**
 * The name of the user program whose instruction is meant: the one that was meant before, when clients say all of their
 * breakpoints again; else the one in the address space that a reference names, or that the stopped hart is in.
 */
function programMeant(context: SessionContext, space: string | undefined, at: bigint): string | undefined {
  const { running, stopped, stopPoints } = context;
  if (!running || running.debuggee.image.contains(at)) return undefined;
  const { debuggee } = running;
  const before = stopPoints.breakpoints.specs.find((one) => one.kind === 'instruction' && one.address === at);
  if (before) return before.kind === 'instruction' ? before.program : undefined;
  const [, kind, number] = /^(user|hart):(\d+)$/.exec(space ?? `hart:${stopped?.report.hart}`) ?? [];
  const hart = kind === 'hart' ? debuggee.harts[Number(number)] : undefined;
  const process = processes(debuggee.xv6).find(({ pid }) => kind === 'user' && pid === Number(number));
  const program = hart ? debuggee.programOn(hart) : process?.pagetable && debuggee.programs.in(process.pagetable);
  return program ? program.name : undefined;
}

export function setExceptionBreakpoints(
  context: SessionContext,
  args: Partial<DebugProtocol.SetExceptionBreakpointsArguments>,
): Body<DebugProtocol.SetExceptionBreakpointsResponse> {
  const filters = [
    ...(args.filters ?? []).map((filter) => ({ filter })),
    ...(args.filterOptions ?? []).map(({ filterId, condition }) => ({
      filter: filterId,
      ...(condition === undefined ? {} : { condition }),
    })),
    ...(args.exceptionOptions ?? []).flatMap(optionFilters),
  ];
  const breakpoints = context.stopPoints.catchpoints.set(filters);
  context.running?.runner.breakpointsChanged();
  return { breakpoints };
}

/** A filter is an exception of this debugger's; an option without a path is about all of them. */
function optionFilters({ path, breakMode }: DebugProtocol.ExceptionOptions): { filter: string }[] {
  if (breakMode === 'never') return [];
  if (!path?.length) return FILTERS.map(({ filter }) => ({ filter }));
  return path.at(-1)!.names.map((filter) => ({ filter }));
}

/** Every place between two lines of a file at which a breakpoint can stand. */
export async function breakpointLocations(
  context: SessionContext,
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
export function breakpointBody(context: SessionContext, breakpoint: Breakpoint): DebugProtocol.Breakpoint {
  const { id, binding, spec } = breakpoint;
  const hitProblem = spec.hitCondition === undefined ? undefined : hitConditionProblem(spec.hitCondition);
  const problem = hitProblem ?? conditionProblem(context, breakpoint);
  const body: DebugProtocol.Breakpoint = { id, verified: binding.verified && problem === undefined };
  const message = problem ?? binding.message;
  if (message !== undefined) body.message = message;
  if (binding.line !== undefined) body.line = binding.line;
  else if (spec.kind === 'line') body.line = spec.line;
  if (binding.column !== undefined) body.column = binding.column;
  if (binding.path !== undefined) body.source = { name: baseName(binding.path), path: binding.path };
  if (binding.locations[0]) body.instructionReference = hex(binding.locations[0].address);
  return body;
}

function answer(
  context: SessionContext,
  breakpoints: readonly Breakpoint[],
): { breakpoints: DebugProtocol.Breakpoint[] } {
  context.running?.runner.breakpointsChanged();
  return { breakpoints: breakpoints.map((breakpoint) => breakpointBody(context, breakpoint)) };
}

/** Why the condition can be understood in none of the programs that the breakpoint is in; undefined if it can. */
function conditionProblem(
  { running }: SessionContext,
  { spec: { condition }, binding }: Breakpoint,
): string | undefined {
  if (condition === undefined || !running || binding.locations.length === 0) return undefined;
  const kernel = running.debuggee.image.binary;
  const binaries = binding.locations.map(({ owner }) =>
    typeof owner === 'string' ? kernel : (owner.image?.binary ?? kernel),
  );
  const problems = [...new Set(binaries)].map((binary) => syntaxProblem(condition, binary));
  const [first] = problems;
  return problems.includes(undefined) ? undefined : `The condition "${condition}" is not valid: ${first}`;
}

export function extras(one: BreakpointOptions): BreakpointOptions {
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
