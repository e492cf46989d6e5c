/** Back and forth through the past of a run, by VS Code's own buttons, by keys, by the status bar and by the console's lines. */
import assert from 'node:assert/strict';
import { eventually, SHORT } from '../patience';
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

  it('is gone to by keys: into the function that was called, out of it, and to the cursor', async () => {
    const { workbench } = lab;
    const { page } = workbench;
    const called = await lab.lineOf('kernel/syscall.c', 'struct proc *p = myproc()');
    const next = await lab.lineOf('kernel/syscall.c', 'uint64 number =');
    const at = (file: string, line: number) => async (): Promise<boolean> =>
      (await stoppedLine()).includes(`${file} ${line}:`);
    const editor = await workbench.editor('kernel/syscall.c');
    await page.locator('.debug-call-stack .stack-frame').first().click();
    // A frame under the mouse shows a button in place of its line.
    await page.mouse.move(720, 100);
    await page.keyboard.press('Control+F10');
    await eventually('the line after the call', at('syscall.c', next));
    await page.keyboard.press('Alt+F11');
    await workbench.see('the call stack', stoppedLine, /^myproc sched\.c/);
    await lab.picture('step-back-into');
    await page.keyboard.press('Shift+Alt+F11');
    await eventually('the call', at('syscall.c', called));
    await lab.picture('step-back-out');
    await item().first().click();
    await eventually('the present', async () => (await place()) === '');
    await editor.goTo(next);
    await page.keyboard.press('Control+Shift+F11');
    await eventually('the line of the cursor', at('syscall.c', next));
    await workbench.see('the status bar', place, HERE);
    await lab.picture('run-back-to-cursor');
    await page.keyboard.press('Control+Shift+F6');
    await eventually('the present', async () => (await place()) === '');
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
  });

  it('is kept when a key is typed in the console, until the user begins another future', async () => {
    const { workbench } = lab;
    const { page } = workbench;
    await page.locator('.debug-call-stack .stack-frame').first().click();
    await page.keyboard.press('Control+F10');
    await workbench.see('the status bar', place, HERE);
    const far = await place();
    await workbench.command('xv6: Show Console');
    const terminal = page.locator('.terminal-wrapper.active');
    await eventually('the focus in the console', async () => {
      await terminal.locator('.xterm-screen').click();
      return (await terminal.locator('.xterm-helper-textarea:focus').count()) > 0;
    });
    const dialogs = page.locator('.monaco-dialog-box');
    await page.keyboard.type('l');
    await dialogs.waitFor();
    await lab.picture('typing-in-the-past');
    assert.match(await dialogs.innerText(), /Begin another future here\?/);
    await workbench.answer('Cancel');
    await dialogs.waitFor({ state: 'detached' });
    assert.equal(await place(), far);
    await terminal.locator('.xterm-screen').click();
    // As fast as a person types: one question for all of it.
    await page.keyboard.type('ls');
    await workbench.answer('Begin Another Future');
    await eventually('the present', async () => (await place()) === '');
    await page.waitForTimeout(1000);
    assert.equal(await dialogs.count(), 0);
    // From one system call to the next, until an interrupt has let the kernel echo both.
    await eventually(
      'the echo of both',
      async () => {
        await button('debug-continue').click();
        await page.waitForTimeout(1000);
        return /ls/.test(await workbench.terminalText());
      },
      SHORT,
    );
    await lab.picture('typed-in-another-future');
    await workbench.command('Debug: Stop');
  });
});
