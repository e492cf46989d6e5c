/**
 * VS Code's workbench as a person uses it: keys, clicks, and text on the screen. Every wait is for something visible, and no key
 * is pressed before that which is to receive it is ready; nothing here queries the extension or the debugger directly.
 */
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { FrameLocator, Locator, Page } from 'playwright-core';
import { Editor } from './editor';
import { comesTrue, eventually, LONG, PALETTE, seen, SHORT } from './patience';

export class Workbench {
  constructor(readonly page: Page) {
    page.setDefaultTimeout(SHORT);
  }

  /** Waits until the window takes commands and shows its folder. */
  async ready(): Promise<void> {
    await this.page.locator('.monaco-workbench .part.statusbar').waitFor({ timeout: LONG });
    await this.page.locator('.explorer-folders-view .monaco-list-row').first().waitFor({ timeout: LONG });
  }

  async screenshot(file: string): Promise<void> {
    await mkdir(dirname(file), { recursive: true });
    await this.page.screenshot({ path: file });
  }

  async close(): Promise<void> {
    await this.page.context().close();
  }

  /** Runs a command by its title in the command palette. */
  async command(title: string, limit = LONG): Promise<void> {
    // A webview that has just taken the focus may swallow the key, and a view that opens late closes the palette again.
    const input = this.page.locator('.quick-input-widget:visible input[type="text"]');
    for (const deadline = Date.now() + limit; ;) {
      do await this.page.keyboard.press('F1');
      while (!(await seen(input, 3000)) && Date.now() < deadline);
      try {
        return await this.choose(`>${title}`, title, PALETTE);
      } catch (error) {
        if (Date.now() > deadline) throw error;
      }
    }
  }

  /** A color theme by its name in the picker, such as "Dark Modern". */
  async theme(name: string): Promise<void> {
    await this.command('Preferences: Color Theme');
    await this.page.locator('.quick-input-widget:visible input[placeholder^="Select Color Theme"]').waitFor();
    await this.choose(name, name);
  }

  /** Opens a file of the folder by its relative path. Returns its editor. */
  async openFile(path: string): Promise<Editor> {
    const name = path.split('/').at(-1)!;
    // By the palette, since the guest's console would receive the key if it has the focus.
    await this.command('Go to File...');
    await this.choose(path, name);
    return this.editor(path);
  }

  /** The editor that shows a file, once it does. */
  async editor(path: string): Promise<Editor> {
    const editor = this.page.locator(`.editor-instance .monaco-editor[data-uri$="/${path}"]:visible`).first();
    await editor.locator('.view-line').first().waitFor();
    return new Editor(this.page, editor);
  }

  /** Types into the quick input that is open or opening, and chooses the first row with that label. */
  private async choose(text: string, label: string, timeout = SHORT): Promise<void> {
    const widget = this.page.locator('.quick-input-widget:visible');
    await widget.locator('input[type="text"]').fill(text, { timeout });
    await widget.locator('.monaco-list-row').filter({ hasText: label }).first().click({ timeout });
  }

  /** Text of the active terminal, row by row, without blank rows at the end. */
  async terminalText(): Promise<string> {
    const rows = await this.page.locator('.terminal-wrapper.active .xterm-rows > div').allInnerTexts();
    return rows
      .map((row) => row.replaceAll('\u00a0', ' ').trimEnd())
      .join('\n')
      .trimEnd();
  }

  /** Waits until the active terminal shows a text. Returns all that it shows. */
  async terminalShows(what: RegExp): Promise<string> {
    return this.see('the terminal', () => this.terminalText(), what);
  }

  /** Types a line into the active terminal, once the guest runs and the terminal takes keys. */
  async terminalLine(line: string): Promise<void> {
    await this.running();
    const terminal = this.page.locator('.terminal-wrapper.active');
    const hasFocus = async (): Promise<boolean> => (await terminal.locator('.xterm-helper-textarea:focus').count()) > 0;
    await eventually('the terminal has the focus', async () => {
      await terminal.locator('.xterm-screen').click();
      return hasFocus();
    });
    await this.page.keyboard.type(`${line}\n`);
    // A breakpoint that the line leads to gives the focus to an editor; then the call stack says so.
    if (!(await hasFocus()) && !/paused/i.test(await this.callStack()))
      throw new Error(`something took the focus while "${line}" was typed into the terminal`);
  }

  /** Waits until a session runs, and is not stopped. */
  async running(): Promise<void> {
    await this.see('the call stack', () => this.callStack(), /^(?![^]*paused)[^]*running/i);
  }

  /** Waits for the prompt of the guest's shell. */
  async prompt(): Promise<void> {
    await this.terminalShows(/(^|\n)\$$/);
  }

  /**
   * Presses F5. While VS Code still activates extensions, it only opens the view, and a person would press again: the key has
   * worked once the status bar has an item for debugging, or the call stack a session. VS Code does not add that item for a
   * session that begins in the window's first seconds, until its state changes.
   */
  async start(): Promise<void> {
    const item = this.page.locator('[id="status.debug"]');
    const started = async (): Promise<boolean> =>
      (await item.isVisible()) || /running|paused/i.test(await this.callStack());
    await eventually('F5 starts a session', async () => {
      await this.page.keyboard.press('F5');
      return comesTrue(started, PALETTE);
    });
  }

  /** Waits until the session has stopped. Returns the text of the call stack. */
  async stopped(reason?: RegExp): Promise<string> {
    await this.page.locator('.monaco-editor .debug-top-stack-frame-line').first().waitFor({ timeout: LONG });
    return this.see('the call stack', () => this.callStack(), reason ?? /paused/i);
  }

