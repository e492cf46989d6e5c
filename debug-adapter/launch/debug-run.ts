/**
 * One run of a kernel under the debugger: puts together the debuggee, what runs it, what decides where it stops, and what
 * goes in and out of it, and binds to it what the user has set. It ends with its machine; a restart makes another.
 */
import { Machine } from '../../emulator/machine';
import { compareInstants } from '../../emulator/history/instant';
import { Cancelled } from '../../emulator/history/timeline';
import { tellDifferences } from '../../emulator/differences';
import type { HostSockets } from '../../emulator/network/host-sockets';
import type { HostClock } from '../../emulator/run-loop';
import type { MachineOptions } from '../../emulator/types';
import { codePlace } from '../code/place-names';
import type { Program } from '../code/programs';
import { DataLocations } from '../evaluation/data-places';
import { GuestConditions } from '../evaluation/guest-conditions';
import type { LaunchAttributes } from '../protocol';
import { AwaitedProcesses } from '../run-control/awaited-processes';
import { Breakpoints } from '../run-control/breakpoints';
import { Catchpoints } from '../run-control/catchpoints';
import { DataBreakpoints } from '../run-control/data-breakpoints';
import { Past } from '../run-control/past/past';
import { RunState } from '../run-control/run-state';
import { Runner, type RunListener } from '../run-control/runner';
import { reachAddress } from '../run-control/stepping/stepping';
import { BreakpointPolicy } from '../run-control/stop-policy';
import { guiltyInstant, type Ended, type StopReport } from '../run-control/stops';
import { resumptions } from '../stack/threads';
import { Survey } from '../survey/survey';
import { processOn } from '../xv6/cpus';
import { boot } from './boot';
import { UserError, wordsOf } from '../dap/errors';
import { DeadEndWatch } from './dead-end-watch';
import type { Debuggee } from './debuggee';
import type { Files } from './files';
import type { GuestConsole } from './guest-console';
import type { GdbPort } from './gdb/gdb-port';
import { gdbFor, type GdbReports } from './gdb/gdb-target';
import { GuestNetwork } from './guest-network';
import { kernelWatch } from './kernel-watch';
import { Keyboard } from './keyboard';
import { SilenceWatch } from './silence-watch';

/** With the time of day, in seconds since 1970. */
export interface WallClock extends HostClock {
  unixTime(): number;
}

/** What a run needs of the host. */
export interface RunHost {
  files: Files;
  clock: WallClock;
  /** For the guest's network; undefined where there can be none, as in a browser. */
  sockets?: HostSockets;
  /** Where relative paths start, if the launch configuration does not say. */
  workingDirectory: string;
}

/** Why nothing is changed in the past. */
const PAST_STAYS =
  'This is the past: whatever is changed here begins another future, and the one that you have seen stays among the bookmarks. Go on to the present, or begin it with “xv6: Begin Another Future Here” (the request xv6.branch).';

/** Where the user wants stops. These outlive a run. */
export interface StopPoints {
  readonly breakpoints: Breakpoints;
  readonly catchpoints: Catchpoints;
  readonly dataBreakpoints: DataBreakpoints;
  /** Evaluates the conditions and log messages of all three. */
  readonly conditions: GuestConditions;
}

export function newStopPoints(): StopPoints {
  const conditions = new GuestConditions();
  const problem = (expression: string): string | undefined => conditions.syntaxProblem(expression);
  return {
    breakpoints: new Breakpoints(),
    catchpoints: new Catchpoints((...condition) => conditions.condition(...condition), problem),
    dataBreakpoints: new DataBreakpoints(conditions, problem),
    conditions,
  };
}

/** What a run reports. */
export interface RunReports extends GdbReports, Pick<RunListener, 'failed' | 'stopped' | 'logged' | 'ended'> {
  /** A user program's file has been read, since something needed it. */
  programOpened(program: Program): void;
  /** Debug information cannot be read, and what is left out because of it. */
  damaged(what: string): void;
  /** The run has another future, and other bookmarks. */
  branched(): void;
  /** More is known of what happened in the run. */
  surveyed(): void;
}

export interface DebugRun {
  readonly debuggee: Debuggee;
  readonly runner: Runner;
  readonly policy: BreakpointPolicy;
  /** All that was learnt by watching; it is saved and restored with the machine. */
  readonly learned: RunState;
  /** Processes at whose next run the user wants a stop. */
  readonly awaited: AwaitedProcesses;
  readonly keyboard: Keyboard;
  readonly dataLocations: DataLocations;
  readonly deadEnds: DeadEndWatch;
  readonly network: GuestNetwork | undefined;
  readonly gdb: GdbPort | undefined;
  readonly past: Past;
  /** What happened in the run, for those who look at it. */
  readonly survey: Survey;
}

