/**
 * Running backwards: stepBack and reverseContinue of the protocol, and our own requests for what it has no request for. Each
 * ends, as forward, with a `stopped` event.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { compareInstants, instantNamed, millisecondsOf, type Instant } from '../../../emulator/history/instant';
import type { DebugRun } from '../../launch/debug-run';
import { keyOf } from '../../launch/step-context';
import type { Requests } from '../../protocol';
import { callBefore, instructionBefore, lineBefore, lineBeforeInto } from '../../run-control/past/backward';
import type { Arrived, BackwardContext } from '../../run-control/past/backward';
import type { BackwardStep, Destination } from '../../run-control/past/past';
import type { Activation, StackedThread } from '../../run-control/past/statements';
import type { StopReport } from '../../run-control/stops';
import { reachedLine } from '../../run-control/past/questions';
import type { Frame } from '../../stack/frame';
import { walkStack } from '../../stack/stack';
import { hartThread, threadNamed, type Thread } from '../../stack/threads';
import { requireSession, requireStopped, type SessionContext } from '../context';
import { duration } from '../lifecycle/duration';
import { followJourney } from '../lifecycle/progress';

export function stepBack(context: SessionContext, args: DebugProtocol.StepBackArguments): void {
  const byInstruction = args.granularity === 'instruction';
  step(context, args.threadId, byInstruction ? 'instruction' : 'line', (backward, thread, before, hart) =>
    byInstruction ? instructionBefore(backward, hart, before, true) : lineBefore(backward, thread, before),
  );
}

export function stepBackInto(context: SessionContext, args: Requests['xv6.stepBackInto']['arguments']): Nothing {
  const byInstruction = args.granularity === 'instruction';
  step(context, args.threadId, byInstruction ? undefined : 'into', (backward, thread, before, hart) =>
    byInstruction ? instructionBefore(backward, hart, before, false) : lineBeforeInto(backward, thread, before),
  );
  return {};
}

export function stepBackOut(context: SessionContext, { threadId }: Requests['xv6.stepBackOut']['arguments']): Nothing {
  step(context, threadId, 'out', (backward, thread, before) => callBefore(backward, thread, before));
  return {};
}

export function reverseContinue(context: SessionContext, args: DebugProtocol.ReverseContinueArguments): void {
  const { past, debuggee, stopped } = requireStopped(context);
  const thread = threadNamed(debuggee, args.threadId);
  const hart = thread.kind === 'hart' ? thread.hart : stopped.report.hart;
  const before = debuggee.machine.instant;
  depart(context, 'Running back to the stop before', () =>
    past.travel(hart, async () => (await past.lastStop(before)) ?? beginning(past.timeline.beginning, hart)),
  );
}

/** To where a line was reached last, whatever stops lie between. */
export function runBackTo(
  context: SessionContext,
  { path, line, threadId }: Requests['xv6.runBackTo']['arguments'],
): Nothing {
  const { past, debuggee } = requireStopped(context);
  const before = debuggee.machine.instant;
  const thread = threadNamed(debuggee, threadId);
  const from = thread.kind === 'hart' ? thread.hart : debuggee.machine.current;
  const file = debuggee.sources.recorded(path);
  const probe = reachedLine(debuggee.machine, debuggee.image, file, line);
  const origin = { kind: 'line', file, line } as const;
  depart(context, `Running back to line ${line}`, () =>
    past.travel(from, async () => {
      const found = await past.timeline.findLast(before, probe);
      if (!found) throw new Error(`Line ${line} was not reached before.`);
      const { hart } = found.value;
      return { instant: found.instant, report: { hart, reason: 'step', description: 'Run back', origin } };
    }),
  );
  return {};
}

