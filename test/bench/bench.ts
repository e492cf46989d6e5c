/**
 * npm run bench: measures this machine and QEMU on the same computer, alternately. Writes medians to docs/benchmark.md and
 * docs/images/benchmark.svg (BENCH_DOCS names another folder). With XV6_DIR a real xv6 boots too, with BENCH_BUILDS many
 * builds of it (labs/builds.ts), and with BENCH_USERTESTS=1 their usertests run; BENCH_ROUNDS (5) is the number of rounds,
 * BENCH_SCALE reduces the work in each. BENCH_HISTORY says for how many million instructions history is kept (3000), and
 * BENCH_SESSION for how many seconds a debug session goes on (30).
 * BENCH_AGAINST=…/dist/xv6-emu.js compares with another build of this machine in QEMU's place, and writes nothing.
 */
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { format, resolveConfig } from 'prettier';
import { haveQemu } from '../guests/qemu';
import { measureHistory } from './debugger/history';
import { measureLedger } from './debugger/ledger';
import { measureSession } from './debugger/session';
import { measureGuests } from './guests/bare-guests';
import { measureBuilds } from './labs/builds';
import { EMULATOR, ROOT } from './emulators';
import { measureFairness } from './guests/fairness';
import { bundleSizes, describeHost } from './host';
import { measureLabs } from './labs/labs';
import type { Row } from './measure';
import { plot } from './plot';
import { PLOTTED, head, line, markdown } from './report';

async function main(): Promise<void> {
  if (!fs.existsSync(EMULATOR)) throw new Error(`${EMULATOR} is missing: npm run build`);
  const docs = path.resolve(ROOT, process.env.BENCH_DOCS ?? 'docs');
  const compares = process.env.BENCH_AGAINST !== undefined;
  const withQemu = compares || haveQemu();
  const host = describeHost(withQemu);
  const rows: Row[] = [];
  const remarks: string[] = [];
  const report = (row: Row): void => {
    rows.push(row);
    console.log(line(row));
  };
  const remark = (text: string): void => {
    remarks.push(text);
    console.log(text);
  };
  console.log(`${host.join('\n')}\n\n${head('')}`);
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'bench-'));
  try {
    await measureGuests(folder, withQemu, report);
    await measureFairness(folder, withQemu, report);
    await measureLabs(folder, withQemu, report, remark);
    await measureBuilds(folder, withQemu, report, remark);
    await measureHistory(folder, remark);
    await measureSession(remark);
    await measureLedger(folder, remark);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
  // A comparison of two builds is no benchmark against QEMU.
  if (compares) return;
  fs.mkdirSync(path.join(docs, 'images'), { recursive: true });
  const text = markdown(host, rows, remarks, await bundleSizes());
  const style = await resolveConfig(path.join(ROOT, 'docs', 'benchmark.md'));
  fs.writeFileSync(path.join(docs, 'benchmark.md'), await format(text, { ...style, parser: 'markdown' }));
  const plotted = PLOTTED.flatMap((group) => rows.filter((row) => row.group === group));
  fs.writeFileSync(path.join(docs, 'images', 'benchmark.svg'), plot(plotted));
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