  /** The visible rows of the Call Stack view. */
  async callStack(): Promise<string> {
    return (await this.page.locator('.debug-call-stack').locator('..').locator('..').allInnerTexts()).join('\n');
  }

  /** The rows of the Processes view, which VS Code shows collapsed at first. */
  async processes(): Promise<Locator> {
    const pane = this.page.locator('.pane', { has: this.page.locator('h3:text-is("Processes")') });
    const header = pane.locator('.pane-header');
    await eventually('the Processes view is expanded', async () => {
      if ((await header.getAttribute('aria-expanded')) === 'false') await header.click();
      return (await header.getAttribute('aria-expanded')) === 'true';
    });
    return pane.locator('.monaco-list-row');
  }

  /**
   * The text of the box at the line of an exception stop. VS Code sometimes omits it when the file opens late; a click on the
   * frame shows it, as it does for a person.
   */
  async exception(): Promise<string> {
    const box = this.page.locator('.exception-widget');
    const frame = this.page.locator('.debug-call-stack .stack-frame').first();
    const deadline = Date.now() + LONG;
    for (;;) {
      try {
        await box.waitFor({ timeout: 10_000 });
        return await box.innerText();
      } catch (error) {
        if (Date.now() > deadline) throw error;
        if (await frame.isVisible()) await frame.click();
      }
    }
  }

  /** Ticks or clears one of the exception filters in the Breakpoints view. */
  async exceptionFilter(label: string, on: boolean): Promise<void> {
    const row = this.page.locator('.debug-breakpoints .monaco-list-row').filter({ hasText: label });
    const box = row.locator('input[type="checkbox"]');
    if ((await box.isChecked()) !== on) await box.click();
    await eventually(`the filter ${label} is ${on ? 'on' : 'off'}`, async () => (await box.isChecked()) === on);
  }

  /** Waits for a notification that matches. Returns its text. */
  async notification(what: RegExp): Promise<string> {
    return this.see('the notifications', () => this.notifications(), what);
  }

  /** Clicks a button of VS Code's dialog. */
  async answer(button: string): Promise<void> {
    await this.page.locator('.monaco-dialog-box').getByRole('button', { name: button }).click({ timeout: LONG });
  }

  /** Waits for a matching row of the Problems view. Returns all rows. */
  async problems(what: RegExp): Promise<string> {
    const text = async () => (await this.page.locator('.markers-panel .monaco-list-row').allInnerTexts()).join('\n');
    return this.see('the problems', text, what);
  }

  /** The contents of the page-table panel. */
  pageTable(): FrameLocator {
    return this.page.frameLocator('iframe.webview.ready').frameLocator('#active-frame');
  }

  /** Waits until the text read matches; the error has the last text. */
  async see(where: string, read: () => Promise<string>, what: RegExp): Promise<string> {
    let text = '';
    const matches = async (): Promise<boolean> => what.test((text = await read()));
    try {
      await eventually(`${what} in ${where}`, matches);
    } catch (error) {
      throw new Error(`${(error as Error).message}; it shows:\n${text}`);
    }
    return text;
  }

  /**
   * What a person would look at to find out why a test failed, for its error: what has the focus, which file is open, the call
   * stack, the notifications, the dialog, the terminal and the last lines of the debug console.
   */
  async whatIsSeen(): Promise<string> {
    const { page } = this;
    const texts = async (selector: string): Promise<string> =>
      (await page.locator(`${selector}:visible`).allInnerTexts()).join('\n');
    // The debug console comes last, as it takes the place of the terminal until the next test shows that again.
    const parts: [string, () => Promise<string>][] = [
      ['focus', () => page.locator('*:focus').first().evaluate(describeElement, undefined, { timeout: PALETTE })],
      ['editor', () => texts('.tabs-container .tab.active .label-name')],
      ['call stack', () => this.callStack()],
      ['notifications', () => this.notifications()],
      ['dialog', () => texts('.monaco-dialog-box')],
      ['terminal', () => this.terminalText()],
      ['debug console', () => this.debugConsole()],
    ];
    const lines: string[] = [];
    for (const [name, read] of parts) {
      const text = await read().catch((error: unknown) => `(cannot be read: ${String(error).split('\n')[0]})`);
      lines.push(
        `--- ${name}: ${text.trim() === '' ? 'nothing' : `\n${text.trim().split('\n').slice(-LAST).join('\n')}`}`,
      );
    }
    return lines.join('\n');
  }

  private async notifications(): Promise<string> {
    return (await this.page.locator('.notification-list-item').allInnerTexts()).join('\n');
  }

  /** The visible end of the debug console; the terminal is shown again afterwards. */
  private async debugConsole(): Promise<string> {
    await this.command('Debug Console: Focus on Debug Console View', PALETTE);
    const rows = this.page.locator('.repl .monaco-list-row');
    await seen(rows.first(), PALETTE);
    const text = (await rows.allInnerTexts()).join('\n');
    await this.command('Terminal: Focus on Terminal View', PALETTE);
    return text;
  }
}

/** Lines of each part of `whatIsSeen`. */
const LAST = 40;

/** Runs in the page. */
function describeElement(element: Element): string {
  const label = element.getAttribute('aria-label')?.split('\n')[0] ?? '';
  return `${element.tagName.toLowerCase()}.${element.className} "${label}"`;
}
