/** The .vsix as installed by a user: it must contain everything that runs. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { root } from '../../../scripts/run.mjs';
import { host, LabWindow, PREBUILT } from './window';

describe('the packaged extension', function () {
  this.timeout(300_000);

  const vsix = join(root, 'out', 'xv6-debug.vsix');
  let installed: string;

  before(async () => {
    await promisify(execFile)('npm', ['run', 'package', '--', '--out', vsix], { cwd: root });
    installed = await (await host()).install(vsix);
  });
  const lab = new LabWindow(PREBUILT, { installedOnly: true }).use();

  it('has at most 1 MB', async () => {
    const { size } = await stat(vsix);
    assert.ok(size <= 1_000_000, `${vsix} has ${size} bytes`);
  });

  it('has the licences of the packages that are bundled', async () => {
    const notices = await readFile(join(installed, 'dist', 'ThirdPartyNotices.txt'), 'utf8');
    for (const name of ['lit', 'lit-html', 'lit-element', '@lit/reactive-element', '@vscode/codicons'])
      assert.match(notices, new RegExp(`^-+\\n${name} \\d+\\.\\d+\\.\\d+\\n`, 'm'));
    assert.match(notices, /Copyright \(c\) 2017 Google LLC/);
    assert.match(notices, /Attribution 4\.0 International/);
  });

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
