/**
 * Reads from the lines that `make -n qemu` prints which machine a lab's Makefile runs, by QEMU's names for the options of its
 * `virt` board (qemu-system-riscv64(1)). Uses neither VS Code nor processes.
 */

/** The machine that a lab runs in QEMU. Paths are as in the Makefile: relative to its folder. */
export interface LabMachine {
  kernel: string;
  disk?: string;
  /** The disk's virtio-mmio slot: that of bus=virtio-mmio-bus.N, else the last that is free, as QEMU has it. */
  diskSlot: number;
  /** What the kernel writes to the disk is lost at the end: -snapshot, or snapshot=on of the drive. */
  snapshot: boolean;
  /** 1 to 8. */
  harts: number;
  /** QEMU's words: "128M". */
  memory: string;
  /** The forwarded ports of the e1000's network, in QEMU's words; undefined if there is no card. */
  network?: string[];
  /** -bios, unless it is none: "default", or a path. */
  bios?: string;
  /** -initrd: a path. */
  initrd?: string;
  /** -append. */
  append?: string;
  /** QEMU's virtio-mmio.force-legacy; true unless switched off. */
  legacyVirtio: boolean;
  /** Options that our machine does not support, as written ("-device e1000,…"). */
  ignored: string[];
}

/** A compiler that the printed recipes run. With `cross` it builds for RISC-V, else it builds tools such as mkfs. */
export interface Compiler {
  program: string;
  cross: boolean;
}

export class LabError extends Error {}

/** The name of QEMU in the recipes: passed to make as `QEMU=`, and found again in its output. */
export const QEMU_WORD = 'qemu-system-riscv64';

/** Whether a Makefile builds xv6's kernel: it names `kernel/kernel`, or `$K/kernel` with K=kernel. */
export function makesKernel(makefile: string): boolean {
  if (/(^|[\s:])kernel\/kernel\b/m.test(makefile)) return true;
  return /^[ \t]*K[ \t]*[:?]?=[ \t]*kernel[ \t\r]*$/m.test(makefile) && /\$[{(]?K[})]?\/kernel\b/.test(makefile);
}

/** The machine from what `make -n qemu QEMU=qemu-system-riscv64` printed. Throws LabError if no such machine can be read. */
export function readMachine(printed: string): LabMachine {
  const command = recipeLines(printed).map(splitWords).find(runsMachine);
  if (!command) throw new LabError(`"make -n qemu" printed no line that runs ${QEMU_WORD} with -kernel.`);
  const start = command.findIndex((word) => baseName(word) === QEMU_WORD);
  return machineOf(command.slice(start + 1));
}

/**
 * The recipes before QEMU's that put an existing disk image aside or remove it: `make qemu` of the labs from 2024 on makes a new
 * one for each run.
 */
export function readRenewal(printed: string, disk: string): string[] {
  const lines = recipeLines(printed).map((line) => line.trim());
  const qemu = lines.findIndex((line) => runsMachine(splitWords(line)));
  return lines.slice(0, Math.max(qemu, 0)).filter((line) => {
    const [program = '', ...operands] = splitWords(line).filter((word) => !word.startsWith('-'));
    const isSimple = !/[;&|<>`$()]/.test(line);
    if (!isSimple) return false;
    return program === 'rm' ? operands.includes(disk) : program === 'mv' && operands.slice(0, -1).includes(disk);
  });
}

/** The compilers that the printed recipes would run, each once. */
export function readCompilers(printed: string): Compiler[] {
  const found = new Map<string, Compiler>();
  for (const line of recipeLines(printed)) {
    const words = splitWords(line);
    const program = words[0] ?? '';
    if (!/(^|-)(gcc|clang|cc)(-[\d.]+)?$/.test(baseName(program))) continue;
    const cross = /riscv/.test(program) || words.some((word) => /^-m(cmodel=|arch=|abi=)/.test(word));
    const known = found.get(program);
    if (!known || (cross && !known.cross)) found.set(program, { program, cross });
  }
  return [...found.values()];
}

/** Whether make's messages say that the Makefile searched for a RISC-V toolchain and found none. */
export function saysNoToolchain(errors: string): boolean {
  return /couldn't find a riscv64/i.test(errors);
}

/** Recipes as single lines: joins a line that ends with a backslash to the next. */
function recipeLines(printed: string): string[] {
  return printed.replace(/\\\r?\n/g, ' ').split(/\r?\n/);
}

/** Whether the words of a recipe run a kernel in QEMU, rather than ask it for its version. */
const runsMachine = (words: string[]): boolean =>
  words.some((word) => baseName(word) === QEMU_WORD) && words.includes('-kernel');

/** Splits a shell command into words, with quotes and backslashes as in sh(1). Does not expand anything. */
export function splitWords(line: string): string[] {
  const words: string[] = [];
  for (const match of line.matchAll(/(?:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*"|'[^']*')+/g))
    words.push(match[0].replace(/'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)/g, unquote));
  return words;
}

function unquote(_whole: string, single?: string, double?: string, escaped?: string): string {
  return single ?? double?.replace(/\\(["\\$`])/g, '$1') ?? escaped ?? '';
}

