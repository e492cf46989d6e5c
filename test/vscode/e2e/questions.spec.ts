/** Questions to the past where a person asks them: in the menu of a variable, and in the debug console. */
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
    await eventually('the stop before', async () => (await stoppedLine()) === here);
    await workbench.command('xv6: Go Forward to the Instant Visited After');
    await workbench.see('the status bar', place, /before the present/);
    await workbench.see('the call stack', stoppedLine, /sched\.c/);
    await lab.picture('who-wrote-forward');
  });

  it('is asked in the debug console, which unfolds what was found and goes there', async () => {
    const { workbench } = lab;
    const { page } = workbench;
    await workbench.command('Debug Console: Focus on Debug Console View');
    await page.keyboard.type('$calls(kalloc)');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Enter');
    const rows = page.locator('.repl .monaco-list-row');
    const text = async (): Promise<string> => (await rows.allInnerTexts()).join('\n');
    await workbench.see('the debug console', text, /calls? of kalloc/i);
    await rows.last().click();
    await page.keyboard.press('ArrowRight');
    await workbench.see('the rows of the answer', text, /kalloc\(\)/);
    await lab.picture('calls-in-console');
    await workbench.command('Debug Console: Focus on Debug Console View');
    await page.keyboard.type('$go(1)');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Enter');
    await workbench.see('the call stack', () => workbench.callStack(), /\skalloc\s/);
    const variables = async (): Promise<string> =>
      (await page.locator('.debug-variables .monaco-list-row').allInnerTexts()).join('\n');
    await workbench.see('the variables', variables, /Locals[^]*Registers/);
    await workbench.see('the status bar', place, /before the present/);
    await lab.picture('calls-gone-to');
    await workbench.command('Debug: Stop');
  });
});