/** To the present, to an instant that an event or an answer has named, or to a time. */
export function goTo(
  context: SessionContext,
  { instant, time, hart, description }: Requests['xv6.goTo']['arguments'],
): Nothing {
  const { past, stopped, survey, debuggee } = requireStopped(context);
  const { timeline } = past;
  const named = instant === 'present' ? timeline.present : instantNamed(instant ?? '');
  const to = named ?? (instant === undefined && time !== undefined ? survey.instantAt(time) : undefined);
  if (to === undefined || compareInstants(to, timeline.present) > 0 || compareInstants(to, timeline.beginning) < 0)
    throw new Error('There is no such instant in this run.');
  const there = hart === undefined || debuggee.harts[hart] === undefined ? stopped.report.hart : hart;
  const report: StopReport = { hart: there, reason: 'goto', ...(description !== undefined && { description }) };
  const way = instant === 'present' ? 'Going to the present' : `Going to ${duration(millisecondsOf(to))}`;
  depart(context, way, () => past.travel(there, () => Promise.resolve<Destination>({ instant: to, report })));
  return {};
}

/** From here on the run may be changed: there is another future. */
export function branch(context: SessionContext): Nothing {
  const { past, debuggee } = requireSession(context);
  past.branch();
  debuggee.disk?.release();
  return {};
}

/** The body of a response that only says that it is done. */
type Nothing = Record<string, never>;

type Find = (
  backward: BackwardContext,
  thread: StackedThread,
  before: Instant,
  hart: number,
) => Promise<Arrived | undefined>;

/** What a breakpoint or a catchpoint would have stopped on the way comes first. */
function step(context: SessionContext, threadId: number, way: BackwardStep | undefined, find: Find): void {
  const run = requireStopped(context);
  const { past, debuggee } = run;
  const { machine, steps } = debuggee;
  const thread = threadNamed(debuggee, threadId);
  const hart = thread.kind === 'hart' ? thread.hart : machine.current;
  const before = machine.instant;
  const stacked = stackedThread(run, thread);
  const threadOn = (id: number): StackedThread => stackedThread(run, { kind: 'hart', hart: id });
  const backward: BackwardContext = { machine, steps, timeline: past.timeline, threadOn };
  depart(context, 'Stepping back', () =>
    past.travel(hart, async () => {
      const isOnHart = way !== undefined && thread.kind === 'hart';
      const begun = isOnHart ? past.undone(way, { instant: before, hart }) : undefined;
      const arrived = begun ?? (await find(backward, stacked, before, hart));
      const met = await past.lastStop(before, arrived?.instant);
      if (met) return met;
      if (!arrived) return beginning(past.timeline.beginning, hart);
      return {
        instant: arrived.instant,
        report: { hart: arrived.hart, reason: 'step', description: 'Paused on step back' },
      };
    }),
  );
}

const beginning = (instant: Instant, hart: number): Destination => ({
  instant,
  report: { hart, reason: 'entry', description: 'Paused where the run begins' },
});

/** The answer comes first, then the journey. `title`: what it is, in words, if it takes long. */
export function depart(context: SessionContext, title: string, start: () => void): void {
  const { past } = requireSession(context);
  context.stopped = undefined;
  context.connection.afterResponse(() => {
    // A client does not know that the machine leaves at requests of ours, and would show the stop before as this one.
    context.connection.event('continued', { threadId: hartThread(0), allThreadsContinued: true });
    context.journey = followJourney(context, title, () => `at ${duration(past.milliseconds)}`);
    start();
  });
}

function stackedThread({ debuggee }: DebugRun, thread: Thread): StackedThread {
  const frames = walkStack(debuggee, thread, 1).filter(({ isLabel, image }) => !isLabel && image !== undefined);
  const machineFrames = frames.filter((frame, index) => frames[index - 1]?.registers !== frame.registers);
  const activations = machineFrames.map((frame) => activationOf(frame, frames));
  const { steps, harts } = debuggee;
  return thread.kind === 'hart'
    ? { activations, process: steps.processKey(harts[thread.hart]!), hart: thread.hart }
    : { activations, process: keyOf(thread.process), hart: undefined };
}

const activationOf = ({ registers, image, isUser, space }: Frame, all: readonly Frame[]): Activation => ({
  ...{ registers, image: image!, isUser, read: space.read },
  depth: all.filter((frame) => frame.registers === registers).length - 1,
});
