/** A text editor of VS Code's workbench, as a person uses it. */
import type { Locator, Page } from 'playwright-core';
import { boxOf, eventually, PALETTE, seen } from './patience';

/** One open text editor. */
export class Editor {
  constructor(
    private readonly page: Page,
    private readonly root: Locator,
  ) {}

  /** Scrolls a line to the middle of the view, with "Go to Line", and puts the cursor there. */
  async goTo(line: number): Promise<void> {
    const input = this.page.locator('.quick-input-widget:visible input[type="text"]');
    const active = this.root.locator('.margin .active-line-number').filter({ hasText: new RegExp(`^${line}$`) });
    // An editor that another file's stop opens, or a view that opens late, takes the focus and closes the input again.
    await eventually(`the cursor is on line ${line}`, async () => {
      await this.root.locator('textarea, .native-edit-context').first().focus();
      await this.page.keyboard.press('Control+G');
      if (!(await seen(input, PALETTE))) return false;
      await input.fill(`:${line}`, { timeout: PALETTE }).catch(() => undefined);
      await this.page.keyboard.press('Enter');
      return seen(active, PALETTE);
    });
  }

  /** Clicks left of the line's number, where breakpoints are, and waits for the dot beside that number. */
  async clickGutter(line: number): Promise<void> {
    await this.goTo(line);
    const number = await boxOf(this.lineNumber(line));
    const margin = await boxOf(this.root.locator('.margin').first());
    const at = { x: margin.x + 10, y: number.y + number.height / 2 };
    await this.page.mouse.move(at.x, at.y);
    await this.page.mouse.click(at.x, at.y);
    await eventually(`a breakpoint's dot beside line ${line}`, async () => {
      const row = await boxOf(this.lineNumber(line));
      const dots = this.root.locator('.codicon-debug-breakpoint, .codicon-debug-breakpoint-unverified');
      const boxes = await Promise.all((await dots.all()).map((dot) => dot.boundingBox({ timeout: PALETTE })));
      return boxes.some(
        (box) => box !== null && Math.abs(box.y + box.height / 2 - row.y - row.height / 2) < row.height,
      );
    });
  }

  /** Holds the mouse over a word on a line. Returns the hover that opens. */
  async hover(line: number, word: string): Promise<Locator> {
    await this.goTo(line);
    const hover = this.page.locator('.debug-hover-widget:visible, .monaco-hover:visible').first();
    // The editor may scroll in the meantime, so that the mouse is no longer over the word: then try again.
    await eventually(`a hover over "${word}" on line ${line}`, async () => {
      const at = await this.place(line, word);
      if (!at) return false;
      await this.page.mouse.move(at.x, at.y + 60);
      await this.page.mouse.move(at.x, at.y, { steps: 5 });
      return seen(hover, 4000);
    });
    return hover;
  }

  /** The screen position of the first occurrence of a word on a line; undefined while the line does not show it. */
  private async place(line: number, word: string): Promise<{ x: number; y: number } | undefined> {
    const number = await boxOf(this.lineNumber(line));
    return this.root.evaluate(
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
  }

  /** Puts text in front of a line, and saves. */
  async insertBefore(line: number, text: string): Promise<void> {
    await this.goTo(line);
    await this.page.keyboard.press('Home');
    await this.page.keyboard.press('Home');
    await this.page.keyboard.type(text);
    await this.page.keyboard.press('Escape');
    await this.page.keyboard.press('Control+S');
    const unsaved = this.page.locator('.tabs-container .tab.active.dirty');
    await eventually('the file is saved', async () => (await unsaved.count()) === 0);
  }

  private lineNumber(line: number): Locator {
    return this.root.locator('.margin .line-numbers').filter({ hasText: new RegExp(`^${line}$`) });
  }
}
