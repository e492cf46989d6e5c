/**
 * The program `xv6-emu`: the machine on the command line, in QEMU's words (command-line/options.ts). Exit status: 0 script done or guest powered
 * off, 1 timed out, 2 bad usage or input, 3 guest panicked or hung.
 */
import * as fs from 'node:fs';
import { constants } from 'node:os';
import * as path from 'node:path';
import { tellDifferences } from '../emulator/differences';
import { compareInstants } from '../emulator/history/instant';
import { destinationIn } from '../emulator/history/spoken-instant';
import { BootRecorder, warmStartName } from '../emulator/history/warm-start';
import { Machine } from '../emulator/machine';
import { tellStale } from '../emulator/strict-tlb/words';
import type { MachineOptions } from '../emulator/types';
import { FileDisk } from '../host/file-disk';
import { findFirmware } from '../host/firmware';
import { FileError, type FileProblem } from '../host/file-error';
import { reason } from '../host/reason';
import { readRegular } from '../host/regular-file';
import { BootFile } from './boot-file';
import { GdbServer } from './gdb-server';
import { GuestNetwork } from './network/guest-network';
import { GuestOutput } from './guest-output';
import { UsageError } from './command-line/option-values';
import type { DriveOptions } from './command-line/drives';
import { readBoot } from './command-line/boot-options';
import { type ReplayOptions, type RunOptions, parseCommandLine } from './command-line/options';
import { whenParentIsGone } from './parent';
import { describeState, replay } from './replay';
import { ConsoleRun, type Ending, type RunSettings } from './run';
import { checkRunFile, readRun, writeRun } from './run-file';
import { ScriptRun, parseScript } from './script';
import { statsOf } from './stats';
import { ESCAPE_HELP, type EscapeCommand, Terminal } from './terminal';

const PARENT_GONE = 'the program that started it has ended';

const SAMPLE = path.join(__dirname, '..', 'sample', 'prebuilt');

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
const say = (text: string): void => void process.stderr.write(`xv6-emu: ${text}\n`);

const DISK_ADVICE: Readonly<Partial<Record<FileProblem, string>>> = {
  missing: 'make fs.img makes one.',
  'no disk': 'make fs.img makes one.',
  forbidden: 'Make it writable (chmod u+w), or add snapshot=on or readonly=on to -drive.',
  'in use': 'Two machines that write to one disk would spoil it: end that one, or add snapshot=on to -drive.',
};

function readInput(file: string, what: string): Uint8Array {
  try {
    return readRegular(file);
  } catch (error) {
    throw new UsageError(`the ${what} ${FileError.from(file, error).message}`);
  }
}

function firmwareOf(bios: string): string {
  try {
    return findFirmware(bios);
  } catch (error) {
    throw new UsageError(`-bios ${bios}: ${messageOf(error)}`);
  }
}

function openDisk(drive: DriveOptions): FileDisk {
  try {
    return new FileDisk(drive.file, { ...drive, tell: say });
  } catch (error) {
    throw unusable(drive, error);
  }
}

function unusable({ file }: DriveOptions, error: unknown): UsageError {
  const { message, problem } = FileError.from(file, error);
  return new UsageError(`the disk image ${message} ${DISK_ADVICE[problem] ?? ''}`.trimEnd());
}

/** The sample uses modern virtio and three harts; its disk is a snapshot, so that every run starts from the disk as built. */
function withSample(options: RunOptions): RunOptions {
  const { kernel, boot } = options;
  if (kernel !== undefined || boot.bios !== undefined || boot.loader !== undefined) return options;
  const disk = { file: path.join(SAMPLE, 'fs.img'), readOnly: false, snapshot: true };
  return {
    ...options,
    kernel: path.join(SAMPLE, 'kernel'),
    drive: options.drive ?? disk,
    harts: options.harts ?? 3,
    legacyVirtio: options.legacyVirtio ?? false,
  };
}