function machineOf(words: string[]): LabMachine {
  let kernel: string | undefined;
  const drives = new Map<string, { file: string; snapshot: boolean }>();
  const slots = new Slots();
  let used: { drive: string; slot: number } | undefined;
  const networks = new Map<string, string[]>();
  let card: string | undefined;
  const boot: Pick<LabMachine, 'bios' | 'initrd' | 'append'> = {};
  const machine = { snapshot: false, harts: 1, memory: '128M', legacyVirtio: true, ignored: [] as string[] };
  for (let at = 0; at < words.length; at++) {
    const option = words[at]!;
    if (FLAGS.has(option)) continue;
    if (option === '-snapshot') {
      machine.snapshot = true;
      continue;
    }
    const valued = option.startsWith('-') && at + 1 < words.length && !words[at + 1]!.startsWith('-');
    if (!VALUED.has(option)) {
      machine.ignored.push(valued ? `${option} ${words[++at]!}` : option);
      continue;
    }
    if (!valued) throw new LabError(`QEMU's ${option} has no value after it in what "make -n qemu" prints.`);
    const value = words[++at]!;
    switch (option) {
      case '-kernel':
        kernel = value;
        break;
      case '-m':
        machine.memory = memoryOf(value);
        break;
      case '-smp':
        machine.harts = hartsOf(value);
        break;
      case '-global':
        machine.legacyVirtio = legacyOf(value) ?? machine.legacyVirtio;
        break;
      case '-drive': {
        const settings = settingsOf(value);
        const file = settings.get('file');
        const snapshot = /^(on|true|yes|y)$/.test(settings.get('snapshot') ?? 'off');
        if (file !== undefined) drives.set(settings.get('id') ?? file, { file, snapshot });
        break;
      }
      case '-device': {
        const settings = settingsOf(value);
        const drive = settings.get('drive');
        const slot = /^virtio-\w+-device\b/.test(value) ? slots.take(value, settings.get('bus')) : undefined;
        const isDisk = value.startsWith('virtio-blk-device') && used === undefined;
        if (/^e1000(,|$)/.test(value) && card === undefined) card = settings.get('netdev') ?? '';
        else if (isDisk && drive !== undefined && slot !== undefined) used = { drive, slot };
        else machine.ignored.push(`${option} ${value}`);
        break;
      }
      case '-netdev':
        if (value.startsWith('user,')) networks.set(settingsOf(value).get('id') ?? '', forwardsOf(value));
        else machine.ignored.push(`${option} ${value}`);
        break;
      case '-bios':
        if (value === 'none') delete boot.bios;
        else boot.bios = value;
        break;
      case '-initrd':
        boot.initrd = value;
        break;
      case '-append':
        boot.append = value;
        break;
    }
  }
  if (kernel === undefined) throw new LabError('"make -n qemu" gives QEMU no -kernel.');
  if (used && !drives.has(used.drive))
    throw new LabError(`QEMU's -device uses drive=${used.drive}, but no -drive has that id.`);
  const drive = used && drives.get(used.drive);
  for (const [id, { file }] of drives)
    if (id !== used?.drive) machine.ignored.push(`-drive file=${file}, which no virtio-blk-device uses`);
  const snapshot = machine.snapshot || drive?.snapshot === true;
  const network = card === undefined ? undefined : (networks.get(card) ?? []);
  return {
    kernel,
    ...(drive && { disk: drive.file }),
    diskSlot: used?.slot ?? 0,
    ...boot,
    ...machine,
    snapshot,
    ...(network && { network }),
  };
}

/** The virtio-mmio slots of the board as QEMU gives them to devices: without bus= the last that is free. */
class Slots {
  private readonly free = [0, 1, 2, 3, 4, 5, 6, 7];

  take(device: string, bus: string | undefined): number {
    const slot = bus === undefined ? this.free.at(-1) : Number(/^virtio-mmio-bus\.(\d)$/.exec(bus)?.[1] ?? -1);
    const at = this.free.indexOf(slot ?? -1);
    if (at < 0) throw new LabError(`QEMU's -device ${device}: that bus is full, or the board has none of that name.`);
    return this.free.splice(at, 1)[0]!;
  }
}

/** Options without a value, none of which changes the machine. */
const FLAGS = new Set(['-nographic', '-S', '-s', '-no-reboot', '-no-shutdown']);
/** Options whose value is read. Any other option is assumed to have a value, and is reported. */
const VALUED = new Set([
  '-machine',
  '-M',
  '-cpu',
  '-bios',
  '-initrd',
  '-append',
  '-kernel',
  '-m',
  '-smp',
  '-global',
  '-drive',
  '-device',
  '-netdev',
  '-serial',
  '-monitor',
  '-gdb',
]);

function settingsOf(value: string): Map<string, string> {
  return new Map(
    value.split(',').map((part) => {
      const equals = part.indexOf('=');
      return equals < 0 ? [part, ''] : [part.slice(0, equals), part.slice(equals + 1)];
    }),
  );
}

/** Each hostfwd of a -netdev, of which it may have several. */
const forwardsOf = (value: string): string[] =>
  value.split(',').flatMap((part) => /^hostfwd=(.*)$/.exec(part)?.slice(1) ?? []);

function memoryOf(value: string): string {
  const size = settingsOf(value).get('size') ?? value;
  if (!/^\d+([kmg]b?)?$/i.test(size)) throw new LabError(`QEMU's -m ${value} is not a size such as 128M or 3G.`);
  // QEMU counts a bare number in MiB.
  return /^\d+$/.test(size) ? `${size}M` : size;
}

function hartsOf(value: string): number {
  const count = settingsOf(value).get('cpus') ?? value.split(',')[0];
  const harts = Number(count);
  if (!Number.isInteger(harts) || harts < 1 || harts > 8) {
    throw new LabError(
      `QEMU's -smp ${value} asks for "${count}" harts; this machine has 1 to 8. Is CPUS set in the Makefile?`,
    );
  }
  return harts;
}

function legacyOf(value: string): boolean | undefined {
  const setting = /^virtio-mmio\.force-legacy=(.*)$/.exec(value)?.[1];
  return setting === undefined ? undefined : !/^(false|off|no)$/i.test(setting);
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
