/** Asks gdb-multiarch about a program: the reference that the symbol reader is held against. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const here = import.meta.dirname ?? __dirname;

export interface StaticAnswer {
  /** Address, file and line wherever the line changes. */
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
}

export function isInstalled(program: string): boolean {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0;
}

export function askStatic(kernel: string): StaticAnswer {
  return runGdb('gdb-static.py', kernel, {}) as StaticAnswer;
}

/** Runs a program in QEMU up to `end`, and stops it at some places on the way, each of them at most three times. */
export async function askStates(
  kernel: string,
  stops: readonly string[],
  end: string,
  count: number,
  machine: readonly string[],
): Promise<StateAnswer[]> {
  const port = await freePort();
  const common = ['-machine', 'virt', '-bios', 'none', '-kernel', kernel, '-m', '128M', '-nographic', '-snapshot'];
  const guest = spawn('qemu-system-riscv64', [...common, ...machine, '-S', '-gdb', `tcp:127.0.0.1:${port}`], {
    stdio: 'ignore',
  });
  try {
    return runGdb('gdb-states.py', kernel, {
      XV6_DEBUG_PORT: `${port}`,
      XV6_DEBUG_STOPS: JSON.stringify(stops),
      XV6_DEBUG_END: end,
      XV6_DEBUG_COUNT: `${count}`,
    }) as StateAnswer[];
  } finally {
    guest.kill('SIGKILL');
  }
}

function runGdb(script: string, kernel: string, env: Record<string, string>): unknown {
  const folder = mkdtempSync(join(tmpdir(), 'xv6-debug-gdb-'));
  const answer = join(folder, 'answer.json');
  try {
    // In the root folder, or gdb would find sources relative to it and name those.
    const result = spawnSync('gdb-multiarch', ['-nx', '-batch', '-x', join(here, script), kernel], {
      cwd: '/',
      env: { ...process.env, ...env, XV6_DEBUG_OUT: answer },
      timeout: 60_000,
      encoding: 'utf8',
    });
    if (result.status !== 0 || !existsSync(answer)) {
      throw new Error(`gdb ended with ${result.status ?? result.signal}: ${result.stderr.slice(-1000)}`);
    }
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
