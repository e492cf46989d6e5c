// Copies the sample lab as a clone has it: sources and prebuilt files, without the output of a build.
//   node scripts/sample.mjs FOLDER     copies it there, unless there is something already
import { cp } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { basename, extname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { main, root, Stop } from './run.mjs';

const sample = join(root, 'sample');
const kept = new Set(['.c', '.h', '.S', '.ld', 'Makefile', 'README', '.gitignore', 'kernel', 'user', 'mkfs']);
const built = new Set([join(sample, 'kernel', 'kernel'), join(sample, 'mkfs', 'mkfs')]);

export async function copySample(to) {
  await cp(sample, to, {
    recursive: true,
    filter: (path) =>
      path === sample ||
      path.startsWith(join(sample, 'prebuilt')) ||
      (!built.has(path) && (kept.has(extname(path)) || kept.has(basename(path)))),
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  void main(async () => {
    const [to] = process.argv.slice(2);
    if (!to) throw new Stop('node scripts/sample.mjs FOLDER');
    if (!existsSync(to)) await copySample(resolve(to));
  });
}
