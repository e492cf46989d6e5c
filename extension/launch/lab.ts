/**
 * Finds a lab's folder, reads the machine from its Makefile, and says what is missing to build it. Runs only `make -n`, which
 * prints recipes and builds nothing. Does not use VS Code.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { access, constants, readdir } from 'node:fs/promises';
import * as path from 'node:path';
import { readRegularLater } from '../../host/regular-file';
import {
  type Compiler,
  LabError,
  type LabMachine,
  makesKernel,
  QEMU_WORD,
  readCompilers,
  readMachine,
  readRenewal,
  saysNoToolchain,
} from './lab-makefile';

/** A lab and how to run it. Paths are absolute. */
export interface Lab {
  folder: string;
  machine: LabMachine;
  /** Command line that builds kernel and disk image in `folder`; undefined if the prebuilt ones are used. */
  build: string | undefined;
  /** Notes for the user, e.g. that a prebuilt kernel runs because there is no compiler. */
  notes: string[];
}

/** Kernel and disk image that a lab may contain, for machines without a cross compiler. */
const PREBUILT = { kernel: 'prebuilt/kernel', disk: 'prebuilt/fs.img' };

/** Milliseconds for `make -n`, and bytes of what it prints. */
const MAKE_PATIENCE = 20_000;
const MOST_PRINTED = 16 << 20;
/** Bytes of a Makefile. */
const LARGEST_MAKEFILE = 4 << 20;

/** By its name alone; one with a prefix or a path may be for any machine. */
const HOST_COMPILER = /^(gcc|cc)(-[\d.]+)?$/;

/** The lab at `folder` or, if there is none, the only one in a folder directly below it. */
export async function findLab(folder: string): Promise<string | undefined> {
  if (await isLab(folder)) return folder;
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const below = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.')).slice(0, 100);
  const labs: string[] = [];
  for (const entry of below) {
    const candidate = path.join(folder, entry.name);
    if (await isLab(candidate)) labs.push(candidate);
  }
  return labs.length === 1 ? labs[0] : undefined;
}

async function isLab(folder: string): Promise<boolean> {
  for (const name of ['GNUmakefile', 'makefile', 'Makefile']) {
    const bytes = await readRegularLater(path.join(folder, name), LARGEST_MAKEFILE).catch(() => undefined);
    if (bytes !== undefined) return makesKernel(new TextDecoder().decode(bytes));
  }
  return false;
}

/**
 * Reads the machine from the Makefile of `folder`. Throws LabError, worded for the user, when make is missing, fails or
 * prints no machine, or when there is neither a compiler nor a prebuilt kernel; with `toBuild` false no compiler is needed.
 * `patience` is in milliseconds.
 */
export async function inspectLab(folder: string, toBuild = true, patience = MAKE_PATIENCE): Promise<Lab> {
  const { printed, errors } = await dryRun(folder, patience);
  const machine = await machineFrom(printed, errors, folder);
  const missing = toBuild ? await missingCompiler(readCompilers(printed), errors) : undefined;
  const notes =
    machine.ignored.length > 0 ? [`Ignored, since this machine does not have it: ${machine.ignored.join(', ')}.`] : [];
  if (missing === undefined) {
    const targets = [machine.kernel, ...(machine.disk === undefined ? [] : [machine.disk])];
    const build = `${renewal(printed, machine.disk)}make ${targets.map(quote).join(' ')}`;
    return { folder, machine, build, notes };
  }
  if (!(await readable(path.join(folder, PREBUILT.kernel)))) throw new LabError(missing);
  notes.unshift(`Booting the prebuilt kernel: changes in the sources take no effect. ${missing}`);
  return { folder, machine: { ...machine, ...PREBUILT }, build: undefined, notes };
}

/** Command line, to go before that of make, which takes an old disk image out of the way where `make qemu` does so. */
function renewal(printed: string, disk: string | undefined): string {
  if (disk === undefined) return '';
  return readRenewal(printed, disk)
    .map((recipe) => `test ! -e ${quote(disk)} || ${recipe}; `)
    .join('');
}

