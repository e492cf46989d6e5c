/** User programs: breakpoints in the shell, and steps into the kernel and back. */
import { LabWindow, PREBUILT } from './window';

describe('a user program', function () {
  this.timeout(300_000);
  // Tall enough for the stacks of two programs and of the other harts.
  const lab = new LabWindow(PREBUILT, { height: 2000 }).use();

  it('has a breakpoint set before it runs, and stops there with its own stack', async () => {
    const { workbench } = lab;
    const line = await lab.lineOf('user/sh.c', 'int pid = fork();');
    const editor = await workbench.openFile('user/sh.c');
    await editor.clickGutter(line);
    await workbench.start();
    await workbench.prompt();
    await workbench.terminalLine('cat README');
    await workbench.stopped(/paused on breakpoint[\s\S]*pipeline[\s\S]*sh\.c[\s\S]*main[\s\S]*start/i);
    await lab.picture('user-breakpoint');
    await workbench.command('Remove All Breakpoints');
  });

  it('is stepped from its call of read into sys_read, with one stack for both, and back', async () => {
    const { workbench } = lab;
    const editor = await workbench.openFile('user/cat.c');
    await editor.clickGutter(await lab.lineOf('user/cat.c', 'while ((n = read('));
    await workbench.command('Debug: Continue');
    await workbench.stopped(/paused on breakpoint[\s\S]*cat\.c/i);
    await workbench.command('Remove All Breakpoints');

    await workbench.command('Debug: Step Into');
    await workbench.stopped(/paused on step[\s\S]*read[\s\S]*usys\.S[\s\S]*cat[\s\S]*cat\.c/i);
    await workbench.command('Debug: Step Into');
    const stack = () => workbench.callStack();
    await workbench.see('the call stack', stack, /sys_read[\s\S]*syscall[\s\S]*usertrap[\s\S]*usys\.S[\s\S]*cat\.c/);
    await lab.picture('across-the-border');

    await workbench.command('Debug: Step Out');
    await workbench.see('the call stack', stack, /paused on step(?![\s\S]*sys_read)[\s\S]*usys\.S[\s\S]*cat\.c/i);
    await workbench.command('Debug: Step Out');
    await workbench.see('the call stack', stack, /paused on step(?![\s\S]*usys\.S)[\s\S]*cat\.c/i);
    await lab.picture('back-in-the-program');
    await workbench.command('Debug: Continue');
    await workbench.terminalShows(/memlayout\.h and kernel\/proc\.h[\s\S]*\n\$$/);
    await workbench.command('Debug: Stop');
  });
});
