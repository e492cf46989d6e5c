// The suite of test/vscode/suite, which runs in an extension host, ready to be run there: bundled, and with a lab to open.
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './run.mjs';
import { copySample } from './sample.mjs';

/** Bundles the suite. Returns the module whose `run` runs it, for VS Code's `--extensionTestsPath`. */
export async function bundleSuite() {
  // Imported late, as a script may have to install it first.
  const { build } = await import('esbuild');
  const suite = join(root, 'test', 'vscode', 'suite');
  const outdir = join(root, 'out', 'vscode-suite');
  const files = (await readdir(suite)).filter((name) => /^index\.ts$|\.test\.ts$/.test(name));
  await rm(outdir, { recursive: true, force: true });
  await build({
    entryPoints: files.map((name) => join(suite, name)),
    outdir,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    external: ['vscode', 'mocha'],
    sourcemap: 'inline',
    logLevel: 'error',
  });
  return join(outdir, 'index.js');
}

/** Calls `use` with a folder that has a new copy of the sample lab, `lab`, and which is removed afterwards. */
export async function withLab(use) {
  const folder = await mkdtemp(join(tmpdir(), 'xv6-lab-'));
  try {
    const lab = join(folder, 'xv6-sample');
    await copySample(lab);
    return await use(folder, lab);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
