/** The page-table panel in real VS Code: its forms, in light, dark and high contrast, and what is done with an entry. */
import assert from 'node:assert/strict';
import { LabWindow, PREBUILT } from './window';

const THEMES = { light: 'Light Modern', 'high-contrast': 'Dark High Contrast', dark: 'Dark Modern' } as const;

describe('the page-table panel', function () {
  this.timeout(300_000);
  const lab = new LabWindow(PREBUILT, { width: 1280, height: 800 }).use();
  const panel = () => lab.workbench.pageTable();
  const form = async (name: string): Promise<void> => panel().getByRole('radio', { name }).click();

  /** A picture in each theme. */
  async function pictures(name: string): Promise<void> {
    await lab.workbench.command('Notifications: Clear All Notifications');
    for (const [kind, theme] of Object.entries(THEMES)) {
      await lab.workbench.theme(theme);
      await panel().locator(`body.vscode-${kind}`).waitFor();
      await lab.picture(`${name}-${kind}`);
    }
  }

  it('shows a process’s table, with the bits of the entry that is chosen', async () => {
    const { workbench } = lab;
    await workbench.start();
    await workbench.prompt();
    const editor = await workbench.openFile('kernel/vm.c');
    await editor.clickGutter(await lab.lineOf('kernel/vm.c', '*pte = PA2PTE'));
    await workbench.terminalLine('ls');
    await workbench.stopped(/paused on breakpoint/i);
    // Room for both at 1280 by 800.
    await workbench.page.keyboard.press('Control+j');
    await workbench.page.keyboard.press('Control+b');
    await workbench.command('xv6: Show Page Table');
    await panel().getByRole('tree').waitFor();
    await panel().getByLabel('Page table to show').selectOption('pid:2');
    await panel()
      .getByRole('treeitem', { name: /level 0 entry 1; 0x1000 to/ })
      .click();
    await panel().getByRole('button', { name: 'U user' }).waitFor();
    await pictures('panel-tree');
  });

  it('lights up the way of an address that is hovered in the editor', async () => {
    const { workbench } = lab;
    const editor = await workbench.editor('kernel/vm.c');
    await editor.hover(await lab.lineOf('kernel/vm.c', '*pte = PA2PTE'), 'pagetable');
    await workbench.see(
      'the way',
      async () => (await panel().locator('.notice').allInnerTexts()).join(),
      /pagetable is 0x/,
    );
    await workbench.page.keyboard.press('Escape');
  });

  it('draws the kernel’s address space and a process’s', async () => {
    await form('Drawing');
    await panel()
      .getByRole('option', { name: /^user stack/ })
      .click();
    await pictures('panel-drawing-process');
    await panel().getByLabel('Page table to show').selectOption('kernel');
    await panel()
      .getByRole('option', { name: /64 × kernel stack/ })
      .waitFor();
    await pictures('panel-drawing-kernel');
  });

  it('shows what Meltdown could have seen', async () => {
    await panel()
      .getByRole('button', { name: /Meltdown/ })
      .click();
    await panel()
      .getByRole('heading', { name: /Without a separate kernel table/ })
      .waitFor();
    await pictures('panel-meltdown');
    await panel()
      .getByRole('button', { name: /Meltdown/ })
      .click();
  });

  it('shows whose each frame is', async () => {
    await form('Physical');
    await panel()
      .getByRole('option', { name: /user stack/ })
      .first()
      .click();
    await pictures('panel-physical');
  });

  it('compares with another table', async () => {
    const { workbench } = lab;
    await form('Tree');
    await panel().getByLabel('Page table to show').selectOption('pid:2');
    await panel()
      .getByRole('button', { name: /Compare with another/ })
      .click();
    await workbench.page.locator('.quick-input-widget:visible').getByText('pid 1 init', { exact: true }).click();
    await panel()
      .getByText(/Compared with pid 1 init: \d+ entries differ/)
      .waitFor();
    await pictures('panel-difference');
    await panel()
      .getByRole('button', { name: /Compare with nothing/ })
      .click();
  });

  it('changes a bit of an entry, and stops when the kernel changes it', async () => {
    const { workbench } = lab;
    await panel().getByLabel('Page table to show').selectOption('pid:2');
    await panel()
      .getByRole('treeitem', { name: /level 0 entry 1; 0x1000 to/ })
      .click();
    const value = panel().getByLabel('Value of the entry');
    const before = BigInt(await value.inputValue());
    await panel().getByRole('button', { name: 'RSW0' }).click();
    await workbench.see('the value', () => value.inputValue(), new RegExp(`^0x${(before | 0x100n).toString(16)}$`));
    await panel()
      .getByRole('button', { name: /Break when this entry changes/ })
      .click();
    await panel()
      .getByRole('button', { name: /Do not break when this entry changes/ })
      .waitFor();
    assert.equal(await panel().locator('.row .codicon-debug-breakpoint-data').count(), 1);
    await workbench.command('Debug: Stop');
  });
});
