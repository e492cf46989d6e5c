/**
 * The command line in QEMU's words: the options of `qemu-system-riscv64` (QEMU 7.2, "Invocation" in its System Emulation
 * manual) that xv6's Makefiles and graders use, and a few of our own for scripts. An option that would change the machine
 * and is not supported is an error; one that cannot matter to the guest is accepted with a warning.
 */
import { type SpokenInstant, spokenInstant } from '../emulator/history/spoken-instant';
import { tlbOfSeed } from '../emulator/strict-tlb/event';
import type { MachineOptions } from '../emulator/types';
import { type DriveOptions, Drives } from './drives';
import { type NetworkOptions, Networks } from './network/network-options';
import { cpuWarnings, onlyKeys, onOff, parseCount, parseList, parseSize, UsageError } from './option-values';

export interface RunOptions {
  action: 'run';
  /** Path of the kernel's ELF file; undefined boots the sample. */
  kernel: string | undefined;
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

export type CommandLine = RunOptions | ReplayOptions | { action: 'help' } | { action: 'version' };

const MIB = 1024 * 1024;
const MAX_MEMORY = 3072 * MIB;
const MAX_HARTS = 8;

interface Draft extends Omit<RunOptions, 'drive' | 'diskSlot' | 'network'> {
  drives: Drives;
  networks: Networks;
  replay: string | undefined;
  goto: SpokenInstant | undefined;
}

/** One option: its argument as help shows it ('' if it takes none), a line of help, and what it does. */
interface Option {
  argument: string;
  help: string;
  apply(draft: Draft, argument: string): void;
}

const refuse = (message: string) => (): never => {
  throw new UsageError(message);
};
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

function setBios(_draft: Draft, argument: string): void {
  if (argument !== 'none')
    throw new UsageError(`-bios ${argument}: there is no firmware here, the kernel starts in M-mode; use -bios none`);
}

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

/** Every option, by its name without dashes. Aliases point to the same entry. */
const OPTIONS: Record<string, Option> = {
  machine: { argument: 'virt', help: "QEMU's virt board, the only one", apply: setMachine },
  cpu: { argument: 'rv64', help: 'the harts, the only kind', apply: setCpu },
  smp: { argument: 'n', help: 'harts, 1 to 8 (default 1)', apply: setHarts },
  m: { argument: 'size', help: 'memory, such as 128M or 3G (default 128M)', apply: setMemory },
  bios: { argument: 'none', help: 'no firmware: the kernel starts in M-mode at its entry', apply: setBios },
  kernel: {
    argument: 'file',
    help: 'an RV64 ELF kernel; without it the sample kernel and its disk boot',
    apply: (draft, file) => void (draft.kernel = file),
  },
  drive: {
    argument: 'file=F,if=none,format=raw,id=ID',
    help: 'a raw disk image; also readonly=on, snapshot=on',
    apply: (draft, argument) => draft.drives.addDrive(argument),
  },
  device: {
    argument: 'virtio-blk-device,drive=ID,bus=virtio-mmio-bus.0',
    help: 'puts the drive on the board; or e1000,netdev=ID,bus=pcie.0 the network',
    apply: (draft, argument) =>
      (/^(driver=)?e1000\b/.test(argument) ? draft.networks : draft.drives).addDevice(argument),
  },
  global: { argument: 'virtio-mmio.force-legacy=on|off', help: 'virtio version 1 (default) or 2', apply: setGlobal },
  snapshot: {
    argument: '',
    help: 'keep disk writes in memory',
    apply: (draft) => void (draft.drives.snapshot = true),
  },
  nographic: { argument: '', help: 'console on standard input and output (always so)', apply: nothing },
  serial: {
    argument: 'mon:stdio',
    help: 'the same',
    apply: characterDevice('-serial', ['mon:stdio', 'stdio', 'none']),
  },
  monitor: { argument: 'none', help: 'there is no monitor', apply: characterDevice('-monitor', ['none', 'stdio']) },
  display: { argument: 'none', help: 'there is no display', apply: characterDevice('-display', ['none']) },
  'no-reboot': { argument: '', help: 'exit when the guest resets', apply: (draft) => void (draft.noReboot = true) },
  gdb: { argument: 'tcp::port', help: 'serve gdb on that port of 127.0.0.1', apply: setGdb },
  S: { argument: '', help: 'wait for gdb to let the machine run', apply: (draft) => void (draft.halted = true) },
  s: { argument: '', help: `as -gdb tcp::${GDB_PORT}`, apply: (draft) => void (draft.gdbPort = GDB_PORT) },
  netdev: {
    argument: 'user,id=ID,hostfwd=udp::N-:N',
    help: 'a network as of QEMU, with the host as 10.0.2.2; hostfwd: on 127.0.0.1, or tcp; also restrict=on',
    apply: (draft, argument) => draft.networks.addNetdev(argument),
  },
  object: {
    argument: 'filter-dump,netdev=ID,file=F',
    help: 'captures the frames of the network in a file for Wireshark',
    apply: (draft, argument) => draft.networks.addObject(argument),
  },
  accel: {
    argument: 'interp|jit|mixed',
    help: 'interpret, translate, or translate what is hot (default); same run',
    apply: setAcceleration,
  },
  icount: {
    argument: 'shift=n',
    help: 'ignored',
    apply: ignore('-icount: ignored; virtual time always follows the instructions'),
  },
  name: { argument: 'name', help: 'ignored', apply: nothing },
  nodefaults: { argument: '', help: 'ignored', apply: nothing },
  'no-user-config': { argument: '', help: 'ignored', apply: nothing },
  d: { argument: 'item', help: 'ignored', apply: ignore('-d: ignored; this emulator writes no such log') },
  trace: { argument: 'events', help: 'ignored', apply: ignore('-trace: ignored; this emulator writes no such log') },
  append: {
    argument: 'text',
    help: 'not available',
    apply: refuse("-append: there is no command line for the kernel here (the device tree's bootargs); leave it out"),
  },
  D: { argument: 'file', help: 'ignored', apply: ignore('-D: ignored; this emulator writes no such log') },
  script: {
    argument: 'file',
    help: 'drive the console: lines "expect TEXT" and "send TEXT"',
    apply: (draft, file) => void (draft.script = file),
  },
  'warm-start': {
    argument: 'folder',
    help: 'continue from the prompt of a boot saved there, or save this one',
    apply: (draft, folder) => void (draft.warmStart = folder),
  },
  timeout: { argument: 'seconds', help: 'give up after that time (exit status 1)', apply: setTimeoutSeconds },
  stats: {
    argument: 'file',
    help: 'write counts and times there, as JSON',
    apply: (draft, file) => void (draft.stats = file),
  },
  record: {
    argument: 'file',
    help: 'write a recording of the run there when it ends',
    apply: (draft, file) => void (draft.record = file),
  },
  replay: {
    argument: 'file',
    help: 'do a recorded run again; takes only --goto, -accel, --timeout, --stats',
    apply: (draft, file) => void (draft.replay = file),
  },
  goto: {
    argument: 'instant',
    help: 'stop the replay there: instructions, such as 1234567; virtual time, such as 12.5ms; a bookmark; end (default)',
    apply: (draft, text) => void (draft.goto = spokenInstant(text)),
  },
  seed: {
    argument: 'n',
    help: "vary the length of the harts' turns",
    apply: (draft, text) => void (draft.seed = parseCount('--seed', text)),
  },
  tlb: {
    argument: 'strict|n',
    help: 'a TLB that forgets nothing until it is fenced, and stale uses told; n: with the cards of that seed, too',
    apply: (draft, text) => void (draft.tlb = tlbOfSeed(text === 'strict' ? 0 : parseCount('--tlb', text))),
  },
};
OPTIONS.M = OPTIONS.machine!;

/** Our own options, which help shows with two dashes. All options work with one dash or two. */
const OURS = ['script', 'timeout', 'stats', 'seed', 'tlb', 'warm-start', 'record', 'replay', 'goto'];
/** The options that go with --replay. */
const OF_REPLAYS = ['replay', 'goto', 'accel', 'timeout', 'stats'];

/**
 * Reads the arguments after the program's name. Throws UsageError for unknown, unavailable or contradictory ones.
 */
export function parseCommandLine(argv: readonly string[]): CommandLine {
  const draft: Draft = {
    action: 'run',
    kernel: undefined,
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
    if (name === 'help' || name === 'h') return { action: 'help' };
    if (name === 'version') return { action: 'version' };
    const option = Object.hasOwn(OPTIONS, name) ? OPTIONS[name] : undefined;
    if (!option) throw new UsageError(`${text}: unknown option; xv6-emu -help lists the known ones`);
    given.push(name);
    let argument = '';
    if (option.argument !== '') {
      if (at + 1 >= argv.length) throw new UsageError(`${text}: needs an argument, ${option.argument}`);
      argument = argv[++at]!;
    }
    option.apply(draft, argument);
  }
  const { drives, networks, replay, goto, ...options } = draft;
  if (draft.halted && draft.gdbPort === undefined)
    throw new UsageError('-S: the machine would wait for ever, as nothing can let it run; add -s or -gdb tcp::PORT');
  if (replay !== undefined) return replayOf(replay, goto, draft, given);
  if (goto !== undefined) throw new UsageError('--goto: it is for a recorded run, which --replay FILE names');
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

/** What -help prints. The labs' Makefiles search it for a line that begins with "-gdb". */
export function usage(): string {
  const lines = Object.entries(OPTIONS)
    .filter(([name]) => name !== 'M')
    .map(([name, { argument, help }]) => {
      const left = `${OURS.includes(name) ? '--' : '-'}${name} ${argument}`.trimEnd();
      return left.length < 24 ? `${left.padEnd(24)}${help}` : `${left}\n${' '.repeat(24)}${help}`;
    });
  return `usage: xv6-emu [options]

Runs a RISC-V kernel such as xv6 on QEMU's "virt" board, with the console on the terminal.
Without -kernel it boots the sample kernel. Ctrl-A X leaves, Ctrl-A H helps.

-h or -help             display this help and exit
-version                display version information and exit
${lines.join('\n')}

A script has one command a line: "expect TEXT" waits until the console shows TEXT, "send TEXT" types TEXT and Enter
(no Enter if TEXT ends in \\c or in an escape such as \\n or \\x10); lines that begin with # are comments.

Exit status: 0 script done or guest powered off, 1 timed out, 2 bad usage or input, 3 guest panicked or hung.
`;
}
