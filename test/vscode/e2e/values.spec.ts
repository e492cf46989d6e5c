/** Values, completions, the disassembly and jumps in VS Code, from the adapter's responses. */
import { LabWindow, PREBUILT } from './window';

describe('values at a stop', function () {
  this.timeout(300_000);
  const lab = new LabWindow(PREBUILT).use();

  it('stand at the ends of the lines that name them', async () => {
    const { workbench } = lab;
    const line = await lab.lineOf('kernel/vm.c', 'pte_t *pte = walk(pagetable, va + offset, 1);');
    const editor = await workbench.openFile('kernel/vm.c');
    await editor.clickGutter(line);
    await workbench.start();
    await workbench.stopped(/mappages[\s\S]*kvmmap/);
    const text = async (): Promise<string> =>
      (await workbench.page.locator('.editor-instance .view-lines').first().innerText()).replaceAll('\u00a0', ' ');
    await workbench.see(
      'the editor',
      text,
      /walk\(pagetable, va \+ offset, 1\);\s*pagetable = 0x8[\da-f]{7}, va = 0x10000000, offset = 0/,
    );
    await lab.picture('inline-values');
  });

  it('are completed and changed in the debug console', async () => {
    const { workbench } = lab;
    const { page } = workbench;
    await workbench.command('Debug Console: Focus on Debug Console View');
    await page.keyboard.type('proc[0].xst');
    await page.keyboard.press('Control+Space');
    const widget = page.locator('.suggest-widget.visible .monaco-list-row');
    await workbench.see('the suggestions', async () => (await widget.allInnerTexts()).join('\n'), /xstate/);
    await lab.picture('completions');
    await page.keyboard.press('Tab');
    await page.keyboard.type(' = 1234');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Enter');
    const console_ = async (): Promise<string> =>
      (await page.locator('.repl .monaco-list-rows').first().innerText()).trim();
    await workbench.see('the debug console', console_, /proc\[0\]\.xstate = 1234[\s\S]*1234/);
  });

  it('lie in code that the Disassembly view shows with its source', async () => {
    const { workbench } = lab;
    const rows = workbench.page.locator('.disassembly-view');
    // While VS Code reloads the stack after the assignment, no frame has the focus and the command does nothing.
    for (let attempt = 0; attempt < 3 && (await rows.count()) === 0; attempt++) {
      await workbench.command('Open Disassembly View');
      await rows
        .first()
        .waitFor({ timeout: 5000 })
        .catch(() => undefined);
    }
    await workbench.see(
      'the disassembly',
      async () => (await rows.allInnerTexts()).join('\n'),
      /walk\(pagetable[\s\S]*jalr ra/,
    );
    await lab.picture('disassembly-view');
  });

  it('go on from another line of the function', async () => {
    const { workbench } = lab;
    await workbench.command('View: Close Editor');
    const editor = await workbench.editor('kernel/vm.c');
    await editor.goTo(await lab.lineOf('kernel/vm.c', 'panic("mappages: remap")'));
    await workbench.command('Debug: Jump to Cursor');
    await workbench.stopped(/paused on goto[\s\S]*mappages/i);
    await lab.picture('jumped');
    await workbench.command('Debug: Stop');
  });
});
