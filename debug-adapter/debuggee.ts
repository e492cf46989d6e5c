/**
 * What a launch makes: the machine with the kernel in it, the program the debugger knows, its sources and the disk.
 */
import { Machine } from '../emulator/machine';
import type { Hart, MachineApi } from '../emulator/types';
import { readAttributes, type Settings } from './attributes';
import { UserError } from './connection';
import type { Files, SessionDisk } from './files';
import { Image } from './image';
import { readVirtual } from './memory';
import { MemoryDisk } from './memory-disk';
import type { LaunchAttributes } from './protocol';
import type { Ground } from './run-control/stepping';
import { parent, Sources } from './sources';
import type { FrameRegisters, ReadMemory } from './symbols/api';
import { openBinary } from './symbols/binary';
import { processOfHart } from './xv6/cpus';
import { openXv6, type Xv6 } from './xv6/kernel';
import { allProcesses, type Process } from './xv6/processes';

export class Debuggee implements Ground {
  readonly xv6: Xv6;

  constructor(
    readonly settings: Settings,
    readonly machine: MachineApi,
    readonly image: Image,
    readonly sources: Sources,
    readonly disk: SessionDisk | undefined,
  ) {
    this.xv6 = openXv6(image.binary, (address, length) => machine.memory.read(address, length));
  }

  get harts(): readonly Hart[] {
    return this.machine.harts;
  }

  /** The process that a hart runs now; undefined in the scheduler, or where the kernel's processes are not known. */
  processOn(hart: number): Process | undefined {
    return processOfHart(this.xv6, hart, allProcesses(this.xv6));
  }

  imageAt(hart: Hart): Image | undefined {
    return this.image.contains(hart.pc) ? this.image : undefined;
  }

  read(hart: Hart): ReadMemory {
    return (address, length) => readVirtual(this.machine, hart, address, length);
  }

  frame(hart: Hart): FrameRegisters {
    return { pc: hart.pc, x: Array.from({ length: 32 }, (_, register) => hart.x(register)) };
  }
}

export interface Surroundings {
  files: Files;
  workingDirectory: string;
  unixTime: number;
  consoleOutput: (bytes: Uint8Array) => void;
}

/** Builds a debuggee. Throws a UserError that says what is wrong and what to do. */
export async function boot(attributes: LaunchAttributes, around: Surroundings): Promise<Debuggee> {
  const { files } = around;
  const settings = readAttributes(attributes, around.workingDirectory);
  const isSample = settings.kernel === undefined;
  const path = settings.kernel ?? files.sample.kernel;
  const kernel = await orTold(
    files.read(path),
    isSample ? 'The built-in sample is missing.' : 'Build the lab first (make), or correct "kernel" in launch.json.',
  );
  const disk = await openDisk(settings, files);
  try {
    const binary = openBinary(path, kernel);
    const machine = new Machine({
      harts: settings.harts,
      memory: settings.memory,
      kernel,
      // QEMU's default, except for the sample, which is of those that ask for force-legacy=false.
      legacyVirtio: settings.legacyVirtio ?? !isSample,
      ...(disk ? { disk } : {}),
      consoleOutput: around.consoleOutput,
      rtcEpoch: around.unixTime,
    });
    const folders = [settings.cwd, parent(parent(path)), parent(path)];
    const sources = await Sources.find(files, binary.files, settings.sourceMap, folders);
    return new Debuggee(settings, machine, new Image(binary), sources, disk);
  } catch (error) {
    await disk?.close();
    throw new UserError(messageOf(error));
  }
}

/** The sample's own image serves many sessions, and may lie where nothing can be written: what is written to it is lost. */
async function openDisk({ kernel, disk }: Settings, files: Files): Promise<SessionDisk | undefined> {
  if (disk !== undefined)
    return orTold(files.openDisk(disk), 'Build it first (make fs.img), or correct "disk" in launch.json.');
  if (kernel !== undefined) return undefined;
  return new MemoryDisk((await orTold(files.read(files.sample.disk), 'The built-in sample is missing.')).slice());
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

async function orTold<T>(promise: Promise<T>, advice: string): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    throw new UserError(`${messageOf(error)} ${advice}`);
  }
}
