// Installs what package-lock.json says into node_modules, unless it is there already.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { root, run } from './run.mjs';

async function packagesIn(file) {
  try {
    return JSON.parse(await readFile(join(root, file), 'utf8')).packages;
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** True if node_modules has every package that this platform needs in the version of the lock. */
async function isInstalled() {
  const wanted = await packagesIn('package-lock.json');
  const there = await packagesIn('node_modules/.package-lock.json');
  if (!wanted || !there) return false;
  return Object.entries(wanted).every(
    ([path, { version, optional }]) => path === '' || there[path]?.version === version || (optional && !there[path]),
  );
}

export async function ensureInstalled() {
  if (await isInstalled()) return;
  console.log('Installing npm packages …');
  await run('npm', ['ci', '--no-audit', '--no-fund']);
}
