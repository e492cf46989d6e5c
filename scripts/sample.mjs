// A copy of the sample lab as a clone has it: sources and prebuilt files, and nothing that a build here left behind.
import { cp } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { root } from './run.mjs';

const sample = join(root, 'sample');
const kept = new Set([
  '.c',
  '.h',
  '.S',
  '.ld',
  'Makefile',
  'README',
  '.gitignore',
  'kernel',
  'user',
  'mkfs',
  'prebuilt',
]);
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
