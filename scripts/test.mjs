// `npm test`: installs, builds and runs every suite, and ends with one line of totals.
//   node scripts/test.mjs [SUITE …]     suites: unit, adapter, bugs, guests, vscode; default: all
import { mkdir, mkdtemp, open, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureCodeServer } from './code-server.mjs';
import { ensureInstalled } from './install.mjs';
import { exitStatus, main, root, run, Stop } from './run.mjs';
import { ensurePackages, forTests } from './system-packages.mjs';

/** The files of each suite. */
const suites = {
  unit: ['{emulator,debug-adapter,gdb-stub,extension,webviews,cli,host,lint,scripts}/**/*.spec.ts'],
  adapter: ['test/adapter/**/*.spec.ts'],
  bugs: ['test/bugs/**/*.spec.ts'],
  guests: ['test/guests/**/*.spec.ts'],
  vscode: ['test/vscode/e2e/**/*.spec.ts'],
};

/** Those that may run beside each other, the longest first; then those that want the machine for themselves. */
const beside = ['adapter', 'unit', 'bugs', 'guests'];
const alone = ['vscode'];
const AT_ONCE = 2;

/** Runs suites, several at a time. What each prints is shown as it prints it if it is the only one, else once it has ended. */
async function runSuites(names) {
  const total = noTests();
  const waiting = [...names];
  const isAlone = names.length === 1;
  const worker = async () => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
      if (isAlone) console.log(`\n== ${name}`);
      add(total, await runSuite(name, isAlone));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return total;
}

/** Returns the counts of the suite's reporters, including those in other processes. */
async function runSuite(name, isShown) {
  const folder = await mkdtemp(join(root, 'out', 'counts-'));
  try {
    const options = ['--reporter', 'test/reporter.ts', '--forbid-only', ...(process.stdout.isTTY ? ['--color'] : [])];
    const args = ['node_modules/mocha/bin/mocha.js', ...options, ...suites[name]];
    const output = join(folder, 'output');
    const file = isShown ? undefined : await open(output, 'w');
    const status = await exitStatus('node', args, {
      env: { ...process.env, XV6_TEST_COUNTS: folder },
      ...(file && { stdio: ['ignore', file.fd, file.fd] }),
    });
    if (file) {
      await file.close();
      console.log(`\n== ${name}\n${await readFile(output, 'utf8')}`);
    }
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
  const files = (await readdir(folder)).filter((file) => file.endsWith('.json'));
  for (const file of files) add(sum, JSON.parse(await readFile(join(folder, file), 'utf8')));
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
  for (const group of [beside, ...alone.map((name) => [name])])
    add(total, await runSuites(group.filter((name) => names.includes(name))));
  if (total.failed.length > 0) console.log(`\nfailed:\n  ${total.failed.join('\n  ')}`);
  console.log(`\n${total.passes} passed, ${total.failures} failed, ${total.pending} skipped`);
  if (total.failures > 0 || total.passes === 0) process.exitCode = 1;
});
