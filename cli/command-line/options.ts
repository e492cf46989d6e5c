/**
 * The command line in QEMU's words: the options of `qemu-system-riscv64` (QEMU 7.2, "Invocation" in its System Emulation
 * manual) that xv6's Makefiles and graders use, and a few of our own for scripts. An option that would change the machine
 * and is not supported is an error; one that cannot matter to the guest is accepted with a warning.
 */
import { type SpokenInstant, spokenInstant } from '../../emulator/history/spoken-instant';
import { tlbOfSeed } from '../../emulator/strict-tlb/event';
import type { MachineOptions } from '../../emulator/types';
import { type BootSettings, checkBoot, NO_BOOT, parseLoader } from './boot-options';
import { type DriveOptions, Drives } from './drives';
import { type NetworkOptions, Networks } from '../network/network-options';
import { cpuWarnings, onlyKeys, onOff, parseCount, parseList, parseSize, UsageError } from './option-values';
import { answerTo, type OptionName, WORDS } from './option-words';

export interface RunOptions {
  action: 'run';
  /** Path of the kernel; without it and anything else to boot, the sample boots. */
  kernel: string | undefined;
  boot: BootSettings;
  /** Bytes of DRAM. */
  memory: number;
  /** Undefined: not stated. */
  harts: number | undefined;
  /** Undefined: not stated; QEMU's default is true. */
  legacyVirtio: boolean | undefined;
  /** The drive of the virtio-blk-device. */
  drive: DriveOptions | undefined;
  /** Its virtio-mmio slot. */
  diskSlot: number;
  /** The network of the e1000; undefined: there is none. */
  network: NetworkOptions | undefined;
  /** A reset of the guest ends the run. */
  noReboot: boolean;
  /** Port of this computer on which gdb is served; undefined: none. */
  gdbPort: number | undefined;
  /** The machine waits for gdb to let it run. */
  halted: boolean;
  /** Whether to read the console's input, and Ctrl-A commands with it. */
  console: boolean;
  seed: number;
  /** A strict TLB; undefined: none. */
  tlb: MachineOptions['tlb'];
  /** Which tier runs the guest; undefined: the machine's own choice. */
  acceleration: MachineOptions['acceleration'];
  script: string | undefined;
  /** Seconds of wall-clock time. */
  timeout: number | undefined;
  stats: string | undefined;
  /** Folder of saved boots: the run continues from one of the same kernel and options, or saves its own there. */
  warmStart: string | undefined;
  /** File for a recording of the run. */
  record: string | undefined;
  /** File for a recording of the run if its exit status is not 0. */
  recordOnFailure: string | undefined;
  warnings: string[];
}

/** Does a recorded run again. */
export interface ReplayOptions extends Pick<RunOptions, 'acceleration' | 'timeout' | 'stats'> {
  action: 'replay';
  /** The recording. */
  file: string;
  /** Where to stand. */
  goto: SpokenInstant;
}

/** `answer` is to be printed, and nothing else done. */
export type CommandLine = RunOptions | ReplayOptions | { action: 'answer'; answer: string };

const MIB = 1024 * 1024;
const MAX_MEMORY = 3072 * MIB;
const MAX_HARTS = 8;

interface Draft extends Omit<RunOptions, 'drive' | 'diskSlot' | 'network'> {
  drives: Drives;
  networks: Networks;
  replay: string | undefined;
  goto: SpokenInstant | undefined;
}

const ignore = (why: string) => (draft: Draft) => void draft.warnings.push(why);
const nothing = (): void => undefined;

function setMachine(_draft: Draft, argument: string): void {
  const items = parseList(argument, 'type');
  const type = items.get('type') ?? 'virt';
  if (type !== 'virt')
    throw new UsageError(`-machine ${type}: this emulator is QEMU's "virt" board only; use -machine virt`);
  items.delete('type');
  items.delete('accel');
  for (const [key, value] of items) {
    if (value === 'none' || value === 'off') continue;
    throw new UsageError(`-machine virt,${key}=${value}: the board has no such property here; leave it out`);
  }
}

function setMemory(draft: Draft, argument: string): void {
  const items = parseList(argument, 'size');
  onlyKeys('-m', items, ['size']);
  const text = items.get('size') ?? '';
  const bytes = parseSize('-m', text);
  if (bytes < MIB || bytes > MAX_MEMORY || bytes % MIB !== 0)
    throw new UsageError(`-m ${text}: memory is 1M to 3G, in whole MiB`);
  draft.memory = bytes;
}

