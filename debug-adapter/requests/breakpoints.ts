/**
 * setBreakpoints, setFunctionBreakpoints, setInstructionBreakpoints, setExceptionBreakpoints and breakpointLocations of
 * the protocol. What they set is kept in run-control/breakpoints.ts and catchpoints.ts.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { syntaxProblem } from '../expressions/evaluate';
import { locationsBetween } from '../run-control/binding';
import type { Breakpoint, Wanted } from '../run-control/breakpoints';
import { FILTERS } from '../run-control/catchpoints';
import { hitConditionProblem, type Extras } from '../run-control/conditions';
import { baseName } from '../code/sources';
import { processes } from '../xv6/processes';
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
  const wanted = asked.map((one): Wanted => {
    const [, space, text = ''] = /^(?:(.*):)?(.*)$/.exec(one.instructionReference) ?? [];
    const at = BigInt.asUintN(64, address(text) + BigInt(one.offset ?? 0));
    const program = programMeant(context, space, at);
    return { kind: 'instruction', address: at, ...(program === undefined ? {} : { program }), ...extras(one) };
  });
  return answer(context, context.breakpoints.setInstructions(wanted));
}

/**
 * The name of the user program whose instruction is meant: the one that was meant before, when clients say all of their
 * breakpoints again; else the one in the address space that a reference names, or that the stopped hart is in.
 */
function programMeant(context: Context, space: string | undefined, at: bigint): string | undefined {
  const { running, stopped, breakpoints } = context;
  if (!running || running.debuggee.image.contains(at)) return undefined;
  const { debuggee } = running;
  const before = breakpoints.wanted.find((one) => one.kind === 'instruction' && one.address === at);
  if (before) return before.kind === 'instruction' ? before.program : undefined;
  const [, kind, number] = /^(user|hart):(\d+)$/.exec(space ?? `hart:${stopped?.report.hart}`) ?? [];
  const hart = kind === 'hart' ? debuggee.harts[Number(number)] : undefined;
  const process = processes(debuggee.xv6).find(({ pid }) => kind === 'user' && pid === Number(number));
  const program = hart ? debuggee.programOn(hart) : process?.pagetable && debuggee.programs.in(process.pagetable);
  return program ? program.name : undefined;
}

export function setExceptionBreakpoints(
  context: Context,
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
  const breakpoints = context.catchpoints.set(filters);
  context.running?.runner.breakpointsChanged();
  context.running?.watchTables();
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
export function breakpointBody(context: Context, breakpoint: Breakpoint): DebugProtocol.Breakpoint {
  const { id, placed, wanted } = breakpoint;
  const hitProblem = wanted.hitCondition === undefined ? undefined : hitConditionProblem(wanted.hitCondition);
  const problem = hitProblem ?? conditionProblem(context, breakpoint);
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
  return { breakpoints: breakpoints.map((breakpoint) => breakpointBody(context, breakpoint)) };
}

/** Why the condition can be understood in none of the programs that the breakpoint is in; undefined if it can. */
function conditionProblem({ running }: Context, { wanted: { condition }, placed }: Breakpoint): string | undefined {
  if (condition === undefined || !running || placed.places.length === 0) return undefined;
  const kernel = running.debuggee.image.binary;
  const binaries = placed.places.map(({ owner }) =>
    typeof owner === 'string' ? kernel : (owner.image?.binary ?? kernel),
  );
  const problems = [...new Set(binaries)].map((binary) => syntaxProblem(condition, binary));
  const [first] = problems;
  return problems.includes(undefined) ? undefined : `The condition "${condition}" is not valid: ${first}`;
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
