// `npm test`: installs, builds and runs every suite, and ends with one line of totals.
//   node scripts/test.mjs [SUITE …]     suites: unit, adapter, bugs, guests, vscode; default: all
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureCodeServer } from './code-server.mjs';
import { ensureInstalled } from './install.mjs';
import { exitStatus, main, root, run, Stop } from './run.mjs';
import { ensurePackages, forTests } from './system-packages.mjs';

/** The files of each suite, in the order in which they run, the quick ones first. */
const suites = {
  unit: ['{emulator,debug-adapter,gdb-stub,extension,webviews,cli,host,lint,scripts}/**/*.spec.ts'],
  adapter: ['test/adapter/**/*.spec.ts'],
  bugs: ['test/bugs/**/*.spec.ts'],
  guests: ['test/guests/**/*.spec.ts'],
  vscode: ['test/vscode/e2e/**/*.spec.ts'],
};

/** Returns the counts of the suite's reporters, including those in other processes. */
async function runSuite(name, patterns) {
  console.log(`\n== ${name}`);
  const folder = await mkdtemp(join(root, 'out', 'counts-'));
  try {
    const options = ['--reporter', 'test/reporter.ts', '--forbid-only'];
    const status = await exitStatus('node', ['node_modules/mocha/bin/mocha.js', ...options, ...patterns], {
      env: { ...process.env, XV6_TEST_COUNTS: folder },
    });
    const sum = await sumOf(folder);
    if (status !== 0 && sum.failures === 0) {
      console.error(`${name}: mocha ended with ${status} and no failed test; counted as one failure`);
      sum.failures = 1;
      sum.failed.push(`${name}: mocha ended with ${status}`);
    }
    return sum;
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function sumOf(folder) {
  const sum = noTests();
  for (const file of await readdir(folder)) add(sum, JSON.parse(await readFile(join(folder, file), 'utf8')));
  return sum;
}

function noTests() {
  return { passes: 0, failures: 0, pending: 0, failed: [] };
}

function add(sum, { failed, ...counts }) {
  for (const [key, count] of Object.entries(counts)) sum[key] += count;
  sum.failed.push(...failed);
}

await main(async () => {
  const chosen = process.argv.slice(2);
  const unknown = chosen.filter((name) => !(name in suites));
  if (unknown.length > 0) throw new Stop(`no suite ${unknown.join(', ')}; there are ${Object.keys(suites).join(', ')}`);

  await ensurePackages(forTests);
  await ensureInstalled();
  await run('node', ['esbuild.mjs']);
  const names = Object.keys(suites).filter((name) => chosen.length === 0 || chosen.includes(name));
  if (names.includes('vscode')) await ensureCodeServer();

  await mkdir(join(root, 'out'), { recursive: true });
  const total = noTests();
  for (const name of names) add(total, await runSuite(name, suites[name]));
  if (total.failed.length > 0) console.log(`\nfailed:\n  ${total.failed.join('\n  ')}`);
  console.log(`\n${total.passes} passed, ${total.failures} failed, ${total.pending} skipped`);
  if (total.failures > 0 || total.passes === 0) process.exitCode = 1;
});
