/** continue, pause, next, stepIn and stepOut of the protocol. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { StepContext, StepPlan } from '../../run-control/stepping/step-plan';
import type { BackwardStep } from '../../run-control/past/past';
import { whileItLives } from '../../run-control/stepping/ended';
import { stepInTargets as targetsAt } from '../../run-control/stepping/step-in-targets';
import { stepInstruction, stepLine, stepOut as leaving } from '../../run-control/stepping/stepping';
import type { BreakpointOrigin } from '../../code/mapped-program';
import { keyOf } from '../../launch/step-context';
import { parkedAt, threadNamed } from '../../stack/threads';
import { onceItRuns } from '../../run-control/stepping/parked';
import { requireSession, requireStopped, type Body, type SessionContext } from '../context';

export function continueRun(context: SessionContext): Body<DebugProtocol.ContinueResponse> {
  const { runner } = requireStopped(context);
  goOn(context, () => runner.start());
  return { allThreadsContinued: true };
}

export function pause(context: SessionContext, args: DebugProtocol.PauseArguments): void {
  const { runner, debuggee, past } = requireSession(context);
  if (past.travelling) {
    past.cancel();
    return;
  }
  const thread = threadNamed(debuggee, args.threadId);
  context.connection.afterResponse(() =>
    runner.pause({
      hart: thread.kind === 'hart' ? thread.hart : debuggee.machine.current,
      ...(thread.kind === 'process' ? { thread: args.threadId } : {}),
      reason: 'pause',
    }),
  );
}

export function next(context: SessionContext, args: DebugProtocol.NextArguments): void {
  step(context, args.threadId, [args.granularity === 'instruction' ? 'instruction' : 'line'], (hart, steps, origin) =>
    args.granularity === 'instruction'
      ? stepInstruction(steps, hart, true)
      : stepLine(steps, hart, { into: false, origin }),
  );
}

export function stepIn(context: SessionContext, args: DebugProtocol.StepInArguments): void {
  const { stopped } = requireStopped(context);
  const target = args.targetId === undefined ? undefined : stopped.stepInTarget(args.targetId);
  step(context, args.threadId, args.granularity === 'instruction' ? [] : ['line', 'out'], (hart, steps, origin) => {
    if (target) return stepLine(steps, hart, { into: false, origin, ...target });
    return args.granularity === 'instruction'
      ? stepInstruction(steps, hart, false)
      : stepLine(steps, hart, { into: true });
  });
}

/** The remaining calls of a frame's line: only of a hart's innermost frame, since only its next instructions are known. */
export function stepInTargets(
  context: SessionContext,
  args: DebugProtocol.StepInTargetsArguments,
): Body<DebugProtocol.StepInTargetsResponse> {
  const { debuggee, stopped } = requireStopped(context);
  const frame = stopped.frame(args.frameId);
  const hart = frame.hart === undefined ? undefined : debuggee.harts[frame.hart];
  if (!hart || stopped.stack({ kind: 'hart', hart: hart.id })[0] !== frame) return { targets: [] };
  return {
    targets: targetsAt(debuggee.steps, hart).map((target) => ({
      id: stopped.keepStep(target),
      label: target.label,
      ...(target.line === undefined ? {} : { line: target.line }),
      ...(target.column === undefined ? {} : { column: target.column }),
    })),
  };
}

export function stepOut(context: SessionContext, args: DebugProtocol.StepOutArguments): void {
  step(context, args.threadId, ['into'], (hart, steps, origin) => leaving(steps, hart, origin));
}

/** `origin`: the breakpoint that has stopped the hart, if one has. */
type MakePlan = (hart: number, steps: StepContext, origin: BreakpointOrigin | undefined) => StepPlan;

function step(context: SessionContext, threadId: number, undoneBy: BackwardStep[], plan: MakePlan): void {
  const { runner, debuggee, stopped, past } = requireStopped(context);
  const thread = threadNamed(debuggee, threadId);
  const { report } = stopped;
  const { steps } = debuggee;
  const made =
    thread.kind === 'hart'
      ? plan(thread.hart, steps, thread.hart === report.hart ? report.origin : undefined)
      : onceItRuns(parkedAt(debuggee, thread.process), (hart) => plan(hart, steps, undefined));
  const process = thread.kind === 'hart' ? steps.processKey(debuggee.harts[thread.hart]!) : keyOf(thread.process);
  past.stepBegins(thread.kind === 'hart' ? thread.hart : report.hart, undoneBy);
  goOn(context, () => runner.start(whileItLives(steps, process, made)));
}

/** The answer comes first, then the run: its stop must not overtake it. */
function goOn(context: SessionContext, start: () => void): void {
  context.stopped = undefined;
  context.connection.afterResponse(start);
}
