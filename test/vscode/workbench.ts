/**
 * VS Code's workbench as a person at the screen has it: keys, clicks and what can be read. Every wait is for something
 * that can be seen.
 */
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Locator, Page } from 'playwright-core';

const SECONDS = 1000;

export class Workbench {
  constructor(readonly page: Page) {}

  /** Waits until the window takes commands and its extensions have started. */
  async ready(): Promise<void> {
    await this.page.locator('.monaco-workbench .part.statusbar').waitFor({ timeout: 60 * SECONDS });
    await this.page
      .locator('.explorer-folders-view .monaco-list-row')
      .first()
      .waitFor({ timeout: 60 * SECONDS });
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
    await this.page.keyboard.press('F1');
    await this.choose(`>${title}`, title);
  }

  /** Opens a file of the folder by its relative path, by Quick Open. */
  async openFile(path: string): Promise<void> {
    const name = path.split('/').at(-1)!;
    await this.page.keyboard.press('Control+P');
    await this.choose(path, name);
    await this.editor(name).waitFor({ timeout: 20 * SECONDS });
  }

  /** Types into the open quick input and takes the first row that has the label. */
  private async choose(text: string, label: string): Promise<void> {
    const widget = this.page.locator('.quick-input-widget:visible');
    await widget.locator('input[type="text"]').fill(text);
    const row = widget.locator('.monaco-list-row').filter({ hasText: label }).first();
    await row.click({ timeout: 20 * SECONDS });
    await widget.waitFor({ state: 'hidden' });
  }

  /** The active editor, once it shows the file of that name. */
  editor(name: string): Locator {
    return this.page.locator(`.editor-instance[aria-label*="${name}"], .editor-instance:has([data-uri$="/${name}"])`);
  }
}
