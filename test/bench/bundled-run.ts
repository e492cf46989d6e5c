/**
 * A run of one of the scripts in debugger/, in a process of its own. The script is bundled first, as the product is: where each
 * module is compiled on its own, the constants that they share are looked up whenever they are used, which takes most of the time.
 */
import { execFileSync } from 'node:child_process';
import * as path from 'node:path';
import { buildSync } from 'esbuild';
import { ROOT } from './emulators';

/** Bundles a script into a folder. Returns a function that runs it with arguments, and what it prints as JSON. */
export function bundledRun<T>(script: string, folder: string): (...words: string[]) => Promise<T> {
  const outfile = path.join(folder, `${script}.js`);
  const entryPoints = [path.join(__dirname, 'debugger', `${script}.ts`)];
  const tsconfig = path.join(ROOT, 'tsconfig.json');
  buildSync({ entryPoints, outfile, tsconfig, bundle: true, platform: 'node', format: 'cjs', target: 'node20' });
  return (...words) => Promise.resolve(JSON.parse(execFileSync(process.execPath, [outfile, ...words]).toString()) as T);
}
