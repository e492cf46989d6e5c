/**
 * Measures kernels with a shell: from the start of the process to the prompt, cold and warm; usertests; and peak memory.
 * Always measures the sample kernel; XV6_DIR names a built xv6.
 */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { type Lab, labAt } from '../../guests/lab';
import { EMULATOR, HERE, ROOT, THERE, isQemu } from '../emulators';
import { LabRuns, alternately, resident, seconds } from './lab-runs';
import { type Row, USERTESTS_ROUNDS, byTurns } from '../measure';
import type { Command, Measured } from '../processes';

const MIB = 1 << 20;

function labs(): Lab[] {
  const sample = path.join(ROOT, 'sample', 'prebuilt');
  const files = { kernel: path.join(sample, 'kernel'), image: path.join(sample, 'fs.img') };
  const built = process.env.XV6_DIR === undefined ? [] : [labAt(process.env.XV6_DIR)];
  return [{ name: 'sample kernel', ...files, memory: 128 * MIB, legacyVirtio: false, quick: '' }, ...built];
}

/** Whether this machine has a warm start, according to its help. */
const hasWarmStart = (): boolean =>
  /^--warm-start /m.test(spawnSync(process.execPath, [EMULATOR, '-help'], { encoding: 'utf8' }).stdout);

export async function measureLabs(
  folder: string,
  withQemu: boolean,
  report: (row: Row) => void,
  remark: (text: string) => void,
): Promise<void> {
  const warm = hasWarmStart();
  const both = alternately(withQemu);
  if (!warm) remark('no warm start: this xv6-emu has no --warm-start');
  for (const lab of labs()) {
    for (const harts of [1, 3]) {
      const runs = new LabRuns(lab, harts, folder);
      const name = `${lab.name}, ${harts} hart${harts > 1 ? 's' : ''}`;
      const cold = await both((program) => runs.boot(program));
      report({ group: 'boot', name: `${name}: cold`, unit: 's', ...seconds(cold) });
      if (warm) {
        const warmBoot = async (program: Command): Promise<() => Promise<Measured>> => {
          const saved = fs.mkdtempSync(path.join(folder, 'saved-'));
          await runs.saveBoot(program, saved);
          return () => runs.boot(program, '--warm-start', saved);
        };
        const there = isQemu(THERE) ? () => runs.boot(THERE) : await warmBoot(THERE);
        const again = await byTurns(await warmBoot(HERE), withQemu ? there : undefined);
        const note = isQemu(THERE) ? { note: "QEMU's is cold" } : {};
        report({ group: 'boot', name: `${name}: warm`, unit: 's', ...seconds(again), ...note });
      }
      report({ group: 'memory', name: `${name}: at the prompt`, unit: 'MiB', ...resident(cold) });
      if (USERTESTS_ROUNDS > 0 && lab.quick !== '') {
        const line = runs.testLine;
        const tests = await both((program) => runs.usertests(program), USERTESTS_ROUNDS);
        report({ group: 'usertests', name: `${name}: ${line}`, unit: 's', ...seconds(tests) });
        report({ group: 'memory', name: `${name}: after ${line}`, unit: 'MiB', ...resident(tests) });
        const strict = await byTurns(() => runs.usertests(HERE, '--tlb', 'strict'), undefined, USERTESTS_ROUNDS);
        const [off, on] = [seconds(tests).here, seconds(strict).here];
        remark(
          `${name}: ${line} with a strict TLB takes ${on.toFixed(2)} s here, ${(on / off).toFixed(2)} times what it takes without.`,
        );
      }
    }
  }
  if (USERTESTS_ROUNDS === 0)
    remark('no usertests: they take minutes, and run with BENCH_USERTESTS=1 (rounds) and XV6_DIR');
}
