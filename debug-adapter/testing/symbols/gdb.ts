/** Queries gdb-multiarch about a program: the reference for the symbol reader. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const here = import.meta.dirname ?? __dirname;

export interface StaticAnswer {
  /** Address, file and line at each change of line. */
  lines: [string, string | null, number][];
  functions: {
    name: string;
    low: string;
    file: string;
    line: number;
    type: string;
    parameters: [string, string][];
    body: string[];
  }[];
  types: [string, TypeAnswer][];
  /** Name, type and address. */
  globals: [string, string, string][];
  /** For each file the rows of its line table: line and address. */
  rows: Record<string, [number, string][]>;
  /** File, line and the addresses at which gdb would break. */
  breaks: [string, number, string[]][];
  /** Address, and the variables of the blocks around it, innermost first. */
  scopes: [string, string[][]][];
}

export type TypeAnswer =
  | { size: number; values: [string, string][] }
  | { size: number; members: [string, number, number, string][] }
  | { size: number; target: string };

export interface FrameAnswer {
  pc: string;
  sp: string | null;
  s0: string | null;
  s1: string | null;
  name: string | null;
  inlined: boolean;
  line: number;
  variables: [string, { value?: string; size?: number; address?: string; lost?: true; error?: string }][];
}

export interface StateAnswer {
  pc: string;
  x: string[];
  /** Address, and bytes in hexadecimal digits. */
  memory: [string, string][];
  frames: FrameAnswer[];
  /** Expressions, and their values as unsigned numbers of 64 bits. */
  values: [string, string][];
}

export interface PlaceAnswer {
  pc: string;
  /** Registers that calls preserve, and their values in the caller; null if gdb knows none. */
  caller: [number, string][] | null;
  /** Innermost block first. */
  variables: [string, { address?: string; value?: string; lost?: true; composite?: true; error?: string }][];
}

export function isInstalled(program: string): boolean {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0;
}

/** gdb's view of a program; with the types `typeNames` wherever they are defined. */
export function askStatic(program: string, typeNames: readonly string[]): StaticAnswer {
  return runGdb('gdb-static.py', program, { XV6_DEBUG_TYPES: JSON.stringify(typeNames) }) as StaticAnswer;
}

/**
 * The address after each function's prologue, by gdb's analysis of lines. If gdb trusts a compiler's location lists, it breaks
 * at a function's first instruction instead; so it gets a copy that does not name the compiler.
 */
export function askPrologues(program: string): { name: string; low: string; ends: string[] }[] {
  const folder = mkdtempSync(join(tmpdir(), 'xv6-debug-gdb-'));
  try {
    const bytes = readFileSync(program);
    for (let at = bytes.indexOf('GNU C'); at >= 0; at = bytes.indexOf('GNU C', at + 1)) bytes.write('ANY C', at);
    const copy = join(folder, 'program');
    writeFileSync(copy, bytes);
    return askStatic(copy, []).functions.map(({ name, low, body }) => ({ name, low, ends: body }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Run {
  stops: readonly string[];
  end: string;
  count: number;
  stride?: number;
  /** Evaluated at each stop, besides the variables. */
  expressions?: readonly string[];
  /** Options of QEMU. */
  machine?: readonly string[];
}

/**
 * Runs a program in QEMU up to `end` and stops it at some places on the way, at most three times at each; or with a stride,
 * at the first of them and then after every `stride` instructions.
 */
export async function askStates(
  program: string,
  { stops, end, count, stride = 0, expressions = [], machine = [] }: Run,
): Promise<StateAnswer[]> {
  return onQemu(['-kernel', program, ...machine], (port) =>
    runGdb('gdb-states.py', program, {
      XV6_DEBUG_PORT: port,
      XV6_DEBUG_STOPS: JSON.stringify(stops),
      XV6_DEBUG_END: end,
      XV6_DEBUG_COUNT: `${count}`,
      XV6_DEBUG_STRIDE: `${stride}`,
      XV6_DEBUG_EXPRESSIONS: JSON.stringify(expressions),
    }),
  ) as Promise<StateAnswer[]>;
}

/**
 * Callers and variables of a program at every `stride`-th address, on a machine with these registers, in whose memory each
 * word is its inverted address.
 */
export async function askPlaces(
  program: string,
  registers: readonly bigint[],
  memory: readonly { low: bigint; high: bigint }[],
  stride: number,
): Promise<PlaceAnswer[]> {
  return onQemu([], (port) =>
    runGdb('gdb-places.py', program, {
      XV6_DEBUG_PORT: port,
      XV6_DEBUG_REGISTERS: JSON.stringify(registers.map(String)),
      XV6_DEBUG_MEMORY: JSON.stringify(memory.map(({ low, high }) => [`${low}`, `${high}`])),
      XV6_DEBUG_STRIDE: `${stride}`,
    }),
  ) as Promise<PlaceAnswer[]>;
}

/** Starts a machine that waits for gdb before its first instruction. */
async function onQemu(options: readonly string[], ask: (port: string) => unknown): Promise<unknown> {
  const port = await freePort();
  const common = ['-machine', 'virt', '-bios', 'none', '-m', '128M', '-nographic', '-snapshot'];
  const guest = spawn('qemu-system-riscv64', [...common, ...options, '-S', '-gdb', `tcp:127.0.0.1:${port}`], {
    stdio: 'ignore',
  });
  try {
    return ask(`${port}`);
  } finally {
    guest.kill('SIGKILL');
  }
}

function runGdb(script: string, kernel: string, env: Record<string, string>): unknown {
  const folder = mkdtempSync(join(tmpdir(), 'xv6-debug-gdb-'));
  const answer = join(folder, 'answer.json');
  const imports = `python import sys; sys.dont_write_bytecode = True; sys.path.insert(0, ${JSON.stringify(here)})`;
  try {
    // Runs in the root folder, or gdb would find sources relative to its folder and show those.
    const result = spawnSync('gdb-multiarch', ['-nx', '-batch', '-ex', imports, '-x', join(here, script), kernel], {
      cwd: '/',
      env: { ...process.env, ...env, XV6_DEBUG_OUT: answer },
      timeout: 60_000,
      encoding: 'utf8',
    });
    if (result.status !== 0 || !existsSync(answer))
      throw new Error(`gdb ended with ${result.status ?? result.signal}: ${result.stderr.slice(-1000)}`);
    return JSON.parse(readFileSync(answer, 'utf8'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