function setHarts(draft: Draft, argument: string): void {
  const items = parseList(argument, 'cpus');
  onlyKeys('-smp', items, ['cpus', 'maxcpus', 'sockets', 'dies', 'clusters', 'cores', 'threads']);
  const count = parseCount('-smp', items.get('cpus') ?? items.get('cores') ?? '1');
  if (count < 1 || count > MAX_HARTS) throw new UsageError(`-smp ${argument}: the board has 1 to ${MAX_HARTS} harts`);
  draft.harts = count;
}

const setCpu = (draft: Draft, argument: string): void => void draft.warnings.push(...cpuWarnings(argument));

function setGlobal(draft: Draft, argument: string): void {
  const match = /^virtio-mmio\.force-legacy=(.*)$/.exec(argument);
  if (match) draft.legacyVirtio = onOff('-global virtio-mmio.force-legacy', match[1]!);
  else draft.warnings.push(`-global ${argument}: no device here has that property; ignored`);
}

function setTimeoutSeconds(draft: Draft, argument: string): void {
  const seconds = Number(argument);
  if (!(seconds > 0)) throw new UsageError(`--timeout ${argument}: needs a number of seconds above 0`);
  draft.timeout = seconds;
}

const characterDevice = (option: string, plain: readonly string[]) => (draft: Draft, argument: string) => {
  if (argument === 'none' && option === '-serial') draft.console = false;
  else if (!plain.includes(argument))
    throw new UsageError(`${option} ${argument}: the console is standard input and output only (${plain.join(', ')})`);
};

const TIERS = ['interp', 'jit', 'mixed'] as const;
const QEMU_ACCELERATORS = ['tcg', 'kvm', 'xen', 'hax', 'hvf', 'nvmm', 'whpx', 'qtest'];

function setAcceleration(draft: Draft, argument: string): void {
  const items = parseList(argument, 'accel');
  const name = items.get('accel') ?? '';
  const tier = TIERS.find((candidate) => candidate === name);
  if (tier !== undefined) {
    onlyKeys(`-accel ${tier}`, items, ['accel']);
    draft.acceleration = tier;
  } else if (QEMU_ACCELERATORS.includes(name)) {
    draft.warnings.push(`-accel ${name}: ignored; this emulator has its own (${TIERS.join(', ')})`);
  } else {
    throw new UsageError(
      `-accel ${argument}: there is ${TIERS.join(', ')}; QEMU's accelerators, such as tcg, are ignored`,
    );
  }
}

/** QEMU's -s. */
const GDB_PORT = 1234;

function setGdb(draft: Draft, argument: string): void {
  const match = /^tcp:(|localhost|127\.0\.0\.1):(\d{1,5})(,.*)?$/.exec(argument);
  const port = Number(match?.[2]);
  if (argument === 'none') draft.gdbPort = undefined;
  else if (port > 0 && port < 2 ** 16) draft.gdbPort = port;
  else
    throw new UsageError(`-gdb ${argument}: gdb is served on a port of this computer only; use -gdb tcp::${GDB_PORT}`);
}

function addDevice({ boot, networks, drives }: Draft, argument: string): void {
  if (/^(driver=)?loader\b/.test(argument)) boot.loader = parseLoader(argument);
  else (/^(driver=)?e1000\b/.test(argument) ? networks : drives).addDevice(argument);
}

