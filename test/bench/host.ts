/** Describes the computer, its software, and the sizes of the bundles. */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { gzipSync } from 'node:zlib';
import { transform } from 'esbuild';
import { QEMU } from '../guests/qemu';
import { ROOT } from './emulators';
import { ROUNDS, USERTESTS_ROUNDS } from './measure';

/** Variables that choose what to measure. */
const CHOICES = ['XV6_DIR', 'BENCH_BUILDS', 'BENCH_USERTESTS', 'BENCH_ROUNDS', 'BENCH_SCALE', 'BENCH_AGAINST'];

/** The command line that repeats the measurement. */
function commandLine(): string {
  const chosen = CHOICES.filter((name) => process.env[name] !== undefined).map((name) => {
    const value = process.env[name]!;
    // Of folders, their names.
    return `${name}=${name === 'XV6_DIR' || name === 'BENCH_BUILDS' ? value.replace(/[^:]*\//g, '') : value}`;
  });
  return [...chosen, 'npm run bench'].join(' ');
}

/** Call it before measuring: it includes the load. */
export function describeHost(withQemu: boolean): string[] {
  const version = withQemu ? spawnSync(QEMU, ['--version'], { encoding: 'utf8' }).stdout.split('\n')[0]! : 'no QEMU';
  const load = os.loadavg().map((value) => value.toFixed(2));
  const rounds = `medians of ${ROUNDS}${USERTESTS_ROUNDS > 0 ? ` (usertests: ${USERTESTS_ROUNDS})` : ''}`;
  return [
    `${os.cpus()[0]!.model}, ${os.cpus().length} processors, ${(os.totalmem() / 2 ** 30).toFixed(1)} GiB of memory`,
    `${os.type()} ${os.release()} ${os.arch()}, Node ${process.version} (V8 ${process.versions.v8})`,
    version,
    `Load average at the start: ${load.join(', ')}`,
    `${new Date().toISOString().slice(0, 10)}, ${rounds}; \`${commandLine()}\``,
  ];
}

export interface BundleSize {
  name: string;
  /** Bytes: as built, minified as shipped, and minified and compressed. */
  built: number;
  minified: number;
  compressed: number;
}

export async function bundleSizes(): Promise<BundleSize[]> {
  const dist = path.join(ROOT, 'dist');
  const names = fs.readdirSync(dist).filter((name) => name.endsWith('.js'));
  return Promise.all(
    names.map(async (name) => {
      const code = fs.readFileSync(path.join(dist, name), 'utf8');
      const minified = Buffer.from((await transform(code, { minify: true })).code);
      const built = Buffer.byteLength(code);
      return { name, built, minified: minified.length, compressed: gzipSync(minified, { level: 9 }).length };
    }),
  );
}
