/** Boots what a launch configuration asks for: reads the kernel, its programs and its disk, and builds the machine. */
import type { RecordedOptions } from '../../emulator/history/recorded-run';
import { BootRecorder, warmStartName } from '../../emulator/history/warm-start';
import { Machine } from '../../emulator/machine';
import type { BootOptions, MachineOptions } from '../../emulator/types';
import { MappedProgram } from '../code/mapped-program';
import { findPrograms, type Program } from '../code/programs';
import { parent, Sources } from '../code/sources';
import { UserError, wordsOf } from '../dap/errors';
import type { LaunchAttributes } from '../protocol';
import { openBinary } from '../symbols/binary';
import { readSplitFiles } from '../code/split-dwarf';
import { HeldDisk } from './held-disk';
import { readAttributes, type Settings } from './attributes';
import { Debuggee } from './debuggee';
import { SAMPLE_ADVICE, type Files, type OpenDisk } from './files';
import { openRecording, type OpenedRecording } from './open-recording';
import { WarmStart } from './warm-start';

export interface LaunchHost {
  files: Files;
  workingDirectory: string;
  unixTime: number;
  consoleOutput: (bytes: Uint8Array) => void;
  /** A frame that the guest sends to its network. */
  frameOutput: (frame: Uint8Array) => void;
  /** A user program's file has been read, since something needed it. */
  programOpened: (program: Program) => void;
  /** A process runs other code than its program's file has. */
  programDiffers: (program: Program) => void;
  /** Debug information cannot be read, and what is left out because of it. */
  damaged: (what: string) => void;
  /** Something is wrong with the disk image, while the run goes on. */
  diskProblem: (text: string) => void;
  /** See MachineOptions.admit. */
  admit: () => void;
}

/** Builds a debuggee. Throws a UserError that says what is wrong and what to do. */
export async function boot(attributes: LaunchAttributes, around: LaunchHost): Promise<Debuggee> {
  const given = readAttributes(attributes, around.workingDirectory);
  const recorded = await opened(given, attributes.cwd !== undefined, around.files);
  const { settings } = recorded ?? { settings: given };
  const files: Files = recorded?.files ?? around.files;
  const isSample = settings.kernel === undefined;
  const path = settings.kernel ?? files.sample.kernel;
  const kernel = await orTold(
    files.read(path),
    isSample ? SAMPLE_ADVICE : 'Build the lab first (make), or correct "kernel" in launch.json.',
  );
  const beside = recorded ? recorded.run.options.boot : await bootOptions(settings, files);
  const image = await openDisk(settings, files, around.diskProblem);
  const disk = image && new HeldDisk(image);
  try {
    const binary = openBinary(path, kernel, around.damaged);
    await readSplitFiles(files, binary);
    const recorder = new BootRecorder();
    const options: MachineOptions = {
      harts: settings.harts,
      memory: settings.memory,
      kernel,
      ...(beside && { boot: beside }),
      // QEMU's default, except for the sample, which is of those that ask for force-legacy=false.
      legacyVirtio: settings.legacyVirtio ?? !isSample,
      diskSlot: settings.diskSlot,
      ...(disk ? { disk: recorder.watch(disk.image) } : {}),
      consoleOutput: (bytes) => {
        recorder.output(bytes);
        around.consoleOutput(bytes);
      },
      ...(recorded ? othersOf(recorded.run.options) : { rtcEpoch: around.unixTime }),
      ...((recorded?.run.options.network ?? settings.network) && {
        network: { frameOutput: (frame) => around.frameOutput(frame) },
      }),
      ...(settings.tlb && { tlb: settings.tlb }),
      admit: () => around.admit(),
    };
    const machine = new Machine(options);
    const folders = [settings.cwd, parent(parent(path)), parent(path)];
    const sources = await Sources.find(files, binary.files, settings.sourceMap, folders);
    const programs = await findPrograms(
      files,
      [parent(path), parent(parent(path)), settings.cwd].map((folder) => `${folder}/user`),
      (program, image) => {
        sources.include(image.binary.files);
        around.programOpened(program);
      },
      around.damaged,
    );
    const mapped = new MappedProgram(binary);
    const debuggee = new Debuggee(settings, machine, mapped, programs, sources, around.programDiffers);
    debuggee.disk = disk;
    debuggee.recorded = recorded;
    if (settings.warmStart && files.boots) {
      const name = warmStartName(options);
      const saved = await files.boots.read(name);
      debuggee.warmStart = new WarmStart(machine, recorder, debuggee.learned, files.boots, name, saved);
    }
    return debuggee;
  } catch (error) {
    disk?.close();
    throw new UserError(wordsOf(error));
  }
}

/** The recording that the launch names. Sources are looked for where `sourceMap` leads, and in the lab's folder if it `hasFolder`. */
async function opened(settings: Settings, hasFolder: boolean, files: Files): Promise<OpenedRecording | undefined> {
  const { recording, cwd, sourceMap } = settings;
  const folders = [...(hasFolder ? [cwd] : []), ...Object.values(sourceMap)];
  return recording === undefined ? undefined : openRecording(recording, settings, files, folders);
}

/** What else decides how the machine runs. */
const othersOf = ({ seed, rtcEpoch, tlb }: RecordedOptions): Pick<MachineOptions, 'seed' | 'rtcEpoch' | 'tlb'> => ({
  ...(tlb !== undefined && { tlb }),
  ...(seed !== undefined && { seed }),
  ...(rtcEpoch !== undefined && { rtcEpoch }),
});

/** What boots beside the kernel; undefined if it boots alone. */
async function bootOptions({ bios, image, initrd, append }: Settings, files: Files): Promise<BootOptions | undefined> {
  const read = (path: string, name: string): Promise<Uint8Array> =>
    orTold(files.read(path), `Correct "${name}" in launch.json.`);
  const boot: BootOptions = {};
  if (bios !== undefined) boot.firmware = await read(bios === 'default' ? openSbi(files) : bios, 'bios');
  if (image !== undefined) boot.image = { bytes: await read(image, 'image') };
  if (initrd !== undefined) boot.initrd = await read(initrd, 'initrd');
  if (append !== undefined) boot.commandLine = append;
  return Object.keys(boot).length > 0 ? boot : undefined;
}

function openSbi(files: Files): string {
  try {
    const path = files.defaultFirmware?.();
    if (path !== undefined) return path;
  } catch (error) {
    throw new UserError(wordsOf(error));
  }
  throw new UserError('There is no default firmware here; name one by its path in "bios" of launch.json.');
}

/** The sample's own image serves many sessions, and may lie where nothing can be written: what is written to it is lost. */
async function openDisk(
  { kernel, disk, snapshot }: Settings,
  files: Files,
  diskProblem: LaunchHost['diskProblem'],
): Promise<OpenDisk | undefined> {
  if (disk !== undefined) return orTold(files.openDisk(disk, snapshot, diskProblem));
  return kernel === undefined ? orTold(files.openDisk(files.sample.disk, true, diskProblem)) : undefined;
}

async function orTold<T>(promise: Promise<T>, advice = ''): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    throw new UserError(`${wordsOf(error)} ${advice}`.trimEnd());
  }
}
