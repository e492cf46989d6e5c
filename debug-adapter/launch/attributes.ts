/** Checks the launch configuration: a launch.json may contain anything. */
import { type Forward, parseForward } from '../../emulator/network/forward';
import { tlbOfSeed } from '../../emulator/strict-tlb/event';
import type { StrictTlbOptions } from '../../emulator/types';
import { UserError, wordsOf } from '../dap/errors';
import type { LaunchAttributes } from '../protocol';
import type { AllocatorNames } from '../xv6/allocators';
import { isAbsolute, join } from '../code/sources';

const MIB = 1024 ** 2;
const PAGE = 4096;
const UNITS: Readonly<Record<string, number>> = { '': MIB, K: 1024, M: MIB, G: 1024 * MIB };
const MOST_MEMORY = 3 * 1024 * MIB;
const MOST_HISTORY = 16 * 1024 * MIB;
const MOST_HARTS = 8;
const SLOTS = 8;
const LAST_PORT = 65_535;
/** Attributes of the machine, which a recording has itself. */
const MACHINE = [
  'kernel',
  ...(['bios', 'image', 'initrd', 'append'] as const),
  'disk',
  'snapshot',
  'harts',
  'memory',
  'legacyVirtio',
  'diskSlot',
  'network',
  'tlb',
  'tlbSeed',
] satisfies (keyof LaunchAttributes)[];

export interface Settings {
  /** Absolute paths. Without a kernel, the sample boots. */
  cwd: string;
  /** A recorded run, from which kernel, disk and the machine are taken. */
  recording: string | undefined;
  kernel: string | undefined;
  /** "default", or an absolute path; undefined: no firmware. */
  bios: string | undefined;
  /** Absolute path of what is loaded in the kernel's place. */
  image: string | undefined;
  initrd: string | undefined;
  /** The kernel's command line. */
  append: string | undefined;
  disk: string | undefined;
  snapshot: boolean;
  harts: number;
  /** Bytes. */
  memory: number;
  legacyVirtio: boolean | undefined;
  diskSlot: number;
  /** The forwarded ports of the guest's network; undefined: it has none. */
  network: readonly Forward[] | undefined;
  /** Undefined: none. */
  tlb: StrictTlbOptions | undefined;
  /** Functions that allocate and free pages, beside kalloc and kfree. */
  allocators: readonly AllocatorNames[];
  /** The array of counts of references to pages, in C. */
  referenceCounts: string | undefined;
  stopOnEntry: boolean;
  noDebug: boolean;
  stepIntoKernel: boolean;
  warmStart: boolean;
  /** Bytes that the checkpoints of the past may take. */
  historyMemory: number;
  /** Of 127.0.0.1, where gdb may come as well; undefined: nowhere. */
  gdbPort: number | undefined;
  sourceMap: Record<string, string>;
}

/** Throws a UserError that names the attribute, its value and what it must be. */
export function readAttributes(attributes: LaunchAttributes, workingDirectory: string): Settings {
  const given: Readonly<Record<string, unknown>> = { ...attributes };
  const cwd = join(workingDirectory, text(given, 'cwd') ?? '.');
  const path = (name: string): string | undefined => {
    const value = text(given, name);
    return value === undefined ? undefined : join(cwd, value);
  };
  const bios = text(given, 'bios');
  const recording = path('recording');
  const own = recording === undefined ? undefined : MACHINE.find((name) => !isAbsent(given[name]));
  if (own !== undefined) {
    throw new UserError(
      `"${own}" in the launch configuration cannot go with "recording": the recording says which machine ran.`,
    );
  }
  return {
    cwd,
    recording,
    kernel: path('kernel'),
    bios: bios === 'none' ? undefined : bios === 'default' ? bios : path('bios'),
    image: path('image'),
    initrd: path('initrd'),
    append: text(given, 'append', 'a text'),
    disk: path('disk'),
    snapshot: flag(given, 'snapshot') ?? false,
    harts: hartCount(given['harts']),
    memory: memorySize('memory', given['memory'], '128M', MOST_MEMORY),
    legacyVirtio: flag(given, 'legacyVirtio'),
    diskSlot: slot(given['diskSlot']),
    network: forwards(given['network']),
    tlb: strictTlb(given['tlb'], given['tlbSeed']),
    allocators: allocators(given['allocators']),
    referenceCounts: countsName(given['referenceCounts']),
    stopOnEntry: flag(given, 'stopOnEntry') ?? false,
    noDebug: flag(given, 'noDebug') ?? false,
    stepIntoKernel: flag(given, 'stepIntoKernel') ?? true,
    warmStart: flag(given, 'warmStart') ?? true,
    historyMemory: memorySize('historyMemory', given['historyMemory'], '512M', MOST_HISTORY),
    gdbPort: port(given['gdbPort']),
    sourceMap: sourceMap(given['sourceMap'], cwd),
  };
}

const isAbsent = (value: unknown): value is undefined | null => value === undefined || value === null;

function wrong(name: string, value: unknown, wanted: string): UserError {
  return new UserError(`"${name}" in the launch configuration is ${JSON.stringify(value)}; it must be ${wanted}.`);
}

