/** A student's first hour with the sample lab: without a launch.json, with a compiler. */
import assert from 'node:assert/strict';
import { LabWindow } from './window';

describe('F5 in the sample lab', function () {
  this.timeout(300_000);
  const lab = new LabWindow().use();

  it('builds it, and gives a shell in a terminal that answers ls', async () => {
    const { workbench } = lab;
    await workbench.openFile('kernel/sysproc.c');
    await workbench.start();
    await workbench.prompt();
    await workbench.terminalLine('ls');
    const listing = await workbench.terminalShows(/README[\s\S]*labtests[^\n]*\n\$$/);
    assert.match(listing, /^- \d+ +\d+ +README$/m);
    await lab.picture('shell');
  });

  it('a second F5 leaves the running machine alone and says so', async () => {
    const { workbench } = lab;
    await workbench.command('Debug: Start Debugging');
    assert.match(await workbench.notification(/still running/), /goes on undisturbed/);
    await workbench.command('Notifications: Clear All Notifications');
    await workbench.terminalLine('echo still here');
    await workbench.terminalShows(/\nstill here\n\$$/);
  });

  it('stops at a breakpoint that a click in the gutter set, with the call stack in C', async () => {
    const { workbench } = lab;
    const line = await lab.lineOf('kernel/syscall.c', 'struct proc *p = myproc()');
    const editor = await workbench.openFile('kernel/syscall.c');
    await editor.clickGutter(line);
    await workbench.terminalLine('echo');
    await workbench.stopped(/paused on breakpoint[\s\S]*syscall[\s\S]*usertrap/i);
    await lab.picture('breakpoint');
  });

  it('a hover over a pointer translates it', async () => {
    const { workbench } = lab;
    await workbench.page.keyboard.press('F10');
    await workbench.stopped(/paused on step/i);
    const editor = await workbench.editor('kernel/syscall.c');
    const hover = await editor.hover(await lab.lineOf('kernel/syscall.c', 'uint64 number = p->'), 'p');
    // What the value consists of comes a moment later than the value itself.
    await workbench.see('the hover', () => hover.innerText(), /0x[\da-f]+[\s\S]*level 0/);
    await lab.picture('hover');
    await workbench.page.keyboard.press('Escape');
  });

  it('Processes says what each does; a click shows its stack, and one can be waited for', async () => {
    const { workbench } = lab;
    const init = (await workbench.processes()).filter({ hasText: 'init' });
    await workbench.see('the process', () => init.innerText(), /1 init\s*sleeping on &proc\[0\]/);
    await init.click();
    await workbench.see('the call stack', () => workbench.callStack(), /pid 1 init[\s\S]*sched/);
    await init.hover();
    await init.getByRole('button', { name: 'Break When It Next Runs', exact: true }).click();
    await workbench.see('the process', () => init.innerText(), /awaited/);
    await lab.picture('processes');
    await init.hover();
    await init.getByRole('button', { name: 'Do Not Break When It Next Runs' }).click();
    await workbench.see('the process', () => init.innerText(), /wait channel of pid 1$/);
  });

  it('Show Page Table draws the tree, with what each region is', async () => {
    const { workbench } = lab;
    await workbench.command('xv6: Show Page Table');
    const tree = workbench.pageTable().getByRole('tree', { name: 'Page table' });
    await tree.waitFor();
    await workbench.see('the page table', () => tree.innerText(), /PLIC[\s\S]*RAM/);
    await lab.picture('page-table');
    await workbench.pageTable().getByRole('searchbox').fill('trampoline');
    const found = await workbench.see('the page table', () => tree.innerText(), /trampoline/);
    assert.match(found, /0x3ffffff000/);
    assert.match(found, /V\s*R\s*-\s*X/);
    await workbench.command('Remove All Breakpoints');
    await workbench.page.keyboard.press('F5');
    await workbench.command('Debug: Stop');
    await workbench.pageTable().getByText('The session has ended').waitFor();
    await workbench.command('View: Close All Editors');
  });

  it('after an edit, a restart rebuilds, and the kernel says the new words', async () => {
    const { workbench } = lab;
    await workbench.openFile('kernel/main.c');
    await workbench.start();
    await workbench.prompt();
    const editor = await workbench.openFile('kernel/main.c');
    await editor.insertBefore(await lab.lineOf('kernel/main.c', 'kinit('), 'printf("edited by hand\\n");\n');
    await workbench.command('Debug: Restart');
    await workbench.terminalShows(/edited by hand[\s\S]*\n\$$/);
    await lab.picture('restarted');
    await workbench.command('Debug: Stop');
  });

  it('what make says is wrong stands in Problems, and nothing boots', async () => {
    const { workbench } = lab;
    const editor = await workbench.openFile('kernel/main.c');
    await editor.insertBefore(await lab.lineOf('kernel/main.c', 'edited by hand'), 'missing_name = 1;\n');
    await workbench.start();
    await workbench.answer('Show Errors');
    assert.match(await workbench.problems(/missing_name/), /undeclared/);
    await lab.picture('problems');
  });
});
