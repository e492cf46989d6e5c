/** The .vsix as installed by a user: it must contain everything that runs. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { root } from '../../../scripts/run.mjs';
import { host, LabWindow, PREBUILT } from './window';

describe('the packaged extension', function () {
  this.timeout(300_000);

  before(async () => {
    const vsix = join(root, 'out', 'xv6-debug.vsix');
    await promisify(execFile)('npm', ['run', 'package', '--', '--out', vsix], { cwd: root });
    await (await host()).install(vsix);
  });
  const lab = new LabWindow(PREBUILT, { installedOnly: true }).use();

  it('boots the lab, and shows its page table', async () => {
    const { workbench } = lab;
    await workbench.start();
    await workbench.prompt();
    await workbench.page.keyboard.press('F6');
    await workbench.stopped();
    await workbench.command('xv6: Show Page Table');
    const tree = workbench.pageTable().getByRole('tree', { name: 'Page table' });
    assert.match(await workbench.see('the page table', () => tree.innerText(), /RAM/), /PLIC/);
    await workbench.command('Debug: Stop');
  });
});
