/**
 * The life of a session: launch, configurationDone, restart, terminate, disconnect. Rests on the
 * protocol's "Launch Sequencing" and "Debug session end".
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { instantName } from '../../../emulator/history/instant';
import { prepareRun, resume, startRun, type DebugRun } from '../../launch/debug-run';
import { sourceProblem, type OpenedRecording } from '../../launch/open-recording';
import { baseName } from '../../code/sources';
import { UserError } from '../../dap/errors';
import type { Events, LaunchAttributes } from '../../protocol';
import type { Ended, StopReport } from '../../run-control/stops';
import { breakpointBody } from '../running/breakpoints';
import { dataBreakpointBody } from '../running/data-breakpoints';
import { describe } from '../running/exceptions';
import { requireSession, say, type SessionContext } from '../context';
import { announceModules, moduleOpened } from './modules';
import { duration } from './duration';
import { inProgress, type Tell } from './progress';
import { hartThread } from '../../stack/threads';
import { Stopped } from '../stopped';
import { memoryChanged, showAnew } from '../inspection/values';

export async function launch(context: SessionContext, args: LaunchAttributes): Promise<void> {
  if (context.running) throw new UserError('A kernel runs in this session already.');
  const cancelOpening = args.recording !== undefined ? () => context.running?.past.cancel() : undefined;
  await inProgress(context, 'Starting the kernel', (tell) => load(context, args, tell), cancelOpening);
  context.connection.afterResponse(() => context.connection.event('initialized'));
}

export function configurationDone(context: SessionContext): void {
  const { connection } = context;
  connection.afterResponse(() => begin(context));
}

export async function restart(context: SessionContext, args: { arguments?: LaunchAttributes }): Promise<void> {
  const { debuggee } = requireSession(context);
  const stood = context.stopped !== undefined;
  close(context);
  announceModules(context, debuggee, 'removed');
  try {
    const attributes = args.arguments ?? context.attributes;
    await inProgress(context, 'Starting the kernel again', (tell) => load(context, attributes, tell));
  } catch (error) {
    // The old machine is gone and there is no new one: the session has nothing left to debug.
    context.connection.afterResponse(() => context.connection.event('terminated'));
    throw error;
  }
  context.connection.afterResponse(() => {
    if (stood) context.connection.event('continued', { threadId: 1, allThreadsContinued: true });
    begin(context);
  });
}

export function terminate(context: SessionContext): void {
  close(context);
  context.connection.afterResponse(() => context.connection.event('terminated'));
}

export function disconnect(context: SessionContext): void {
  close(context);
  context.connection.afterResponse(() => context.host.end(0));
}

/**
 * The request named is answered with `cancelled` if it is still waiting when the cancel arrives, which dap/connection.ts sees
 * to: by the time this runs, everything that came before has been answered. A journey, which no request waits for, ends where it
 * began.
 */
export function cancel(context: SessionContext, { progressId }: DebugProtocol.CancelArguments): void {
  if (progressId !== undefined && progressId === context.journey?.progressId) context.running?.past.cancel();
}

/** Stops the machine and gives up its disk. May be called again. */
export function close(context: SessionContext): void {
  const { running } = context;
  context.telling?.telling?.end();
  context.telling = undefined;
  context.journey?.end();
  context.journey = undefined;
  if (!running) return;
  context.running = undefined;
  context.stopped = undefined;
  running.runner.abandon();
  running.past.end();
  running.survey.stop(true);
  context.console.flush();
  running.network?.close();
  running.gdb?.close();
  running.debuggee.disk?.close();
}