/** Makes a run, which does not execute yet. Throws a UserError that says what is wrong and what to do. */
export async function prepareRun(
  attributes: LaunchAttributes,
  stopPoints: StopPoints,
  host: RunHost,
  console: GuestConsole,
  reports: RunReports,
): Promise<DebugRun> {
  let run: DebugRun | undefined;
  const debuggee = await boot(attributes, {
    files: host.files,
    workingDirectory: host.workingDirectory,
    unixTime: host.clock.unixTime(),
    consoleOutput: (bytes) => {
      console.write(bytes);
      if (run?.past.isPast === false) run.deadEnds.wrote(bytes);
    },
    frameOutput: (frame) => {
      run?.debuggee.frameSent?.(frame);
      run?.network?.transmit(frame);
    },
    admit: () => {
      if (run?.past.isPast) throw new UserError(PAST_STAYS);
    },
    programOpened: (program) => reports.programOpened(program),
    damaged: (what) => reports.damaged(what),
    diskProblem: (text) => reports.problem(text),
    programDiffers: ({ name, path }) =>
      reports.problem(
        `The program that runs as ${name} has other code than ${path}, so it is shown without symbols: build the disk image again (make fs.img).`,
      ),
  });
  try {
    run = assemble(debuggee, stopPoints, host, console, reports);
    return run;
  } catch (error) {
    debuggee.disk?.close();
    throw error;
  }
}

/** Puts together what runs a debuggee, decides where it stops, and feeds it. */
function assemble(
  debuggee: Debuggee,
  { breakpoints, catchpoints, dataBreakpoints, conditions }: StopPoints,
  { clock, sockets }: Pick<RunHost, 'clock' | 'sockets'>,
  console: GuestConsole,
  reports: RunReports,
): DebugRun {
  const { machine } = debuggee;
  const policy = new BreakpointPolicy(breakpoints, catchpoints, dataBreakpoints, {
    condition: (...asked) => conditions.condition(...asked),
    logText: (...asked) => conditions.logText(...asked),
    programOn: (hart) => debuggee.programOn(hart),
    hasBytes: (hart, program, address) => debuggee.hasBytes(hart, program, address),
  });
  policy.enabled = !debuggee.settings.noDebug;
  const keyboard = new Keyboard(
    (bytes) => machine.consoleInput(bytes),
    () => machine.now,
  );
  const awaited = new AwaitedProcesses(policy, {
    resumptions: (processes) => resumptions(debuggee, processes),
    processOn: (hart) => processOn(debuggee.xv6, hart),
  });
  const reset = (): void => {
    debuggee.warmStart?.discard();
    debuggee.traps.clear();
    deadEnds.clear();
    // Harts count their steps anew.
    if (!past.isPast) past.timeline.begin();
  };
  const ended = (how: Ended): void => {
    console.flush();
    gdb?.exited(how.exitCode);
    reports.ended(how);
  };
  const runner: Runner = new Runner(machine, awaited, clock, {
    failed: (error) => reports.failed(error),
    stopped: (report) => {
      debuggee.warmStart?.discard();
      console.flush();
      past.stands();
      deadEnds.stopped(report);
      if (goesBack(report, past)) return;
      reports.stopped(report);
      gdb?.stood(report.hart);
    },
    limit: () => gdb?.limit() ?? {},
    ran: (stop) => gdb?.ran(stop),
    stepped: (hart) => past.stepped(hart),
    present: () => {
      if (past.isPast) return past.timeline.present;
      // From here on, what is written is new.
      debuggee.disk?.release();
      return undefined;
    },
    logged: (text) => reports.logged(text),
    ended,
    reset,
    betweenSlices: (rest, ran) => {
      console.flush();
      past.ran(ran);
      if (past.isPast) return;
      network?.feed();
      debuggee.warmStart?.saveWhenComplete();
      if (keyboard.feed(rest)) runner.wake();
      deadEnds.look();
    },
  });
  const deadEnds = new DeadEndWatch(
    debuggee,
    catchpoints,
    policy.enabled ? (report) => runner.pause(report) : undefined,
    (text) => reports.logged(text),
    new SilenceWatch(debuggee, () => scoutOf(machine.options, () => undefined)),
  );
  conditions.bind(debuggee);
  catchpoints.bind(kernelWatch(debuggee, debuggee.settings.referenceCounts), machine);
  debuggee.traps.listen(machine, (hart) => debuggee.userRoot(hart));
  tellDifferences(
    machine,
    (text) => reports.logged(text),
    ({ hart, pc }) => codePlace(debuggee, machine.harts[hart]!, pc),
  );
  // The runner looks at the addresses of all others, so it comes after them.
  const learned: RunState = new RunState({
    guest: debuggee.learned,
    breakpoints,
    dataBreakpoints,
    catchpoints,
    awaited,
    runner,
    console,
  });
  const { historyMemory } = debuggee.settings;
  const past: Past = new Past(
    { machine, learned, policy: awaited, clock, memory: historyMemory },
    {
      departs: () => {
        debuggee.warmStart?.discard();
        console.hold();
        debuggee.disk?.hold();
        deadEnds.suspend();
      },
      arrives: (isBack) => {
        console.release();
        if (!past.isPast) debuggee.disk?.release();
        if (!isBack) deadEnds.clear();
        gdb?.arrived();
      },
      stopped: (report) => {
        runner.seen(report.hart);
        reports.stopped(report);
        gdb?.stood(report.hart);
      },
      branched: () => {
        catchpoints.branched(machine.instant);
        network?.forget();
        survey.branched();
        reports.branched();
      },
      failed: (error) => reports.failed(error),
      reset: () => debuggee.traps.clear(),
    },
  );
  breakpoints.run = dataBreakpoints.run = past;
  const dataLocations = new DataLocations(debuggee);
  const survey = new Survey(
    {
      ...{ machine, timeline: past.timeline, binary: debuggee.image.binary, clock },
      isFree: () => !runner.running && !past.travelling,
      scout: (output, frames) => scoutOf(machine.options, output, frames),
    },
    () => reports.surveyed(),
    (error) => reports.logged(`The timeline cannot be read: ${reports.failed(error)}`),
  );
  const { network: forwards } = debuggee.settings;
  if (forwards !== undefined && sockets === undefined)
    throw new UserError('"network" in the launch configuration: there are no sockets here; leave it out.');
  const network =
    forwards &&
    sockets &&
    new GuestNetwork(
      forwards,
      sockets,
      {
        get inPast() {
          return past.isPast || past.travelling;
        },
        get running() {
          return runner.running;
        },
        receive: (bytes) => void machine.apply({ kind: 'frame', bytes }),
        wake: () => runner.wake(),
      },
      (text) => reports.problem(text),
    );
  const gdb = gdbFor({ debuggee, runner, past, reset, ended }, sockets, reports);
  return { debuggee, runner, policy, learned, awaited, keyboard, dataLocations, deadEnds, network, gdb, past, survey };
}