/** Builds the machine. Rejects with a UsageError if something is wrong with its kernel, its disk or its memory. */
async function powerOn(
  given: RunOptions,
  output: GuestOutput,
  network: GuestNetwork | undefined,
): Promise<{ machine: Machine; boot: BootFile | undefined; close: () => void }> {
  const options = withSample(given);
  const images = readBoot(options.boot, options.kernel, readInput, firmwareOf);
  const { drive } = options;
  const disk = drive && openDisk(drive);
  const close = (): void => disk?.close();
  // The machine is built while the image is locked.
  const ready = disk?.ready();
  ready?.catch(() => undefined);
  try {
    const recorder = options.warmStart === undefined ? undefined : new BootRecorder();
    const machineOptions: MachineOptions = {
      harts: options.harts ?? 1,
      memory: options.memory,
      ...images,
      legacyVirtio: options.legacyVirtio ?? true,
      disk: disk && recorder ? recorder.watch(disk) : disk,
      diskSlot: options.diskSlot,
      seed: options.seed,
      ...(options.tlb && { tlb: options.tlb }),
      ...(network && { network: { frameOutput: (frame) => network.transmit(frame) } }),
      acceleration: options.acceleration,
      consoleOutput: (bytes) => {
        recorder?.output(bytes);
        output.write(bytes);
      },
      // A script must run the same every time; at a terminal the guest's clock shows the time of day.
      rtcEpoch: options.script === undefined ? Math.floor(Date.now() / 1000) : undefined,
    };
    const machine = new Machine(machineOptions);
    const boot =
      recorder && new BootFile(path.join(options.warmStart!, warmStartName(machineOptions)), machine, recorder);
    await ready?.catch((error: unknown) => {
      throw unusable(drive!, error);
    });
    const shown = boot?.goOn();
    if (shown) output.write(shown);
    return { machine, boot, close };
  } catch (error) {
    close();
    if (error instanceof UsageError) throw error;
    const file = options.kernel ?? options.boot.loader?.file ?? options.boot.bios;
    throw new UsageError(`${file}: ${messageOf(error)}`);
  }
}

function writeStats(file: string, content: object): void {
  try {
    fs.writeFileSync(file, `${JSON.stringify(content, undefined, 2)}\n`);
  } catch (error) {
    throw new UsageError(`--stats ${file}: cannot be written (${reason(error)})`);
  }
}

async function runMachine(options: RunOptions): Promise<number> {
  options.warnings.forEach((warning) => say(`warning: ${warning}`));
  const { script: name, record, recordOnFailure } = options;
  if (record !== undefined) checkRunFile('--record', record);
  // The guest's verdict is worth more than a recording, and may need none.
  if (recordOnFailure !== undefined) {
    try {
      checkRunFile('--record-on-failure', recordOnFailure);
    } catch (error) {
      say(`warning: ${messageOf(error)}`);
    }
  }
  const script =
    name === undefined
      ? undefined
      : { name, run: new ScriptRun(parseScript(new TextDecoder().decode(readInput(name, 'script')), name)) };
  // A client may knock as soon as anything has been printed.
  const gdb = options.gdbPort === undefined ? undefined : await GdbServer.listen(options.gdbPort);
  try {
    return await runConsole(options, script, gdb);
  } finally {
    gdb?.close();
  }
}

