/** A run that is saved in one window, and opened in another one that has nothing but the file: its past, and a future of its own. */
import assert from 'node:assert/strict';
import { copyFile, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, PALETTE, seen } from '../patience';
import type { Workbench } from '../workbench';
import { host, LabWindow, PREBUILT, screenshots } from './window';

const PLACE = '[id$="xv6.past"]';

describe('a recording', function () {
  this.timeout(300_000);
  const lab = new LabWindow({ ...PREBUILT, harts: 1 }).use();
  let folder: string;
  let other: Workbench;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'xv6-other-'));
    await writeFile(join(folder, 'README'), 'Nothing but a recording.\n');
  });
  after(async () => {
    await other?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const stoppedLine = async ({ page }: Workbench): Promise<string> =>
    (await page.locator('.debug-call-stack .stack-frame').first().innerText()).replace(/\s+/g, ' ');
  const picture = (name: string) => other.screenshot(join(screenshots, `${name}.png`));

  it('is saved by a command, which asks whether sources are to be in it', async () => {
    const { workbench } = lab;
    const { page } = workbench;
    const line = await lab.lineOf('kernel/sysfile.c', 'uint64 sys_exec(void)');
    const editor = await workbench.openFile('kernel/sysfile.c');
    await workbench.start();
    await workbench.prompt();
    await editor.clickGutter(line + 2);
    await workbench.terminalLine('echo hello > note');
    await workbench.stopped(/sys_exec/);
    await workbench.command('xv6: Save Recording…');
    const widget = page.locator('.quick-input-widget:visible');
    await lab.picture('save-recording');
    await widget.locator('.monaco-list-row').filter({ hasText: 'With Sources' }).last().click();
    const input = widget.locator('input[type="text"]');
    const file = join(folder, 'run.xv6run');
    await eventually('the dialog for the file', async () => (await input.inputValue()).endsWith('run.xv6run'));
    await input.fill(file);
    // The dialog takes no answer while it looks at what was typed.
    await eventually('the file', async () => {
      if (await input.isVisible()) await page.keyboard.press('Enter');
      await page.waitForTimeout(500);
      return stat(file).then(
        ({ size }) => size > 10_000,
        () => false,
      );
    });
    assert.match((await readFile(file)).subarray(0, 30).toString('latin1'), /^xv6-debug recording \d+\n/);
    await workbench.command('Debug: Stop');
  });

  it('is opened by a double click where it was made, with sources from the file, and has its past', async () => {
    other = await (await host()).open({ height: 1400, folder });
    const { page } = other;
    const row = page.locator('.explorer-folders-view .monaco-list-row').filter({ hasText: 'run.xv6run' });
    const preview = page.frameLocator('iframe.webview').frameLocator('#active-frame');
    // Before VS Code has read what extensions there are, it takes the file for a text.
    await eventually('the preview', async () => {
      await page.locator('.explorer-folders-view .monaco-list-row').filter({ hasText: 'README' }).click();
      await row.click();
      return seen(preview.getByText('This is the recording of a run'), PALETTE);
    });
    await picture('recording-preview');
    await row.dblclick();
    await other.stopped(/opened/i);
    assert.match(await stoppedLine(other), /sys_exec/);
    await other.see(
      'the editor',
      () => page.locator('.editor-instance:visible .view-lines').first().innerText(),
      /sys_exec/,
    );
    await other.terminalShows(/\$ echo hello > note/);
    await picture('recording-opened');
    await page.locator('.debug-call-stack .stack-frame').first().click();
    await page.keyboard.press('Control+F10');
    await other.see(
      'the status bar',
      async () => (await page.locator(PLACE).allInnerTexts()).join(''),
      /before the present/,
    );
    await page.locator(PLACE).first().click();
    await other.stopped();
    await eventually('the present', async () => (await page.locator(PLACE).allInnerTexts()).join('') === '');
  });

  it('goes on as a run of its own', async () => {
    await other.command('Debug: Continue');
    await other.prompt();
    await other.terminalLine('cat note; echo more');
    await other.terminalShows(/hello\s+more\s+\$$/);
    await picture('recording-goes-on');
    await other.command('Debug: Stop');
  });

  it('that is damaged is refused with a word of why', async () => {
    const bytes = await readFile(join(folder, 'run.xv6run'));
    await writeFile(join(folder, 'cut.xv6run'), bytes.subarray(0, bytes.length / 2));
    await copyFile(join(folder, 'README'), join(folder, 'none.xv6run'));
    const { page } = other;
    for (const [name, why] of [
      ['cut', /cut\.xv6run is damaged/],
      ['none', /none\.xv6run is no recording/],
    ] as const) {
      const row = page.locator('.explorer-folders-view .monaco-list-row').filter({ hasText: `${name}.xv6run` });
      await other.command('View: Show Explorer');
      await row.dblclick();
      await other.see(
        'the dialog',
        async () => (await page.locator('.monaco-dialog-box').allInnerTexts()).join(''),
        why,
      );
      await picture(`recording-${name}`);
      await page.keyboard.press('Escape');
    }
  });
});
