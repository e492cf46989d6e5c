/** Runs the suite of ../suite in a real extension host. Its tests count with all others; this checks only that it passed. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { root } from '../../../scripts/run.mjs';
import { copySample } from '../../../scripts/sample.mjs';
import { host } from './window';

describe('inside the extension host', function () {
  this.timeout(400_000);
  const output = join(root, 'out', 'vscode-suite');
  let folder: string;

  before(async () => {
    const suite = join(root, 'test', 'vscode', 'suite');
    const entryPoints = (await readdir(suite)).filter((name) => /^index\.ts$|\.test\.ts$/.test(name));
    await rm(output, { recursive: true, force: true });
    await build({
      entryPoints: entryPoints.map((name) => join(suite, name)),
      outdir: output,
      bundle: true,
      platform: 'node',
      format: 'cjs',
      target: 'node20',
      external: ['vscode', 'mocha'],
      sourcemap: 'inline',
      logLevel: 'error',
    });
    folder = await mkdtemp(join(tmpdir(), 'xv6-lab-'));
    await copySample(join(folder, 'xv6-sample'));
  });

  after(() => rm(folder, { recursive: true, force: true }));

  it('every test of the suite passes', async () => {
    const suite = join(output, 'index.js');
    const options = { folder: join(folder, 'xv6-sample'), suite, timeoutSeconds: 360 };
    const { exitCode, log } = await (await host()).runSuite(options);
    assert.equal(exitCode, 0, log);
  });
});