/**
 * What has come of an exception, or of a page that was freed, has shown that it matters: the stop is where that was. False if the
 * machine stands there, or the past does not reach so far back.
 */
function goesBack(report: StopReport, past: Past): boolean {
  const at = guiltyInstant(report.cause);
  if (at === undefined || compareInstants(at, past.instant) >= 0) return false;
  if (compareInstants(at, past.timeline.beginning) < 0) return false;
  past.travel(report.hart, () => Promise.resolve({ instant: at, report }));
  return true;
}

/** Another machine like this one, of which the host sees nothing but what its guest prints, and sends. */
function scoutOf(
  options: Readonly<MachineOptions>,
  consoleOutput: (bytes: Uint8Array) => void,
  frameOutput?: (frame: Uint8Array) => void,
): Machine {
  const { disk } = options;
  const content = disk && {
    ...{ sectors: disk.sectors, readOnly: disk.readOnly },
    read: (sector: number, into: Uint8Array) => disk.read(sector, into),
  };
  const own = { ...(content && { disk: content }), ...(options.network && { network: { frameOutput } }) };
  return new Machine({ ...options, consoleOutput, admit: () => undefined, ...own });
}

/** Puts the machine of a recording to where it is to be opened. Throws a UserError if the recording is damaged. */
export async function resume({ debuggee, past }: DebugRun): Promise<void> {
  const { recorded, machine } = debuggee;
  if (recorded === undefined) return;
  const { run } = recorded;
  try {
    await past.resume(run);
  } catch (error) {
    if (error instanceof Cancelled) throw new UserError('The recording was not opened, as that was cancelled.');
    throw new UserError(`${debuggee.settings.recording} is damaged: ${wordsOf(error)}.`);
  }
  if (!past.isPast && run.hash !== undefined && machine.stateHash() !== run.hash)
    throw new UserError(`${debuggee.settings.recording} is damaged: its run comes to another end than it says.`);
}

/** Starts a run: where its recording was opened; from a saved boot if there is one and nothing may stop before its end. */
export function startRun(
  { debuggee, runner, past, gdb }: DebugRun,
  stopPoints: StopPoints,
  console: GuestConsole,
): void {
  gdb?.listen();
  if (debuggee.recorded) {
    console.showEarlier();
    const hart = debuggee.recorded.hart ?? debuggee.machine.current;
    past.show({ hart, reason: 'entry', description: 'Opened recording' });
    return;
  }
  const stops = stopsDuringBoot(debuggee, stopPoints);
  const shown = stops && debuggee.warmStart?.start(stops);
  if (shown) {
    console.write(shown);
    past.timeline.begin();
  }
  if (debuggee.settings.stopOnEntry) runner.start(reachAddress(debuggee.image.binary.entry), 'entry');
  else runner.start();
}

/**
 * The physical addresses at which the user wants to stop before the shell asks for a command. Undefined: there may be
 * others, or other reasons.
 */
function stopsDuringBoot(
  { settings, image }: Debuggee,
  { breakpoints, catchpoints, dataBreakpoints }: StopPoints,
): bigint[] | undefined {
  if (settings.stopOnEntry) return undefined;
  if (settings.noDebug) return [];
  // A boot at whose end there is a prompt has not panicked, and none is saved that had an exception in the kernel.
  if (!dataBreakpoints.isEmpty || !catchpoints.catchesOnly('panic', 'kernel-trap', 'unresolved')) return undefined;
  // The kernel lies where it was linked; where a user program will lie is not known.
  const addresses = [...breakpoints.addresses];
  return addresses.every((address) => image.contains(address)) ? addresses.map((at) => image.linked(at)) : undefined;
}
