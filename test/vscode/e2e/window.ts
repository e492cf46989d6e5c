/**
 * Shared by these specs: one server and browser for all of them, labs to open, and for each failure a picture and, in the
 * error, what was seen in the window.
 */
import { mkdtemp, mkdir, rm, writeFile, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../../../scripts/run.mjs';
import { copySample } from '../../../scripts/sample.mjs';
import { Host, type WindowOptions } from '../host';
import type { Workbench } from '../workbench';

export const screenshots = join(root, 'out', 'screenshots');

/** A launch configuration of the prebuilt sample, which needs no build. */
export const PREBUILT = {
  name: 'prebuilt',
  kernel: '${workspaceFolder}/prebuilt/kernel',
  disk: '${workspaceFolder}/prebuilt/fs.img',
  legacyVirtio: false,
  build: '',
};

let starting: Promise<Host> | undefined;

/** The server and browser of this run; started on first use. */
export function host(): Promise<Host> {
  return (starting ??= Host.start({ XV6_TEST_COUNTS: process.env['XV6_TEST_COUNTS'] ?? '' }));
}

// Outside every `describe`, so after the last of them.
after(async () => (await starting)?.stop());

/** A new lab for a `describe`, and a window on it for all of its tests. */
export class LabWindow {
  folder = '';
  workbench!: Workbench;

  /**
   * @param configuration of the only entry in launch.json; with none there is no launch.json
   * @param options of the window, which is taller than most, so that whole lists are visible
   */
  constructor(
    private readonly configuration?: object,
    private readonly options: Omit<WindowOptions, 'folder'> = {},
  ) {}

  /** Registers the hooks of the enclosing `describe`. */
  use(): this {
    before(async () => {
      this.folder = join(await mkdtemp(join(tmpdir(), 'xv6-lab-')), 'xv6-sample');
      await copySample(this.folder);
      if (this.configuration) {
        await mkdir(join(this.folder, '.vscode'));
        const launch = {
          version: '0.2.0',
          configurations: [{ type: 'xv6', request: 'launch', ...this.configuration }],
        };
        await writeFile(join(this.folder, '.vscode', 'launch.json'), JSON.stringify(launch));
      }
      this.workbench = await (await host()).open({ height: 1400, folder: this.folder, ...this.options });
    });
    const picture = (title: string) => this.picture(join('failed', title.replace(/\W+/g, '-')));
    const look = () => this.workbench.whatIsSeen();
    afterEach(async function () {
      const test = this.currentTest;
      if (test?.state !== 'failed') return;
      await picture(test.title);
      const seen = await look();
      // Mocha's reporter prints the stack, which begins with the message, when all tests are over.
      if (test.err) test.err.stack = `${test.err.stack ?? test.err.message}\n${seen}`;
    });
    after(async () => {
      await this.workbench?.close();
      await rm(join(this.folder, '..'), { recursive: true, force: true });
    });
    return this;
  }

  /** Takes a picture of a state that is worth seeing. */
  async picture(name: string): Promise<void> {
    await this.workbench.screenshot(join(screenshots, `${name}.png`));
  }

  /** Number of the first line of a file that has these words. */
  async lineOf(path: string, words: string): Promise<number> {
    const lines = (await readFile(join(this.folder, path), 'utf8')).split('\n');
    const at = lines.findIndex((line) => line.includes(words));
    if (at < 0) throw new Error(`${path} has no line with ${words}`);
    return at + 1;
  }
}