function text(given: Readonly<Record<string, unknown>>, name: string, wanted = 'a path'): string | undefined {
  const value = given[name];
  if (isAbsent(value) || value === '') return undefined;
  if (typeof value !== 'string') throw wrong(name, value, wanted);
  return value;
}

function flag(given: Readonly<Record<string, unknown>>, name: string): boolean | undefined {
  const value = given[name];
  if (isAbsent(value)) return undefined;
  if (typeof value !== 'boolean') throw wrong(name, value, 'true or false');
  return value;
}

function hartCount(value: unknown): number {
  if (isAbsent(value)) return 3;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > MOST_HARTS)
    throw wrong('harts', value, `a whole number from 1 to ${MOST_HARTS}`);
  return value;
}

function slot(value: unknown): number {
  if (isAbsent(value)) return 0;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value >= SLOTS)
    throw wrong('diskSlot', value, `a whole number from 0 to ${SLOTS - 1}, as in bus=virtio-mmio-bus.0`);
  return value;
}

function port(value: unknown): number | undefined {
  if (isAbsent(value)) return undefined;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > LAST_PORT)
    throw wrong('gdbPort', value, `a whole number from 1 to ${LAST_PORT}`);
  return value;
}

function forwards(value: unknown): Forward[] | undefined {
  if (isAbsent(value)) return undefined;
  if (!Array.isArray(value) || !value.every((entry) => typeof entry === 'string'))
    throw wrong('network', value, 'a list of forwarded ports, such as ["udp::25999-:2000"], or an empty one');
  try {
    return value.map(parseForward);
  } catch (error) {
    throw new UserError(`"network" in the launch configuration: ${wordsOf(error)}.`);
  }
}

const NAME = /^[A-Za-z_]\w*$/;
const ALLOCATORS = 'a list such as [{ "allocate": "superalloc", "free": "superfree", "size": "2M" }]';

function allocators(value: unknown): AllocatorNames[] {
  if (isAbsent(value)) return [];
  if (!Array.isArray(value)) throw wrong('allocators', value, ALLOCATORS);
  return value.map((one: unknown) => {
    const {
      allocate,
      free,
      size = '4K',
      ...more
    }: Partial<Record<string, unknown>> = typeof one === 'object' && one !== null ? { ...one } : { not: one };
    const isName = (name: unknown): name is string | undefined =>
      name === undefined || (typeof name === 'string' && NAME.test(name));
    const bytes = typeof size === 'string' ? bytesOf(size) : 0;
    const isSound = bytes >= PAGE && bytes % PAGE === 0 && bytes <= 1024 * MIB && Object.keys(more).length === 0;
    if (!isName(allocate) || !isName(free) || (allocate ?? free) === undefined || !isSound)
      throw wrong('allocators', value, ALLOCATORS);
    return { allocate, free, size: BigInt(bytes) };
  });
}

function countsName(value: unknown): string | undefined {
  if (isAbsent(value) || value === '') return undefined;
  if (typeof value !== 'string' || !value.split('.').every((part) => NAME.test(part)))
    throw wrong('referenceCounts', value, 'an array of the kernel in C, such as "references" or "ref.count"');
  return value;
}

function strictTlb(value: unknown, seed: unknown): StrictTlbOptions | undefined {
  if (!isAbsent(value) && value !== 'off' && value !== 'strict') throw wrong('tlb', value, '"off" or "strict"');
  const isWhole = typeof seed === 'number' && Number.isSafeInteger(seed) && seed >= 0;
  if (!isAbsent(seed) && !isWhole) throw wrong('tlbSeed', seed, 'a whole number that is not negative');
  if (!isAbsent(seed) && value !== 'strict') throw new UserError('"tlbSeed" goes with "tlb": "strict".');
  return value === 'strict' ? tlbOfSeed(isWhole ? seed : 0) : undefined;
}

/** 0 for what is no size; without a unit it is MiB. */
function bytesOf(text: string): number {
  const found = /^(\d{1,10})([KMG]?)B?$/i.exec(text.trim());
  return found ? Number(found[1]) * UNITS[found[2]!.toUpperCase()]! : 0;
}

/** Bytes, from a size as QEMU writes it: "128M", "3G", "512" (MiB). */
function memorySize(name: string, value: unknown, usual: string, most: number): number {
  const given = isAbsent(value) ? usual : value;
  const bytes = typeof given === 'string' ? bytesOf(given) : 0;
  if (bytes < MIB || bytes > most || bytes % MIB !== 0)
    throw wrong(name, value, `a size as QEMU takes it, whole MiB up to ${most / 1024 / MIB}G, such as "${usual}"`);
  return bytes;
}

function sourceMap(value: unknown, cwd: string): Record<string, string> {
  if (isAbsent(value)) return {};
  const entries = typeof value === 'object' && !Array.isArray(value) ? Object.entries(value) : undefined;
  if (!entries?.every((entry): entry is [string, string] => typeof entry[1] === 'string'))
    throw wrong('sourceMap', value, 'an object of path prefixes, such as {"/build": "${workspaceFolder}"}');
  return Object.fromEntries(entries.map(([from, to]) => [from, isAbsolute(to) ? to : join(cwd, to)]));
}