async function machineFrom(printed: string, errors: string, folder: string): Promise<LabMachine> {
  try {
    return readMachine(printed);
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    if (saysNoToolchain(errors)) throw new LabError(noCompiler());
    const said = errors.trim().split('\n').slice(-5).join('\n');
    throw new LabError(
      `The Makefile in ${folder} does not say which machine to run. ${error.message}` +
        (said ? ` make said: ${said}` : '') +
        ' Correct the Makefile, or name kernel and disk in a launch.json.',
    );
  }
}

/** What `make -n qemu` prints, even if make fails half-way, since it may have printed the machine before. */
function dryRun(folder: string, patience: number): Promise<{ printed: string; errors: string }> {
  return new Promise((resolve, reject) => {
    // A process group of its own: what make starts, such as $(shell ...), ends with it.
    const child = spawn('make', ['-n', 'qemu', `QEMU=${QEMU_WORD}`], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: process.platform !== 'win32',
      env: { ...process.env, LC_ALL: 'C', MAKEFLAGS: '' },
    });
    const giveUp = (why: string): void => {
      clearTimeout(timer);
      killGroup(child);
      // Whoever has left the group may still hold them.
      child.stdout.destroy();
      child.stderr.destroy();
      reject(new LabError(`"make -n qemu" in ${folder} ${why}.`));
    };
    const timer = setTimeout(() => giveUp(`did not end within ${patience / 1000} s`), patience);
    const [printed, errors] = [child.stdout, child.stderr].map((stream) => {
      const pieces: Buffer[] = [];
      let length = 0;
      stream.on('data', (piece: Buffer) => {
        pieces.push(piece);
        length += piece.length;
        if (length > MOST_PRINTED) giveUp(`printed more than ${MOST_PRINTED >> 20} MiB`);
      });
      return () => Buffer.concat(pieces).toString();
    });
    child.on('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      const why = error.code === 'ENOENT' ? 'make was not found' : `make cannot be run (${error.message})`;
      reject(new LabError(`${why}, and the lab is built with it. ${install('make', 'make')}`));
    });
    child.on('close', () => {
      clearTimeout(timer);
      resolve({ printed: printed!(), errors: errors!() });
    });
  });
}

function killGroup(child: ChildProcess): void {
  if (process.platform === 'win32' || child.pid === undefined) {
    child.kill('SIGKILL');
    return;
  }
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // All of them have ended.
  }
}

async function missingCompiler(compilers: Compiler[], errors: string): Promise<string | undefined> {
  for (const { program, cross } of compilers) {
    // Without a toolchain, xv6's Makefiles fall back to the host's gcc, which cannot build for RISC-V.
    const unfit = cross && (saysNoToolchain(errors) || HOST_COMPILER.test(program));
    if (!unfit && (await onPath(program))) continue;
    if (cross) return unfit ? noCompiler() : noCompiler(program);
    return `The lab builds its disk image with ${program}, which was not found. ${install('gcc', 'gcc')}`;
  }
  return undefined;
}

function noCompiler(tried?: string): string {
  const found = tried === undefined ? '' : `: ${tried} was not found`;
  const remedy = install('gcc-riscv64-unknown-elf', 'riscv64-elf-gcc', 'gcc-riscv64-linux-gnu');
  return `There is no RISC-V compiler to build the lab with${found}. ${remedy}`;
}

function install(debian: string, homebrew: string, orDebian?: string): string {
  switch (process.platform) {
    case 'darwin':
      return `Install it with: brew install ${homebrew}`;
    case 'win32':
      return `Open the lab in WSL, and install it there with: sudo apt install ${debian}`;
    default:
      return `Install it with: sudo apt install ${debian}${orDebian === undefined ? '' : ` (or ${orDebian})`}`;
  }
}

async function onPath(program: string): Promise<boolean> {
  if (program.includes('/')) return readable(program, constants.X_OK);
  const folders = (process.env['PATH'] ?? '').split(path.delimiter).filter((folder) => folder !== '');
  for (const folder of folders) if (await readable(path.join(folder, program), constants.X_OK)) return true;
  return false;
}

function readable(file: string, mode = constants.R_OK): Promise<boolean> {
  return access(file, mode).then(
    () => true,
    () => false,
  );
}

function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replace(/'/g, `'\\''`)}'`;
}
