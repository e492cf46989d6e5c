/**
 * What a launch makes: the machine with the kernel in it, the program the debugger knows, its sources and the disk.
 */
import { Machine } from '../emulator/machine';
import type { Hart, MachineApi } from '../emulator/types';
import { UserError } from './connection';
import type { Files, SessionDisk } from './files';
import { Image } from './image';
import { readVirtual } from './memory';
import type { LaunchAttributes } from './protocol';
import { isAbsolute, join, parent, Sources } from './sources';
import type { Binary, FrameRegisters, ReadMemory } from './symbols/api';
import { openBinary } from './symbols/binary';
import type { Ground } from './run-control/stepping';

const MIB = 1024 ** 2;
const UNITS: Readonly<Record<string, number>> = { '': MIB, K: 1024, M: MIB, G: 1024 * MIB };
const MOST_MEMORY = 3 * 1024 * MIB;
const MOST_HARTS = 8;

export class Debuggee implements Ground {
  constructor(
    readonly attributes: LaunchAttributes,
    readonly machine: MachineApi,
    readonly image: Image,
    readonly sources: Sources,
    readonly disk: SessionDisk | undefined,
  ) {}

  get harts(): readonly Hart[] {
    return this.machine.harts;
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
  const cwd = join(around.workingDirectory, text(attributes, 'cwd') ?? '.');
  const named = text(attributes, 'kernel');
  const kernelPath = named === undefined ? files.sample.kernel : join(cwd, named);
  const diskNamed = text(attributes, 'disk');
  const diskPath =
    diskNamed === undefined ? (named === undefined ? files.sample.disk : undefined) : join(cwd, diskNamed);

  const harts = hartCount(attributes.harts);
  const memory = memorySize(attributes.memory);
  const kernel = await told(
    files.read(kernelPath),
    named === undefined
      ? 'The sample kernel is missing.'
      : 'Build the lab first (make kernel/kernel), or correct "kernel" in launch.json.',
  );
  const binary = await told(openKernel(kernelPath, kernel));
  const disk =
    diskPath === undefined
      ? undefined
      : await told(files.openDisk(diskPath), 'Build it first (make fs.img), or correct "disk" in launch.json.');
  try {
    const machine = new Machine({
      harts,
      memory,
      kernel,
      legacyVirtio: flag(attributes, 'legacyVirtio') ?? true,
      ...(disk ? { disk } : {}),
      consoleOutput: around.consoleOutput,
      rtcEpoch: around.unixTime,
    });
    const folders = [cwd, parent(parent(kernelPath)), parent(kernelPath)];
    const sources = await Sources.find(files, binary.files, sourceMap(attributes.sourceMap, cwd), folders);
    return new Debuggee(attributes, machine, new Image(binary), sources, disk);
  } catch (error) {
    await disk?.close();
    throw asUserError(error);
  }
}

async function openKernel(path: string, bytes: Uint8Array): Promise<Binary> {
  return openBinary(path, bytes);
}

function asUserError(error: unknown, advice?: string): UserError {
  const message = error instanceof Error ? error.message : String(error);
  return new UserError(advice === undefined ? message : `${message} ${advice}`);
}

async function told<T>(promise: Promise<T>, advice?: string): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    throw asUserError(error, advice);
  }
}

function wrong(name: keyof LaunchAttributes, value: unknown, wanted: string): UserError {
  return new UserError(`"${name}" in the launch configuration is ${JSON.stringify(value)}; it must be ${wanted}.`);
}

function text(attributes: LaunchAttributes, name: 'kernel' | 'disk' | 'cwd'): string | undefined {
  const value: unknown = attributes[name];
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value !== 'string') throw wrong(name, value, 'a path');
  return value;
}

function flag(attributes: LaunchAttributes, name: 'legacyVirtio'): boolean | undefined {
  const value: unknown = attributes[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'boolean') throw wrong(name, value, 'true or false');
  return value;
}

function hartCount(value: unknown): number {
  if (value === undefined || value === null) return 3;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > MOST_HARTS)
    throw wrong('harts', value, `a whole number from 1 to ${MOST_HARTS}`);
  return value;
}

/** Bytes, from QEMU's words: "128M", "3G", "512" (MiB). */
export function memorySize(value: unknown): number {
  if (value === undefined || value === null) return 128 * MIB;
  const found = typeof value === 'string' ? /^(\d{1,10})([KMG]?)B?$/i.exec(value.trim()) : null;
  const bytes = found ? Number(found[1]) * UNITS[found[2]!.toUpperCase()]! : 0;
  if (bytes < MIB || bytes > MOST_MEMORY || bytes % MIB !== 0)
    throw wrong('memory', value, 'a size as QEMU takes it, whole MiB up to 3G, such as "128M"');
  return bytes;
}

function sourceMap(value: unknown, cwd: string): Record<string, string> {
  if (value === undefined || value === null) return {};
  const entries = typeof value === 'object' ? Object.entries(value) : [];
  if (typeof value !== 'object' || !entries.every(([, to]) => typeof to === 'string'))
    throw wrong('sourceMap', value, 'an object of path prefixes, such as {"/build": "${workspaceFolder}"}');
  return Object.fromEntries(
    entries.map(([from, to]) => [from, isAbsolute(to as string) ? (to as string) : join(cwd, to as string)]),
  );
}
