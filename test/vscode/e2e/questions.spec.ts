/** Questions to the past where a person asks them: in the menu of a variable, and in the debug console. */
import assert from 'node:assert/strict';
import { eventually, PALETTE, seen } from '../patience';
import { LabWindow, PREBUILT } from './window';

describe('a question to the past', function () {
  this.timeout(300_000);
  const lab = new LabWindow({ ...PREBUILT, harts: 1 }).use();
  const place = async (): Promise<string> =>
    (await lab.workbench.page.locator('[id$="xv6.past"]').allInnerTexts()).join('');
  const stoppedLine = async (): Promise<string> =>
    (await lab.workbench.page.locator('.debug-call-stack .stack-frame').first().innerText()).replace(/\s+/g, ' ');
  const variable = (name: string) =>
    lab.workbench.page
      .locator('.debug-variables .monaco-list-row')
      .filter({ hasText: new RegExp(`^${name} =`) })
      .first();

  it('is asked in the menu of a variable, and goes to where it was written', async () => {
    const { workbench } = lab;
    const { page } = workbench;
    const editor = await workbench.openFile('kernel/syscall.c');
    await editor.clickGutter(await lab.lineOf('kernel/syscall.c', 'if (number < sizeof(syscalls)'));
    await workbench.start();
    await workbench.stopped(/syscall/);
    const here = await stoppedLine();
    await eventually('the members of p', async () => {
      if (await seen(variable('state'), 1000)) return true;
      await variable('p').click({ timeout: PALETTE });
      await page.keyboard.press('ArrowRight');
      return seen(variable('state'), PALETTE);
    });
    await variable('state').click({ button: 'right' });
    const entry = page.locator('.monaco-menu .action-item').filter({ hasText: 'Who Wrote This?' });
    await entry.waitFor();
    await lab.picture('who-wrote-menu');
    await entry.click();
    const there = await lab.lineOf('kernel/sched.c', 'p->state = RUNNING;');
    await workbench.see(
      'the call stack',
      () => workbench.callStack(),
      new RegExp(`last write of p->state: runnable → running[^]*\\srun\\ssched.c\\s${there}:\\d+\\sscheduler`, 'i'),
    );
    await workbench.see('the status bar', place, /before the present/);
    await lab.picture('who-wrote');
    await workbench.command('xv6: Go Back to the Instant Visited Before');
    await eventually('the present', async () => (await place()) === '');
    assert.equal(await stoppedLine(), here);
    await workbench.command('xv6: Go Forward to the Instant Visited After');
    await workbench.see('the status bar', place, /before the present/);
    assert.match(await stoppedLine(), /sched\.c/);
    await lab.picture('who-wrote-forward');
  });
});
