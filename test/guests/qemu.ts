/** Debian's qemu-system-riscv64, for the tests that compare the machine with it. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { HOTNESS_LIMIT } from '../../emulator/layout';
import { Machine } from '../../emulator/machine';
import type { MachineOptions } from '../../emulator/types';

export const QEMU = 'qemu-system-riscv64';

export const haveQemu = (): boolean => spawnSync(QEMU, ['--version'], { stdio: 'ignore' }).status === 0;

/** Runs QEMU until it exits, for at most `seconds`. Returns its standard output. */
export async function runQemu(
  args: readonly string[],
  seconds: number,
): Promise<{ output: Buffer; status: number | null }> {
  const child = spawn(QEMU, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const timer = setTimeout(() => child.kill('SIGKILL'), seconds * 1000);
  const pieces: Buffer[] = [];
  child.stdout.on('data', (piece: Buffer) => pieces.push(piece));
  const status = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  clearTimeout(timer);
  return { output: Buffer.concat(pieces), status };
}

/** What a guest that ends by itself sends over the UART, here; `hot`: passes of a loop until it is translated. */
export function outputHere(options: MachineOptions, hot?: number): Uint8Array {
  const pieces: Uint8Array[] = [];
  const machine = new Machine({ ...options, consoleOutput: (bytes) => void pieces.push(bytes.slice()) });
  // A pass counts as four jumps.
  if (hot !== undefined) machine.memory.i32[HOTNESS_LIMIT / 4] = 4 * hot;
  const stop = machine.run({ instructions: 4_000_000_000 });
  assert.equal(stop.kind, 'poweroff', `the guest did not come to its end: pc 0x${machine.harts[0]!.pc.toString(16)}`);
  return Buffer.concat(pieces);
}

/** The same in QEMU, on harts of this kind. */
export async function outputInQemu(
  cpu: string,
  harts: number,
  memory: number,
  kernel: Uint8Array,
): Promise<Uint8Array> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'guest-'));
  try {
    const file = path.join(folder, 'kernel');
    fs.writeFileSync(file, kernel);
    const machine = ['-machine', 'virt', '-cpu', cpu, '-smp', `${harts}`, '-bios', 'none', '-m', `${memory >> 20}M`];
    const streams = ['-display', 'none', '-monitor', 'none', '-serial', 'stdio'];
    const { output } = await runQemu([...machine, '-kernel', file, ...streams], 300);
    return output;
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}
