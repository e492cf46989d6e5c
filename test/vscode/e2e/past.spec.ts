/** Back and forth through the past of a run, by VS Code's own buttons, by keys, by the status bar and by the console's lines. */
import assert from 'node:assert/strict';
import { eventually } from '../patience';
import { LabWindow, PREBUILT } from './window';

const HERE = /xv6: (less than 1|[\d.]+) \S+ before the present/;

describe('the past', function () {
  this.timeout(300_000);
  const lab = new LabWindow({ ...PREBUILT, harts: 1 }).use();
  const item = () => lab.workbench.page.locator('[id$="xv6.past"]');
  const place = async (): Promise<string> => (await item().allInnerTexts()).join('');
  const button = (icon: string) => lab.workbench.page.locator(`.action-label.codicon-${icon}:visible`).first();
  const stoppedLine = async (): Promise<string> =>
    (await lab.workbench.page.locator('.debug-call-stack .stack-frame').first().innerText()).replace(/\s+/g, ' ');

  it('is gone to by Step Back and Reverse, and the status bar says how far', async () => {
    const { workbench } = lab;
    const { page } = workbench;
    const line = await lab.lineOf('kernel/syscall.c', 'struct proc *p = myproc()');
    const editor = await workbench.openFile('kernel/syscall.c');
    await editor.clickGutter(line);
    await workbench.start();
    await workbench.stopped(/syscall/);
    const first = await stoppedLine();
    assert.equal(await place(), '');
    await page.keyboard.press('F10');
    await eventually('a step', async () => (await stoppedLine()) !== first);
    const second = await stoppedLine();
    await page.keyboard.press('F10');
    await eventually('another step', async () => (await stoppedLine()) !== second);
    const third = await stoppedLine();
    await button('debug-step-back').click();
    await eventually('the line before', async () => (await stoppedLine()) === second);
    await workbench.see('the status bar', place, HERE);
    await lab.picture('step-back');
    await page.keyboard.press('Control+F10');
    await eventually('the first line', async () => (await stoppedLine()) === first);
    await button('debug-reverse-continue').click();
    await eventually('the beginning', async () => /0x1000/.test(await stoppedLine()));
    await workbench.see('the status bar', place, HERE);
    await lab.picture('reverse');
    await item().first().click();
    await eventually('the present', async () => (await stoppedLine()) === third);
    await eventually('nothing in the status bar', async () => (await place()) === '');
  });

  it('is gone to by a line of the console', async () => {
    const { workbench } = lab;
    const { page } = workbench;
    await workbench.command('xv6: Show Console');
    await workbench.terminalShows(/kernel is booting/);
    const row = page.locator('.terminal-wrapper.active .xterm-rows > div').filter({ hasText: 'kernel is booting' });
    const box = (await row.first().boundingBox())!;
    const printing = /printf/;
    await eventually('a click on the line', async () => {
      await page.mouse.move(box.x + 60, box.y + box.height / 2 + 40);
      await page.mouse.move(box.x + 60, box.y + box.height / 2, { steps: 5 });
      await page.waitForTimeout(500);
      await page.keyboard.down('Control');
      await page.mouse.click(box.x + 60, box.y + box.height / 2);
      await page.keyboard.up('Control');
      await page.waitForTimeout(3000);
      return printing.test(await workbench.callStack());
    });
    await workbench.see(
      'the call stack',
      () => workbench.callStack(),
      /where the line was printed[\s\S]*printf[\s\S]*main/,
    );
    await workbench.see('the status bar', place, HERE);
    await workbench.command('Notifications: Clear All Notifications');
    await lab.picture('console-line');
    await workbench.command('xv6: Go Back to the Instant Visited Before');
    await eventually('the present', async () => (await place()) === '');
  });

  it('is left alone until the user begins another future', async () => {
    const { workbench } = lab;
    const { page } = workbench;
    // The console has the focus, which keeps most keys for itself.
    await page.locator('.debug-call-stack .stack-frame').first().click();
    await page.keyboard.press('Control+F10');
    await workbench.see('the status bar', place, HERE);
    await workbench.command('xv6: Begin Another Future Here');
    await lab.picture('another-future');
    await workbench.answer('Begin Another Future');
    await eventually('the present', async () => (await place()) === '');
    await workbench.command('Debug: Stop');
  });
});