async function runConsole(
  options: RunOptions,
  script: RunSettings['script'],
  gdb: GdbServer | undefined,
): Promise<number> {
  const { record, recordOnFailure } = options;
  const output = new GuestOutput();
  const network = options.network && new GuestNetwork(options.network, (text) => say(`warning: ${text}`));
  const { machine, boot, close } = await powerOn(options, output, network);
  const typing = script === undefined && options.console;
  const interactive = typing && process.stdin.isTTY;
  // A terminal in raw mode needs both, and the guest may have written half a line.
  const note = (text: string): void =>
    interactive ? void process.stderr.write(`\r\nxv6-emu: ${text}\r\n`) : say(text);
  tellDifferences(machine, (text) => note(`warning: ${text}`));
  tellStale(machine, note);
  const run = new ConsoleRun(machine, output, {
    script,
    timeout: options.timeout === undefined ? undefined : options.timeout * 1000,
    noReboot: options.noReboot,
    halted: options.halted,
    network,
    interactive,
    show: (bytes) => {
      process.stdout.write(bytes);
      boot?.look();
    },
    note,
  });
  if (gdb !== undefined) {
    run.attach(gdb);
    gdb.serve(run);
  }
  network?.plug(run);
  const commands: Record<EscapeCommand, () => void> = {
    exit: () => run.leave(),
    help: () => void process.stdout.write(ESCAPE_HELP.replaceAll('\n', '\r\n')),
    monitor: () => void process.stdout.write('\r\nxv6-emu: there is no monitor\r\n'),
  };
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
    process.on(signal, () => run.end({ status: 128 + constants.signals[signal], message: '' }));
  const callOff = whenParentIsGone(() => run.end({ status: 128 + constants.signals.SIGHUP, message: PARENT_GONE }));
  // The reader of the console has gone.
  process.stdout.on('error', () => run.end({ status: 128 + constants.signals.SIGPIPE, message: '' }));
  const terminal = typing
    ? new Terminal(process.stdin, {
        input: (bytes) => run.input(bytes),
        command: (command) => commands[command](),
        end: () => run.inputEnd(),
      })
    : undefined;
  if (!terminal) run.inputEnd();
  let ending: Ending;
  try {
    ending = await run.run();
    if (record !== undefined) await writeRun('--record', record, machine);
    if (recordOnFailure !== undefined && ending.status !== 0)
      await writeRun('--record-on-failure', recordOnFailure, machine).catch((error: unknown) => note(messageOf(error)));
  } finally {
    callOff();
    terminal?.close();
    network?.close();
    close();
  }
  if (ending.message !== '') say(ending.message);
  if (options.stats !== undefined) writeStats(options.stats, statsOf(machine, ending.status, run.wall, run.promptAt));
  return ending.status;
}

/** A recorded run goes on to where it is asked to stand. What the guest writes, and nothing else, goes to standard output. */
async function replayRun({ file, goto, acceleration, timeout, stats }: ReplayOptions): Promise<number> {
  const begun = performance.now();
  const recorded = await readRun(file);
  const isLate = (): boolean => timeout !== undefined && performance.now() - begun >= timeout * 1000;
  let signal: number | undefined;
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
    process.on(name, () => (signal = constants.signals[name]));
  process.stdout.on('error', () => (signal = constants.signals.SIGPIPE));
  let machine: Machine;
  try {
    const consoleOutput = (bytes: Uint8Array): void => void process.stdout.write(bytes.slice());
    machine = new Machine({ ...recorded.options, acceleration, consoleOutput });
    const destination = destinationIn(recorded, goto);
    machine.replay(destination.inputs);
    await replay(machine, destination, () => signal !== undefined || isLate());
  } catch (error) {
    throw new UsageError(`--replay ${file}: ${messageOf(error)}`);
  }
  if (signal !== undefined) return 128 + signal;
  describeState(machine).forEach(say);
  if (stats !== undefined) writeStats(stats, statsOf(machine, isLate() ? 1 : 0, performance.now() - begun, undefined));
  if (isLate()) return 1;
  const { end, hash } = recorded;
  if (hash !== undefined && compareInstants(machine.instant, end) === 0 && machine.stateHash() !== hash)
    throw new UsageError(`--replay ${file}: the run has come to another state than the recorded one, ${hash}`);
  return 0;
}

async function main(argv: readonly string[]): Promise<number> {
  const commandLine = parseCommandLine(argv);
  switch (commandLine.action) {
    case 'answer':
      process.stdout.write(commandLine.answer);
      return 0;
    case 'run':
      return runMachine(commandLine);
    case 'replay':
      return replayRun(commandLine);
  }
}

main(process.argv.slice(2)).then(
  (status) => {
    process.exitCode = status;
    // Neither signal handlers nor a shared terminal should keep the process alive.
    process.stdin.unref?.();
  },
  (error: unknown) => {
    say(
      error instanceof UsageError
        ? error.message
        : error instanceof Error
          ? (error.stack ?? error.message)
          : String(error),
    );
    process.exitCode = error instanceof UsageError ? 2 : 70;
  },
);
