/**
 * VS Code's workbench as a person uses it: keys, clicks, and text on the screen. Every wait is for something visible; nothing
 * here queries the extension or the debugger directly.
 */
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { FrameLocator, Locator, Page } from 'playwright-core';

/** Time limit for building and booting a lab, on a busy machine. */
const LONG = 120_000;
const SHORT = 30_000;
/** Time limit for the command palette, which may close when something else takes the focus. */
const PALETTE = 8_000;

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
  async command(title: string): Promise<void> {
    // A webview that has just taken the focus may swallow the key, and a view that opens late closes the palette again.
    const input = this.page.locator('.quick-input-widget:visible input[type="text"]');
    for (const deadline = Date.now() + LONG; ;) {
      do await this.page.keyboard.press('F1');
      while (!(await seen(input, 3000)));
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

  /** Types a line into the active terminal. */
  async terminalLine(line: string): Promise<void> {
    await this.page.locator('.terminal-wrapper.active .xterm-screen').click();
    await this.page.keyboard.type(`${line}\n`);
  }

  /** Waits for the prompt of the guest's shell. */
  async prompt(): Promise<void> {
    await this.terminalShows(/\n?\$$/);
  }

  /**
   * Presses F5. While VS Code still activates extensions, it only opens the view, and a person would press again: the key has
   * worked once the status bar has an item for debugging.
   */
  async start(): Promise<void> {
    const item = this.page.locator('[id="status.debug"]');
    const deadline = Date.now() + LONG;
    do await this.page.keyboard.press('F5');
    while (!(await seen(item, 4000)) && Date.now() < deadline);
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
    if ((await header.getAttribute('aria-expanded')) === 'false') await header.click();
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
  }

  /** Waits for a notification that matches. Returns its text. */
  async notification(what: RegExp): Promise<string> {
    const text = async () => (await this.page.locator('.notification-list-item').allInnerTexts()).join('\n');
    return this.see('the notifications', text, what);
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
    const deadline = Date.now() + LONG;
    for (;;) {
      const text = await read();
      if (what.test(text)) return text;
      if (Date.now() > deadline) throw new Error(`waited in vain for ${what} in ${where}, which shows:\n${text}`);
      await this.page.waitForTimeout(50);
    }
  }
}

/** One open text editor. */
export class Editor {
  constructor(
    private readonly page: Page,
    private readonly root: Locator,
  ) {}

  /** Scrolls a line to the middle of the view, with "Go to Line". */
  async goTo(line: number): Promise<void> {
    await this.root.locator('textarea, .native-edit-context').first().focus();
    await this.page.keyboard.press('Control+G');
    const input = this.page.locator('.quick-input-widget:visible input[type="text"]');
    await input.fill(`:${line}`);
    await input.press('Enter');
    await this.lineNumber(line).waitFor();
  }

  /** Clicks left of the line's number, where breakpoints are, and waits for the dot. */
  async clickGutter(line: number): Promise<void> {
    await this.goTo(line);
    const number = await boxOf(this.lineNumber(line));
    const margin = await boxOf(this.root.locator('.margin').first());
    const at = { x: margin.x + 10, y: number.y + number.height / 2 };
    await this.page.mouse.move(at.x, at.y);
    await this.page.mouse.click(at.x, at.y);
    await this.root.locator('.codicon-debug-breakpoint, .codicon-debug-breakpoint-unverified').first().waitFor();
  }

  /** Holds the mouse over a word on a line. Returns the hover that opens. */
  async hover(line: number, word: string): Promise<Locator> {
    await this.goTo(line);
    const hover = this.page.locator('.debug-hover-widget:visible, .monaco-hover:visible').first();
    // The editor may scroll in the meantime, so that the mouse is no longer over the word: then try again.
    for (let attempt = 0; attempt < 5; attempt++) {
      const at = await this.place(line, word);
      await this.page.mouse.move(at.x, at.y + 60);
      await this.page.mouse.move(at.x, at.y, { steps: 5 });
      if (await seen(hover, 4000)) return hover;
    }
    throw new Error(`no hover opens over "${word}" on line ${line}`);
  }

  /** The screen position of the first occurrence of a word on a line. */
  private async place(line: number, word: string): Promise<{ x: number; y: number }> {
    const number = await boxOf(this.lineNumber(line));
    const at = await this.root.evaluate(
      (editor, [top, wanted]) => {
        const row = Array.from(editor.querySelectorAll('.view-line')).find(
          (candidate) => Math.abs(candidate.getBoundingClientRect().top - top) < 4,
        );
        const texts = row && document.createTreeWalker(row, NodeFilter.SHOW_TEXT);
        for (let node = texts?.nextNode(); node; node = texts?.nextNode()) {
          const from = node.textContent!.indexOf(wanted);
          if (from < 0) continue;
          const range = document.createRange();
          range.setStart(node, from);
          range.setEnd(node, from + wanted.length);
          const { x, y, width, height } = range.getBoundingClientRect();
          return { x: x + width / 2, y: y + height / 2 };
        }
        return undefined;
      },
      [number.y, word] as const,
    );
    if (!at) throw new Error(`line ${line} shows no "${word}"`);
    return at;
  }

  /** Puts text in front of a line, and saves. */
  async insertBefore(line: number, text: string): Promise<void> {
    await this.goTo(line);
    await this.page.keyboard.press('Home');
    await this.page.keyboard.press('Home');
    await this.page.keyboard.type(text);
    await this.page.keyboard.press('Escape');
    await this.page.keyboard.press('Control+S');
  }

  private lineNumber(line: number): Locator {
    return this.root.locator('.margin .line-numbers').filter({ hasText: new RegExp(`^${line}$`) });
  }
}

async function seen(locator: Locator, milliseconds: number): Promise<boolean> {
  return locator.waitFor({ timeout: milliseconds }).then(
    () => true,
    () => false,
  );
}

async function boxOf(locator: Locator): Promise<{ x: number; y: number; width: number; height: number }> {
  const box = await locator.boundingBox();
  if (!box) throw new Error(`${locator} is not on the screen`);
  return box;
}
