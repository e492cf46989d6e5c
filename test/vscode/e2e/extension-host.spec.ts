/** Runs the suite of ../suite in a real extension host. Its tests count with all others; this checks only that it passed. */
import assert from 'node:assert/strict';
import { bundleSuite, withLab } from '../../../scripts/vscode-suite.mjs';
import { host } from './window';

describe('inside the extension host', function () {
  this.timeout(400_000);

  it('every test of the suite passes', async () => {
    const suite = await bundleSuite();
    const { exitCode, log } = await withLab(async (_folder: string, lab: string) =>
      (await host()).runSuite({ folder: lab, suite, timeoutSeconds: 360 }),
    );
    assert.equal(exitCode, 0, log);
  });
});