/** What each option does. */
const OPTIONS: Readonly<Record<OptionName, (draft: Draft, argument: string) => void>> = {
  machine: setMachine,
  cpu: setCpu,
  smp: setHarts,
  m: setMemory,
  bios: (draft, bios) => void (draft.boot.bios = bios === 'none' ? undefined : bios),
  kernel: (draft, file) => void (draft.kernel = file),
  initrd: (draft, file) => void (draft.boot.initrd = file),
  append: (draft, text) => void (draft.boot.append = text),
  drive: (draft, argument) => draft.drives.addDrive(argument),
  device: addDevice,
  global: setGlobal,
  snapshot: (draft) => void (draft.drives.snapshot = true),
  nographic: nothing,
  serial: characterDevice('-serial', ['mon:stdio', 'stdio', 'none']),
  monitor: characterDevice('-monitor', ['none', 'stdio']),
  display: characterDevice('-display', ['none']),
  'no-reboot': (draft) => void (draft.noReboot = true),
  gdb: setGdb,
  S: (draft) => void (draft.halted = true),
  s: (draft) => void (draft.gdbPort = GDB_PORT),
  netdev: (draft, argument) => draft.networks.addNetdev(argument),
  object: (draft, argument) => draft.networks.addObject(argument),
  accel: setAcceleration,
  icount: ignore('-icount: ignored; virtual time always follows the instructions'),
  name: nothing,
  nodefaults: nothing,
  'no-user-config': nothing,
  d: ignore('-d: ignored; this emulator writes no such log'),
  trace: ignore('-trace: ignored; this emulator writes no such log'),
  D: ignore('-D: ignored; this emulator writes no such log'),
  script: (draft, file) => void (draft.script = file),
  'warm-start': (draft, folder) => void (draft.warmStart = folder),
  timeout: setTimeoutSeconds,
  stats: (draft, file) => void (draft.stats = file),
  record: (draft, file) => void (draft.record = file),
  'record-on-failure': (draft, file) => void (draft.recordOnFailure = file),
  replay: (draft, file) => void (draft.replay = file),
  goto: (draft, text) => void (draft.goto = spokenInstant(text)),
  seed: (draft, text) => void (draft.seed = parseCount('--seed', text)),
  tlb: (draft, text) => void (draft.tlb = tlbOfSeed(text === 'strict' ? 0 : parseCount('--tlb', text))),
};

function optionNamed(name: string): OptionName | undefined {
  if (name === 'M') return 'machine';
  return Object.hasOwn(WORDS, name) ? (name as OptionName) : undefined;
}

/** The options that go with --replay. */
const OF_REPLAYS = ['replay', 'goto', 'accel', 'timeout', 'stats'];

/**
 * Reads the arguments after the program's name. Throws UsageError for unknown, unavailable or contradictory ones.
 */
export function parseCommandLine(argv: readonly string[]): CommandLine {
  const draft: Draft = {
    action: 'run',
    kernel: undefined,
    boot: { ...NO_BOOT },
    memory: 128 * MIB,
    harts: undefined,
    legacyVirtio: undefined,
    noReboot: false,
    gdbPort: undefined,
    halted: false,
    console: true,
    seed: 0,
    tlb: undefined,
    acceleration: undefined,
    script: undefined,
    timeout: undefined,
    warmStart: undefined,
    stats: undefined,
    warnings: [],
    record: undefined,
    recordOnFailure: undefined,
    drives: new Drives(),
    networks: new Networks(),
    replay: undefined,
    goto: undefined,
  };
  const given: string[] = [];
  for (let at = 0; at < argv.length; at++) {
    const text = argv[at]!;
    const name = text.replace(/^--?/, '');
    if (name === text)
      throw new UsageError(`${text}: a disk image or kernel goes behind an option: -kernel FILE, -drive file=FILE,...`);
    const answer = answerTo(text);
    if (answer !== undefined) return { action: 'answer', answer };
    const option = optionNamed(name);
    if (!option) throw new UsageError(`${text}: unknown option; xv6-emu -help lists the known ones`);
    given.push(name);
    let argument = '';
    const { argument: wanted } = WORDS[option];
    if (wanted !== '') {
      if (at + 1 >= argv.length) throw new UsageError(`${text}: needs an argument, ${wanted}`);
      argument = argv[++at]!;
    }
    OPTIONS[option](draft, argument);
  }
  const { drives, networks, replay, goto, ...options } = draft;
  if (draft.halted && draft.gdbPort === undefined)
    throw new UsageError('-S: the machine would wait for ever, as nothing can let it run; add -s or -gdb tcp::PORT');
  if (replay !== undefined) return replayOf(replay, goto, draft, given);
  if (goto !== undefined) throw new UsageError('--goto: it is for a recorded run, which --replay FILE names');
  checkBoot(draft.boot, draft.kernel);
  return { ...options, ...drives.joined(options.warnings), network: networks.joined(options.warnings) };
}

/** The recording decides what runs. */
function replayOf(
  file: string,
  goto: SpokenInstant | undefined,
  draft: Draft,
  given: readonly string[],
): ReplayOptions {
  const other = given.find((name) => !OF_REPLAYS.includes(name));
  if (other !== undefined) {
    throw new UsageError(
      `-${other}: a recording has its own machine, kernel, disk and input; leave it out with --replay`,
    );
  }
  const { acceleration, timeout, stats } = draft;
  return { action: 'replay', file, goto: goto ?? { kind: 'end' }, acceleration, timeout, stats };
}
