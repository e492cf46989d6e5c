/** continue, pause, next, stepIn and stepOut of the protocol. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Debuggee } from '../debuggee';
import { stepInstruction, stepLine, stepOut as leaving, type StepPlan } from '../run-control/stepping';
import { onceItRuns } from '../run-control/parked';
import { parkedAt, threadNamed } from '../threads';
import { launched, standing, type Body, type Context } from './context';

export function continueRun(context: Context): Body<DebugProtocol.ContinueResponse> {
  const { runner } = standing(context);
  goOn(context, () => runner.start());
  return { allThreadsContinued: true };
}

export function pause(context: Context, args: DebugProtocol.PauseArguments): void {
  const { runner, debuggee } = launched(context);
  const thread = threadNamed(debuggee, args.threadId);
  context.connection.afterResponse(() =>
    runner.pause({
      hart: thread.kind === 'hart' ? thread.hart : debuggee.machine.current,
      ...(thread.kind === 'process' ? { thread: args.threadId } : {}),
      reason: 'pause',
    }),
  );
}

export function next(context: Context, args: DebugProtocol.NextArguments): void {
  const over = (hart: number, debuggee: Debuggee): StepPlan =>
    args.granularity === 'instruction' ? stepInstruction(debuggee, hart, true) : stepLine(debuggee, hart, false);
  step(context, args.threadId, over);
}

export function stepIn(context: Context, args: DebugProtocol.StepInArguments): void {
  const into = (hart: number, debuggee: Debuggee): StepPlan =>
    args.granularity === 'instruction' ? stepInstruction(debuggee, hart, false) : stepLine(debuggee, hart, true);
  step(context, args.threadId, into);
}

export function stepOut(context: Context, args: DebugProtocol.StepOutArguments): void {
  step(context, args.threadId, (hart, debuggee) => leaving(debuggee, hart));
}

function step(context: Context, threadId: number, plan: (hart: number, debuggee: Debuggee) => StepPlan): void {
  const { runner, debuggee } = standing(context);
  const thread = threadNamed(debuggee, threadId);
  const made =
    thread.kind === 'hart'
      ? plan(thread.hart, debuggee)
      : onceItRuns(parkedAt(debuggee, thread.process), (hart) => plan(hart, debuggee));
  goOn(context, () => runner.start(made));
}

/** The answer comes first, then the run: its stop must not overtake it. */
function goOn(context: Context, start: () => void): void {
  context.stopped = undefined;
  context.connection.afterResponse(start);
}
