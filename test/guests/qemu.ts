/** Debian's qemu-system-riscv64, for the tests that compare the machine with it. */
import { spawn, spawnSync } from 'node:child_process';

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
