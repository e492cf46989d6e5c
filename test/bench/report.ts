/** The rows as a table in Markdown. */
import type { BundleSize } from './host';
import { OTHER } from './emulators';
import { type Row, advantage } from './measure';

const TITLES: Readonly<Record<string, string>> = {
  boot: 'Boot: process start to the prompt',
  usertests: 'usertests: from typing the command to ALL TESTS PASSED',
  'boots of builds': 'Builds by other compilers and options, with 3 harts: process start to the prompt',
  'usertests of builds': 'Builds by other compilers and options, with 3 harts: usertests',
  kernels: 'Kernels',
  stress: 'Stress tests',
  fairness: 'Fairness: four harts take one lock, 100,000 times together',
  start: 'Start',
  memory: 'Resident memory (peak of the process)',
};

/** The groups in the plot: those that measure speed. */
export const PLOTTED = ['boot', 'usertests', 'kernels', 'stress'];

const shown = (value: number, digits: number): string =>
  Number.isNaN(value) ? '-' : Number.isFinite(value) ? value.toFixed(digits) : '∞';
const cells = (...values: string[]): string => `| ${values.join(' | ')} |`;
const DIGITS: Readonly<Record<Row['unit'], number>> = {
  ...{ s: 2, ms: 0, µs: 0, MIPS: 0, 'thousand/s': 0, MiB: 0 },
  ...{ ratio: 2, times: 0 },
};
/** Groups that measure no speed. */
const PLAIN = ['fairness', 'memory'];

/** The titles of the columns of `line`. */
export const head = (last: string): string => cells('', 'unit', 'here', OTHER, `here / ${OTHER}`, last);

export function line(row: Row): string {
  const digits = DIGITS[row.unit];
  const plain = row.here / row.qemu;
  const name = row.note === undefined ? row.name : `${row.name} (${row.note})`;
  return cells(
    name,
    row.unit,
    shown(row.here, digits),
    shown(row.qemu, digits),
    shown(plain, 2),
    shown(advantage(row), 2),
  );
}

const kib = (bytes: number): string => String(Math.round(bytes / 1024));

export function markdown(
  host: readonly string[],
  rows: readonly Row[],
  remarks: readonly string[],
  bundles: readonly BundleSize[],
): string {
  const groups = Object.keys(TITLES).filter((group) => rows.some((row) => row.group === group));
  const tables = groups.flatMap((group) => {
    const own = rows.filter((row) => row.group === group);
    const last = PLAIN.includes(group) ? 'QEMU / here' : 'speed, here / QEMU';
    const ruler = cells('---', '---', '---:', '---:', '---:', '---:');
    return [`## ${TITLES[group]}`, '', head(last), ruler, ...own.map(line), ''];
  });
  const sizes = bundles.map(({ name, built, minified, compressed }) =>
    cells(name, kib(built), kib(minified), kib(compressed)),
  );
  return [
    '# Benchmark',
    '',
    'Written by `npm run bench` (test/bench); [performance.md](performance.md) explains the numbers.',
    '',
    ...host.map((text) => `- ${text}`),
    ...remarks.map((text) => `- ${text}`),
    '',
    'Both emulators run as separate processes, alternately, with the same options. For kernels and stress tests, the time of an',
    "empty guest in each emulator is subtracted. The last column is this machine's speed relative to QEMU's, whatever the unit.",
    '',
    '![Speed relative to QEMU](images/benchmark.svg)',
    '',
    ...tables,
    '## Bundles',
    '',
    cells('dist/', 'KiB as built', 'KiB minified', 'KiB minified and gzipped'),
    cells('---', '---:', '---:', '---:'),
    ...sizes,
    '',
  ].join('\n');
}
