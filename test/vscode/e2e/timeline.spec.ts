/** The timeline: what it shows, a click into the past, the keyboard, and the colours of themes. */
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../patience';
import { LabWindow, PREBUILT } from './window';

describe('the timeline', function () {
  this.timeout(300_000);
  const lab = new LabWindow(PREBUILT).use();
  const frame = () => lab.workbench.page.frameLocator('iframe.webview.ready').frameLocator('#active-frame');
  const place = async (): Promise<string> =>
    (await lab.workbench.page.locator('[id$="xv6.past"]').allInnerTexts()).join('');
  const text = (selector: string) => async (): Promise<string> =>
    (await frame().locator(selector).allInnerTexts()).join('\n');
  /** Nothing is hatched, and nothing is being read. */
  const isRead = async (): Promise<boolean> => (await frame().locator('.notice').innerText()).trim() === '';

  it('shows a run from power on to now, and a click in it leads there', async () => {
    const { workbench } = lab;
    const { page } = workbench;
    await workbench.start();
    await workbench.prompt();
    await workbench.terminalLine('ls');
    await workbench.terminalShows(/README[^]*\$$/);
    await page.keyboard.press('F6');
    await workbench.stopped();
    assert.equal(await place(), '');
    await workbench.command('xv6: Show Timeline');
    await workbench.see('the lanes', text('.labels'), /Hart 0\s+Hart 1\s+Hart 2\s+Traps\s+satp\s+Console\s+Stops/);
    await eventually('all of the run is read', isRead);
    await lab.picture('timeline');
    const canvas = frame().locator('canvas');
    const { width, height } = (await canvas.boundingBox())!;
    assert.ok(width > 200 && height > 150);
    await canvas.hover({ position: { x: width * 0.3, y: 24 + 10 } });
    await workbench.see('the hover', text('.hover'), /^Hart 0: .* · [\d.,]+ m?s to [\d.,]+ m?s$/);
    await canvas.click({ position: { x: width * 0.3, y: 24 + 10 } });
    await workbench.see('the status bar', place, /before the present/);
    // What is drawn on a canvas has no text to wait for.
    await delay(700);
    await lab.picture('timeline-past');
  });

  it('is gone through by the keyboard, which says what is chosen', async () => {
    const { workbench } = lab;
    const { page } = workbench;
    const before = await place();
    await frame().locator('.lanes').focus();
    for (let i = 0; i < 8; i++) await page.keyboard.press('ArrowUp');
    for (let i = 0; i < 5; i++) await page.keyboard.press('ArrowDown');
    const chosen = frame().locator('[role=option][aria-selected=true]');
    assert.equal(await chosen.innerText(), 'Console');
    await page.keyboard.press('ArrowRight');
    for (let i = 0; i < 60; i++) await page.keyboard.press('ArrowLeft');
    const label = async (): Promise<string> => (await chosen.getAttribute('aria-label')) ?? '';
    await workbench.see('the chosen entry', label, /^Console: .*is booting.* · at/);
    await page.keyboard.press('Enter');
    await workbench.see('the call stack', () => workbench.callStack(), /uart|cons|printf/);
    await workbench.see(
      'the status bar',
      async () => ((await place()) === before ? '' : place()),
      /before the present/,
    );
    // VS Code gives the focus to the editor where the machine stops.
    await frame().locator('.lanes').focus();
    for (let i = 0; i < 12; i++) await page.keyboard.press('+');
    await eventually('what is shown now is read', isRead);
    await lab.picture('timeline-zoomed');
    await page.keyboard.press('0');
  });

  for (const theme of ['Light Modern', 'Dark High Contrast']) {
    it(`is drawn in the colours of ${theme}`, async () => {
      const { workbench } = lab;
      await workbench.theme(theme);
      await eventually('all of the run is read', isRead);
      await lab.picture(`timeline-${theme.toLowerCase().replaceAll(' ', '-')}`);
    });
  }

  it('says when the machine runs', async () => {
    const { workbench } = lab;
    await workbench.page.locator('.action-label.codicon-debug-continue:visible').first().click();
    await workbench.see('the notice', text('.notice'), /^Running/);
  });
});
