/**
 * The life of a session: launch, configurationDone, restart, terminate, disconnect. Rests on the
 * protocol's "Launch Sequencing" and "Debug session end".
 */
import { boot } from '../../launch/boot';
import { UserError } from '../../dap/connection';
import { Keyboard } from '../../launch/keyboard';
import type { LaunchAttributes } from '../../protocol';
import { DataLocations } from '../../evaluation/data-places';
import { kernelWatch } from '../../launch/kernel-watch';
import { AwaitedProcesses } from '../../run-control/awaited-processes';
import { RunState } from '../../run-control/run-state';
import { Runner } from '../../run-control/runner';
import { reachAddress } from '../../run-control/stepping/stepping';
import type { StopReport } from '../../run-control/stops';
import { BreakpointPolicy } from '../../run-control/stop-policy';
import { processOn } from '../../xv6/cpus';
import { breakpointBody } from '../running/breakpoints';
import { dataBreakpointBody } from '../running/data-breakpoints';
import { describe } from '../running/exceptions';
import { requireSession, say, type SessionContext } from '../context';
import { announceModules, moduleOpened } from './modules';
import { inProgress, type Tell } from './progress';
import { DiskSaver } from '../../launch/disk-saver';
import { hartThread } from '../../stack/threads';
import { resumptions } from '../../stack/threads';
import { Stopped } from '../stopped';
import { memoryChanged } from '../inspection/values';

export async function launch(context: SessionContext, args: LaunchAttributes): Promise<void> {
  if (context.running) throw new UserError('A kernel runs in this session already.');
  await inProgress(context, 'Starting the kernel', (tell) => load(context, args, tell));
  context.connection.afterResponse(() => context.connection.event('initialized'));
}

export function configurationDone(context: SessionContext): void {
  const { connection } = context;
  connection.afterResponse(() => begin(context));
}

