/** The filters of the Breakpoints view, and the stop that a planted bug causes. */
import assert from 'node:assert/strict';
import { LabWindow } from './window';

const prebuilt = (kernel: string) => ({
  name: kernel,
  kernel: `\${workspaceFolder}/prebuilt/${kernel}`,
  disk: '${workspaceFolder}/prebuilt/fs.img',
  legacyVirtio: false,
  build: '',
});

describe('stops that the Breakpoints view asks for', function () {
  this.timeout(300_000);
  const lab = new LabWindow(prebuilt('kernel')).use();

  it('a write to satp stops, and says which table comes', async () => {
    const { workbench } = lab;
    await workbench.start();
    await workbench.prompt();
    await workbench.exceptionFilter('satp Write', true);
    await workbench.terminalLine('echo');
    const words = await workbench.exception();
    assert.match(words, /satp/);
    assert.match(words, /0x8[\da-f]+/);
    await lab.picture('satp-write');
    await workbench.exceptionFilter('satp Write', false);
    await workbench.command('Debug: Continue');
  });

  it('a page fault of a user program stops, and the call stack says which', async () => {
    const { workbench } = lab;
    await workbench.exceptionFilter('Page Fault', true);
    await workbench.command('xv6: Show Console');
    await workbench.terminalLine('pagefault null');
    const stack = () => workbench.callStack();
    await workbench.see('the call stack', stack, /store page fault at 0x0 \(user mode, pid \d+/i);
    await lab.picture('page-fault');
    await workbench.command('Debug: Stop');
  });
});

describe('a kernel that writes an address into satp', function () {
  this.timeout(300_000);
  const lab = new LabWindow({ ...prebuilt('bugs/kernel-15'), stopOnEntry: true }).use();

  it('stops at the kernel trap, with the satp that caused it', async () => {
    const { workbench } = lab;
    await workbench.start();
    await workbench.stopped();
    await workbench.exceptionFilter('Kernel Trap', true);
    await workbench.command('Debug: Continue');
    const words = await workbench.exception();
    assert.match(words, /instruction access fault/);
    assert.match(words, /satp's PPN field is 0x[\da-f]+, itself an address in RAM/);
    assert.match(await workbench.callStack(), /scheduler/);
    await lab.picture('kernel-trap');
    await workbench.command('Debug: Stop');
  });
});

describe('a kernel that forgets a page', function () {
  this.timeout(300_000);
  const lab = new LabWindow(prebuilt('bugs/kernel-14')).use();

  it('stops at its panic unasked, with the message', async () => {
    const { workbench } = lab;
    await workbench.start();
    await workbench.prompt();
    await workbench.terminalLine('ls');
    const words = await workbench.exception();
    assert.match(words, /panic: freewalk/i);
    assert.match(await workbench.callStack(), /freewalk/);
    await lab.picture('panic');
  });

  it('says in the Stop view which entry that is, and who wrote it; a link leads there', async () => {
    const { workbench } = lab;
    const { page } = workbench;
    // Unasked, and without the focus.
    const header = page.locator('.pane-header[aria-label^="Stop"]');
    await workbench.see('the Stop view', async () => (await header.getAttribute('aria-expanded')) ?? '', /true/);
    const frame = page.frameLocator('iframe.webview.ready').frameLocator('#active-frame');
    const text = async (): Promise<string> => (await frame.locator('.content').allInnerTexts()).join('\n');
    await workbench.see('the entry', text, /the entry for 0x3000 in the table of pid \d+ ls/);
    await workbench.see('who wrote it', text, /uvmalloc/);
    assert.equal(await frame.locator('.decides').count(), 1);
    for (const name of ['Variables', 'Watch', 'Loaded Scripts', 'Breakpoints'])
      await page.locator(`.pane-header[aria-label^="${name}"]`).click();
    for (const theme of ['Dark High Contrast', 'Light Modern']) {
      await workbench.theme(theme);
      // A webview has its colours a moment later than the window around it.
      const kind = async (): Promise<string> =>
        (await frame.locator('body').getAttribute('data-vscode-theme-kind')) ?? '';
      await workbench.see('the theme', kind, theme === 'Light Modern' ? /^vscode-light$/ : /^vscode-high-contrast$/);
      await lab.picture(`stop-view-${theme.toLowerCase().replaceAll(' ', '-')}`);
    }
    await frame.locator('.events [title="Go there"]').last().click();
    await workbench.see('the status bar', () => page.locator('[id$="xv6.past"]').innerText(), /before the present/);
    await workbench.see('the call stack there', () => workbench.callStack(), /kalloc|mappages|uvmalloc/);
    await workbench.see('the story still', text, /uvmalloc/);
    await lab.picture('stop-view-past');
    await workbench.command('Debug: Stop');
  });
});
