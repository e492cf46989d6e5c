/**
 * Measures kernels with a shell: from the start of the process to the prompt, cold and warm; usertests; and peak memory.
 * Always measures the sample kernel; XV6_DIR names a built xv6.
 */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { type Lab, labAt } from '../guests/lab';
import { EMULATOR, HERE, ROOT, THERE, copyOf, isQemu, lab as labCommand } from './emulators';
import { type Row, USERTESTS_ROUNDS, byTurns, medians } from './measure';
import { type Command, type Measured, Talk, untilText } from './processes';

const MIB = 1 << 20;
const PROMPT = '$ ';
const PASSED = 'ALL TESTS PASSED';
/** Milliseconds within which usertests must pass. */
const USERTESTS_LIMIT = 900_000;
/** Milliseconds at the prompt, within which a boot is saved. */
const SAVING = 2000;

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
  if (!warm) remark('no warm start: this xv6-emu has no --warm-start');
  for (const lab of labs()) {
    for (const harts of [1, 3]) {
      const image = path.join(folder, 'fs.img');
      const command = (program: Command): Command => labCommand(program, lab, image, harts);
      const boot =
        (program: Command, ...more: string[]) =>
        (): Promise<Measured> => {
          copyOf(lab.image, image);
          return untilText([...command(program), ...more], PROMPT);
        };
      const name = `${lab.name}, ${harts} hart${harts > 1 ? 's' : ''}`;
      const cold = await byTurns(boot(HERE), withQemu ? boot(THERE) : undefined);
      report({ group: 'boot', name: `${name}: cold`, unit: 's', ...seconds(cold) });
      if (warm) {
        const warmBoot = async (program: Command): Promise<() => Promise<Measured>> => {
          const saved = fs.mkdtempSync(path.join(folder, 'saved-'));
          await prepare([...command(program), '--warm-start', saved], () => copyOf(lab.image, image));
          return boot(program, '--warm-start', saved);
        };
        const there = isQemu(THERE) ? boot(THERE) : await warmBoot(THERE);
        const again = await byTurns(await warmBoot(HERE), withQemu ? there : undefined);
        const note = isQemu(THERE) ? { note: "QEMU's is cold" } : {};
        report({ group: 'boot', name: `${name}: warm`, unit: 's', ...seconds(again), ...note });
      }
      report({ group: 'memory', name: `${name}: at the prompt`, unit: 'MiB', ...resident(cold) });
      if (USERTESTS_ROUNDS > 0 && lab.quick !== '') {
        const line = `usertests ${lab.quick}`;
        const test = (program: Command) => (): Promise<Measured> => {
          copyOf(lab.image, image);
          return passes(command(program), line);
        };
        const tests = await byTurns(test(HERE), withQemu ? test(THERE) : undefined, USERTESTS_ROUNDS);
        report({ group: 'usertests', name: `${name}: ${line}`, unit: 's', ...seconds(tests) });
        report({ group: 'memory', name: `${name}: after ${line}`, unit: 'MiB', ...resident(tests) });
      }
    }
  }
  if (USERTESTS_ROUNDS === 0)
    remark('no usertests: they take minutes, and run with BENCH_USERTESTS=1 (rounds) and XV6_DIR');
}

type Both = Parameters<typeof medians<Measured>>[0];
const seconds = (results: Both) => medians(results, ({ milliseconds }) => milliseconds / 1000);
const resident = (results: Both) => medians(results, ({ resident: bytes }) => bytes / MIB);

/** Boots once, to save the boot. */
async function prepare(command: Command, freshImage: () => void): Promise<void> {
  freshImage();
  const talk = new Talk(command);
  await talk.expect(PROMPT);
  await new Promise((resolve) => setTimeout(resolve, SAVING));
  await talk.stop('SIGTERM');
}

/** From typing the line at the first prompt until all tests have passed. */
async function passes(command: Command, line: string): Promise<Measured> {
  const talk = new Talk(command);
  const began = await talk.expect(PROMPT);
  talk.send(line);
  const ended = await talk.expect(PASSED, USERTESTS_LIMIT);
  const { resident: peak } = talk;
  await talk.stop();
  return { milliseconds: ended - began, resident: peak };
}
