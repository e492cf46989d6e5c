/** continue, pause, next, stepIn and stepOut of the protocol, and threads: each hart is one. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { Mode } from '../../emulator/types';
import type { Debuggee } from '../debuggee';
import { stepInstruction, stepLine, stepOut as leaving, type StepPlan } from '../run-control/stepping';
import { hartOf, launched, standing, threadOf, type Body, type Context } from './context';

export function continueRun(context: Context): Body<DebugProtocol.ContinueResponse> {
  const { runner } = standing(context);
  goOn(context, () => runner.start());
  return { allThreadsContinued: true };
}

export function pause(context: Context, args: DebugProtocol.PauseArguments): void {
  const { runner } = launched(context);
  const hart = hartOf(context, args.threadId);
  context.connection.afterResponse(() => runner.pause({ hart, reason: 'pause' }));
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

export function threads(context: Context): Body<DebugProtocol.ThreadsResponse> {
  const { running, stopped } = context;
  if (!running) return { threads: [] };
  return {
    threads: running.debuggee.harts.map((hart) => ({
      id: threadOf(hart.id),
      name: stopped ? `hart ${hart.id} (${hartState(running.debuggee, hart.id)})` : `hart ${hart.id}`,
    })),
  };
}

const MODE_LETTERS: Readonly<Record<Mode, string>> = { [Mode.User]: 'U', [Mode.Supervisor]: 'S', [Mode.Machine]: 'M' };

function hartState(debuggee: Debuggee, id: number): string {
  const hart = debuggee.harts[id]!;
  const process = debuggee.processOn(id);
  return [
    MODE_LETTERS[hart.mode],
    ...(process ? [`pid ${process.pid} ${process.name}`] : []),
    ...(hart.waiting ? ['waits'] : []),
  ].join(', ');
}

function step(context: Context, threadId: number, plan: (hart: number, debuggee: Debuggee) => StepPlan): void {
  const { runner, debuggee } = standing(context);
  const made = plan(hartOf(context, threadId), debuggee);
  goOn(context, () => runner.start(made));
}

/** The answer comes first, then the run: its stop must not overtake it. */
function goOn(context: Context, start: () => void): void {
  context.stopped = undefined;
  context.connection.afterResponse(start);
}
