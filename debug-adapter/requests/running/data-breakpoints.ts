/** The protocol's dataBreakpointInfo and setDataBreakpoints requests, for run-control/data-breakpoints.ts. */
import { wordsOf } from '../../dap/errors';
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Found } from '../../evaluation/data-places';
import { evaluate } from '../../expressions/evaluate';
import type { DataBreakpoint, DataBreakpointSpec } from '../../run-control/data-breakpoints';
import { hitConditionProblem } from '../../run-control/conditions';
import { extras } from './breakpoints';
import { requireStopped, type Body, type SessionContext } from '../context';
import { viewFor } from '../inspection/view';

const ACCESS_TYPES: DebugProtocol.DataBreakpointAccessType[] = ['write', 'read', 'readWrite'];

export function dataBreakpointInfo(
  context: SessionContext,
  args: DebugProtocol.DataBreakpointInfoArguments,
): Body<DebugProtocol.DataBreakpointInfoResponse> {
  try {
    return { ...placeNamed(context, args), accessTypes: ACCESS_TYPES };
  } catch (error) {
    // As the protocol defines it: no id, and a description that says why.
    return { dataId: null, description: wordsOf(error) };
  }
}

/** The place in memory that a client names. Throws an Error if there is none. */
export function placeNamed(context: SessionContext, args: DebugProtocol.DataBreakpointInfoArguments): Found {
  const { dataLocations, stopped } = requireStopped(context);
  const { name, bytes, mode } = args;
  if (args.asAddress) return dataLocations.ofAddress(name, stopped.report.hart, bytes, mode);
  if (args.variablesReference) {
    const found = stopped.container(args.variablesReference).find?.(name);
    if (!found) throw new Error(`${name} has no place in memory.`);
    return dataLocations.ofValue(found.evaluateName ?? name, found.value, found.evaluation, bytes, mode);
  }
  const { evaluation } = viewFor(context, args.frameId);
  return dataLocations.ofValue(name.trim(), evaluate(name, evaluation), evaluation, bytes, mode);
}

export function setDataBreakpoints(
  context: SessionContext,
  args: Partial<DebugProtocol.SetDataBreakpointsArguments>,
): Body<DebugProtocol.SetDataBreakpointsResponse> {
  const specs = (args.breakpoints ?? []).map((one): DataBreakpointSpec => {
    const accessType = one.accessType ?? 'write';
    if (!ACCESS_TYPES.includes(accessType)) throw new Error(`There is no access type "${String(accessType)}".`);
    return { dataId: one.dataId, accessType, ...extras(one) };
  });
  const made = context.stopPoints.dataBreakpoints.set(specs);
  return { breakpoints: made.map(dataBreakpointBody) };
}

export function dataBreakpointBody({ id, location, message, spec }: DataBreakpoint): DebugProtocol.Breakpoint {
  const problem = spec.hitCondition === undefined ? undefined : hitConditionProblem(spec.hitCondition);
  const text = problem ?? message;
  return {
    id,
    verified: location !== undefined && problem === undefined,
    ...(text === undefined ? {} : { message: text }),
  };
}