export async function restart(context: SessionContext, args: { arguments?: LaunchAttributes }): Promise<void> {
  const { runner, diskSaver, debuggee } = requireSession(context);
  runner.abandon();
  const stood = context.stopped !== undefined;
  context.stopped = undefined;
  diskSaver.save();
  announceModules(context, debuggee, 'removed');
  context.running = undefined;
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

export async function terminate(context: SessionContext): Promise<void> {
  await close(context);
  context.connection.afterResponse(() => context.connection.event('terminated'));
}

export async function disconnect(context: SessionContext): Promise<void> {
  await close(context);
  context.connection.afterResponse(() => context.host.end(0));
}

/**
 * The request named is answered with `cancelled` if it is still waiting when the cancel arrives, which dap/connection.ts sees
 * to: by the time this runs, everything that came before has been answered.
 */
export function cancel(): void {
  return undefined;
}

/** Stops the machine and saves its disk. May be called again. */
export async function close(context: SessionContext): Promise<void> {
  const { running } = context;
  if (!running) return;
  context.running = undefined;
  context.stopped = undefined;
  running.runner.abandon();
  context.console.flush();
  running.diskSaver.save();
}

/** Boots a machine and binds to it what the user has set. */
async function load(context: SessionContext, attributes: LaunchAttributes, tell: Tell): Promise<void> {
  const { host, connection, breakpoints, catchpoints, dataBreakpoints } = context;
  tell('Reading the kernel and its disk');
  const debuggee = await boot(attributes, {
    files: host.files,
    workingDirectory: host.workingDirectory,
    unixTime: host.clock.unixTime(),
    consoleOutput: (bytes) => context.console.write(bytes),
    programOpened: (program) => moduleOpened(context, program),
    damaged: (what) => say(context, what, 'stderr'),
    programDiffers: ({ name, path }) =>
      say(
        context,
        `The program that runs as ${name} has other code than ${path}, so it is shown without symbols: build the disk image again (make fs.img).`,
        'important',
      ),
  });
  const { machine, image } = debuggee;
  const policy = new BreakpointPolicy(breakpoints, catchpoints, dataBreakpoints, {
    condition: (...asked) => context.conditions.condition(...asked),
    logText: (...asked) => context.conditions.logText(...asked),
    programOn: (hart) => debuggee.programOn(hart),
    hasBytes: (hart, program, address) => debuggee.hasBytes(hart, program, address),
  });
  policy.enabled = !debuggee.settings.noDebug;
  const saving = new DiskSaver(machine.disk, host.clock, (problem) => say(context, problem, 'important'));
  const keyboard = new Keyboard(
    (bytes) => machine.consoleInput(bytes),
    () => machine.now,
  );
  const awaited = new AwaitedProcesses(policy, {
    resumptions: (processes) => resumptions(debuggee, processes),
    processOn: (hart) => processOn(debuggee.xv6, hart),
  });
  const runner = new Runner(machine, awaited, host.clock, {
    stopped: (report) => stop(context, report),
    logged: (text) => say(context, text),
    ended: ({ exitCode, why }) => {
      context.console.flush();
      say(context, why);
      void close(context).then(() => {
        connection.event('exited', { exitCode });
        connection.event('terminated');
      });
    },
    reset: () => {
      debuggee.warmStart?.discard();
      debuggee.traps.clear();
    },
    betweenSlices: (rest) => {
      context.console.flush();
      debuggee.warmStart?.saveWhenComplete();
      if (keyboard.feed(rest)) runner.wake();
      saving.nowAndThen();
    },
  });
  context.conditions.bind(debuggee);
  catchpoints.bind(kernelWatch(debuggee), machine);
  debuggee.traps.listen(machine, (hart) => debuggee.userRoot(hart));
  const dataLocations = new DataLocations(debuggee);
  // The runner looks at the addresses of all others, so it comes after them.
  const learned = new RunState({
    ...{ guest: debuggee.learned, breakpoints, dataBreakpoints, catchpoints, awaited, runner },
    console: context.console,
  });
  context.running = {
    debuggee,
    runner,
    policy: policy,
    learned,
    awaited,
    keyboard,
    diskSaver: saving,
    dataLocations: dataLocations,
  };
  context.attributes = attributes;
  context.stops = 0;
  context.snapshots.clear();
  context.registers = undefined;
  context.memoryViews.clear();
  if (!image.binary.hasDebugInfo) {
    say(
      context,
      `${image.binary.path} has no debug information, so there are no lines and no variables: build the kernel with -g, and do not strip it.`,
      'important',
    );
  }
  tell('Reading symbols');
  announceModules(context, debuggee, 'new');
  await debuggee.prepare(breakpoints.specs);
  for (const breakpoint of breakpoints.bind(debuggee.target))
    connection.event('breakpoint', { reason: 'changed', breakpoint: breakpointBody(context, breakpoint) });
  for (const breakpoint of dataBreakpoints.bind(dataLocations))
    connection.event('breakpoint', { reason: 'changed', breakpoint: dataBreakpointBody(breakpoint) });
}

function begin(context: SessionContext): void {
  // It has begun already if the client restarted before it was done configuring, or says twice that it is done.
  if (!context.running || context.running.runner.running || context.stopped) return;
  const { debuggee, runner } = context.running;
  const stops = stopsDuringBoot(context);
  const shown = stops && debuggee.warmStart?.start(stops);
  if (shown) context.console.write(shown);
  if (debuggee.settings.stopOnEntry) runner.start(reachAddress(debuggee.image.binary.entry), 'entry');
  else runner.start();
}

/**
 * The physical addresses at which the user wants to stop before the shell asks for a command. Undefined: there may be
 * others, or other reasons.
 */
function stopsDuringBoot({ running, breakpoints, catchpoints, dataBreakpoints }: SessionContext): bigint[] | undefined {
  const { settings, image } = running!.debuggee;
  if (settings.stopOnEntry) return undefined;
  if (settings.noDebug) return [];
  // A boot at whose end there is a prompt has not panicked.
  if (!dataBreakpoints.isEmpty || !catchpoints.catchesOnly('panic')) return undefined;
  // The kernel lies where it was linked; where a user program will lie is not known.
  const addresses = [...breakpoints.addresses];
  return addresses.every((address) => image.contains(address)) ? addresses.map((at) => image.linked(at)) : undefined;
}

function stop(context: SessionContext, report: StopReport): void {
  const { debuggee } = requireSession(context);
  debuggee.warmStart?.discard();
  context.console.flush();
  context.stops++;
  context.stopped = new Stopped(debuggee, report, context.registers);
  context.registers = context.stopped.registers;
  const { description, text } = describe(debuggee, report);
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
