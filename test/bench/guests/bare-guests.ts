/**
 * Measures the small guests in both emulators, as processes. The time of an empty guest is measured the same way and
 * subtracted for each, so that only the work counts.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { HERE, OTHER, THERE, bare } from '../emulators';
import { FIRST_BYTE, NOTHING, kernels } from './kernels';
import { type Pair, type Row, byTurns, medians } from '../measure';
import { type Command, untilEnd, untilText } from '../processes';
import { DISK_BYTES, stressTests } from './stress-tests';

/** Multiplies the work of each guest; use values below 1 only to try the benchmark itself. */
const SCALE = Number(process.env.BENCH_SCALE ?? 1) || 1;

interface Guest {
  group: string;
  name: string;
  unit: 'MIPS' | 'thousand/s';
  kernel: Uint8Array;
  disk: boolean;
  /** Thousands of operations; undefined if instructions must be counted by running the guest. */
  count: number | undefined;
}

function guests(): Guest[] {
  const few = Object.entries(kernels(SCALE)).map(([name, kernel]): Guest => ({
    group: 'kernels',
    name,
    unit: 'MIPS',
    kernel,
    disk: false,
    count: undefined,
  }));
  const many = stressTests(SCALE).map(({ name, count, kernel, disk }): Guest => ({
    ...{ group: 'stress', name, kernel, disk },
    ...{ unit: 'thousand/s', count: count / 1000 },
  }));
  return [...few, ...many];
}

/** Thousands of instructions that a guest executes, as counted by this machine. */
async function instructions(command: Command, folder: string): Promise<number> {
  const file = path.join(folder, 'stats.json');
  await untilEnd([...command, '--stats', file]);
  const { instructions: count } = JSON.parse(fs.readFileSync(file, 'utf8')) as { instructions: number };
  return count / 1000;
}

const ends = (command: Command): Promise<boolean> =>
  untilEnd(command).then(
    () => true,
    () => false,
  );

export async function measureGuests(folder: string, withQemu: boolean, report: (row: Row) => void): Promise<void> {
  const disk = path.join(folder, 'disk.img');
  fs.writeFileSync(disk, new Uint8Array(DISK_BYTES));
  const place = (name: string, kernel: Uint8Array): string => {
    const file = path.join(folder, name.replaceAll(' ', '-'));
    fs.writeFileSync(file, kernel);
    return file;
  };
  const both = async (commandOf: (program: Command) => Command, run: typeof untilEnd): Promise<Pair> => {
    const [here, there] = [commandOf(HERE), commandOf(THERE)];
    const results = await byTurns(() => run(here), withQemu ? () => run(there) : undefined);
    return medians(results, ({ milliseconds }) => milliseconds);
  };

  const first = place('first-byte', FIRST_BYTE);
  const start = await both(
    (program) => bare(program, first),
    (command) => untilText(command, '!'),
  );
  report({ group: 'start', name: 'process start to the first instructions', unit: 'ms', ...start });
  const nothing = place('nothing', NOTHING);
  const empty = await both((program) => bare(program, nothing), untilEnd);
  report({ group: 'start', name: 'an empty guest, start to end', unit: 'ms', ...empty });

  for (const { group, name, unit, kernel, disk: withDisk, count } of guests()) {
    const file = place(name, kernel);
    const commandOf = (program: Command): Command => bare(program, file, withDisk ? disk : undefined);
    // An earlier build may lack an extension.
    if (withQemu && OTHER !== 'QEMU' && !(await ends(commandOf(THERE)))) {
      console.log(`${name}: the other build does not run it`);
      continue;
    }
    const thousands = count ?? (await instructions(commandOf(HERE), folder));
    const whole = await both(commandOf, untilEnd);
    const rate = (side: keyof Pair): number =>
      thousands / Math.max(whole[side] - empty[side], 1) / (unit === 'MIPS' ? 1 : 1 / 1000);
    const note = unit === 'MIPS' ? `${Math.round(thousands / 1000)} million instructions` : `${thousands} thousand`;
    report({ group, name, unit, here: rate('here'), qemu: rate('qemu'), note });
  }
}