/** Makes a run and binds to it what the user has set. */
async function load(context: SessionContext, attributes: LaunchAttributes, tell: Tell): Promise<void> {
  const { connection, stopPoints } = context;
  tell('Reading the kernel and its disk');
  const run = await prepareRun(attributes, stopPoints, context.host, context.console, {
    failed: (error) => connection.reported(error, 'The run'),
    stopped: (report) => orCrash(context, () => stop(context, report)),
    logged: (text) => say(context, text),
    ended: (how) => end(context, how),
    programOpened: (program) => moduleOpened(context, program),
    damaged: (what) => say(context, what, 'stderr'),
    problem: (text) => say(context, text, 'important'),
    surveyed: () => connection.event('xv6.timelineRead'),
    resumed: () => {
      context.stopped = undefined;
      connection.event('continued', { threadId: hartThread(0), allThreadsContinued: true });
    },
    changed: () => {
      context.stopped?.changed();
      if (context.stopped) showAnew(context);
    },
    quiet: async () => context.telling?.telling?.interrupt(),
    branched: () => {
      context.answers = [];
      context.snapshots.forgetPast();
      connection.event('xv6.bookmarks');
    },
  });
  const { debuggee, dataLocations } = run;
  context.running = run;
  context.attributes = attributes;
  context.stops = 0;
  context.answers = [];
  context.asked = undefined;
  context.snapshots.clear();
  // Where an entry lies is another matter in another run.
  stopPoints.dataBreakpoints.set([], 'entries');
  context.registers = undefined;
  context.memoryViews.clear();
  const { binary } = debuggee.image;
  if (!binary.hasDebugInfo) {
    say(
      context,
      binary.debugInfoProblem ??
        `${binary.path} has no debug information, so there are no lines and no variables: build the kernel with -g, and do not strip it.`,
      'important',
    );
  }
  if (debuggee.recorded) await standInRecording(context, run, debuggee.recorded, tell);
  tell('Reading symbols');
  announceModules(context, debuggee, 'new');
  await debuggee.prepare(stopPoints.breakpoints.specs);
  for (const breakpoint of stopPoints.breakpoints.bind(debuggee.target))
    connection.event('breakpoint', { reason: 'changed', breakpoint: breakpointBody(context, breakpoint) });
  for (const breakpoint of stopPoints.dataBreakpoints.bind(dataLocations))
    connection.event('breakpoint', { reason: 'changed', breakpoint: dataBreakpointBody(breakpoint) });
}

async function standInRecording(
  context: SessionContext,
  run: DebugRun,
  recorded: OpenedRecording,
  tell: Tell,
): Promise<void> {
  tell('Going to where the recording stands');
  try {
    await resume(run);
  } catch (error) {
    close(context);
    throw error;
  }
  const { sources, image } = run.debuggee;
  const missing = image.binary.files.filter((file) => sources.here(file) === undefined).map(baseName);
  const problem = sourceProblem(recorded, missing);
  if (problem !== undefined) say(context, problem, 'important');
}

function begin({ running, stopped, stopPoints, console }: SessionContext): void {
  // It has begun already if the client restarted before it was done configuring, or says twice that it is done.
  if (running && !running.runner.running && !stopped) startRun(running, stopPoints, console);
}

function end(context: SessionContext, { exitCode, why }: Ended): void {
  say(context, why);
  close(context);
  context.connection.event('exited', { exitCode });
  context.connection.event('terminated');
}

/** A session that cannot say where its machine stands is of no use: it ends, and says that this is no fault of the user's. */
export function crash(context: SessionContext, error: unknown): void {
  say(context, context.connection.defect(error, 'The session'), 'important');
  close(context);
  context.connection.event('terminated');
}

function orCrash(context: SessionContext, action: () => void): void {
  try {
    action();
  } catch (error) {
    crash(context, error);
  }
}

function stop(context: SessionContext, report: StopReport): void {
  const { debuggee, past } = requireSession(context);
  const { machine } = debuggee;
  context.journey?.end();
  context.journey = undefined;
  context.stops++;
  context.stopped = new Stopped(debuggee, report, context.registers);
  context.registers = context.stopped.registers;
  const { description: title, text } = describe(debuggee, report);
  context.stopped.title = title ?? `Paused on ${report.reason}`;
  past.stops.note({
    ...{ instant: machine.instant, hart: report.hart, reason: report.reason },
    text: title ?? `Paused on ${report.reason}`,
  });
  const before = past.isPast ? `${duration(past.lag)} before the present` : undefined;
  const description = before === undefined ? title : `${title ?? `Paused on ${report.reason}`}, ${before}`;
  context.connection.event('xv6.instant', {
    instant: instantName(machine.instant),
    milliseconds: past.milliseconds,
    ...(before !== undefined && { past: before }),
  } satisfies Events['xv6.instant']);
  context.connection.event('stopped', {
    reason: report.reason,
    threadId: report.thread ?? hartThread(report.hart),
    allThreadsStopped: true,
    ...(description === undefined ? {} : { description }),
    ...(text === undefined ? {} : { text }),
    ...(report.hitBreakpointIds === undefined ? {} : { hitBreakpointIds: report.hitBreakpointIds }),
  });
  memoryChanged(context);
}
