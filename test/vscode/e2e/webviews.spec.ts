/** The webviews' pages alone in a browser: axe-core finds nothing against them in any theme, and the keyboard does all that a mouse can. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import type { ExposureModel, FramesModel, PageTableModel, Story } from '../../../debug-adapter/protocol';
import { root } from '../../../scripts/run.mjs';
import { model as timeline } from '../../../webviews/timeline/testing/model';
import { kernelWithBug, TestSession } from '../../adapter/support';
import { openWebview, sentBy, startBrowser, tell, type Theme, THEMES } from '../webview-page';

const AXE = readFileSync(join(root, 'node_modules', 'axe-core', 'axe.min.js'), 'utf8');

/** The part of axe's results that is looked at. */
interface AxeResults {
  violations: { id: string; nodes: { html: string; failureSummary?: string }[] }[];
}

/** What the views show: of the sample, and of a panic in it. */
interface Shown {
  table: PageTableModel;
  user: PageTableModel;
  compared: PageTableModel;
  frames: FramesModel;
  exposure: ExposureModel;
  story: Story;
}

async function withSession<T>(work: (session: TestSession) => Promise<T>): Promise<T> {
  const session = await TestSession.open();
  try {
    return await work(session);
  } finally {
    await session.stop();
  }
}

async function shown(): Promise<Shown> {
  const tables = await withSession(async (session) => {
    await session.boot({ functions: ['sys_exec'] });
    await session.stopped();
    const pteAddress = (await session.ask('xv6.translate', { expression: '0', root: 'pid:2' })).translation!.steps.at(
      -1,
    )!.pteAddress;
    await session.ask('xv6.watchEntry', { pteAddress, label: 'entry', on: true });
    return {
      table: await session.ask('xv6.pageTable', {}),
      user: await session.ask('xv6.pageTable', { root: 'pid:2' }),
      compared: await session.ask('xv6.pageTable', { root: 'pid:2', compare: { root: 'pid:1' } }),
      frames: await session.ask('xv6.frames', {}),
      exposure: await session.ask('xv6.exposure', { root: 'pid:2' }),
    };
  });
  const story = await withSession(async (session) => {
    await session.boot({ kernel: kernelWithBug(42), filters: ['panic', 'kernel-trap'] });
    await session.stopped();
    return (await session.ask('xv6.story', {})).story;
  });
  assert.ok(story);
  return { ...tables, story };
}

/** What axe has against a page: each thing once, with the first element that it is about. */
async function problemsOf(page: Page): Promise<string[]> {
  if (await page.evaluate('window.axe === undefined')) await page.evaluate(AXE);
  const { violations } = (await page.evaluate('axe.run(document, { resultTypes: ["violations"] })')) as AxeResults;
  const found = new Map<string, string>();
  for (const { id, nodes } of violations) {
    for (const { html, failureSummary = '' } of nodes) {
      const why = failureSummary.split('\n').at(1)?.trim() ?? '';
      if (!found.has(`${id} ${why}`)) found.set(`${id} ${why}`, `${id}: ${html.slice(0, 120)}: ${why}`);
    }
  }
  return [...found.values()];
}

describe('the pages of the webviews', function () {
  this.timeout(120_000);
  let browser: Browser;
  let models: Shown;

  before(async () => {
    models = await shown();
    browser = await startBrowser();
  });
  after(() => browser?.close());

  const open = async (name: string, theme: Theme = 'dark', width?: number): Promise<Page> =>
    openWebview(browser, name, { theme, ...(width !== undefined && { width }) });

  async function pageTable(theme?: Theme, model = models.user): Promise<Page> {
    const page = await open('page-table', theme);
    await tell(page, { type: 'model', model });
    await tell(page, { type: 'frames', model: models.frames });
    await tell(page, { type: 'exposure', model: models.exposure });
    return page;
  }

  const form = (page: Page, name: string): Promise<void> => page.getByRole('radio', { name }).click();

  const forms: [string, (page: Page) => Promise<unknown>][] = [
    ['the tree', (page) => page.getByRole('treeitem', { name: /level 0 entry 0/ }).click()],
    ['the whole kernel table', (page) => tell(page, { type: 'model', model: models.table })],
    ['a comparison', (page) => tell(page, { type: 'model', model: models.compared })],
    [
      'the way of an address',
      (page) => tell(page, { type: 'path', va: '0x1000', words: 'p is 0x1000 → PA 0x87f5e000' }),
    ],
    [
      'the drawing',
      async (page) => {
        await form(page, 'Drawing');
        await page.getByRole('option', { name: /^trampoline/ }).click();
      },
    ],
    [
      'Meltdown’s view',
      async (page) => {
        await form(page, 'Drawing');
        await page.getByRole('button', { name: /Meltdown/ }).click();
      },
    ],
    [
      'the physical view',
      async (page) => {
        await form(page, 'Physical');
        await page
          .getByRole('option', { name: /user stack/ })
          .first()
          .click();
      },
    ],
  ];

  for (const theme of THEMES) {
    it(`axe finds nothing against any form of the page table, ${theme}`, async () => {
      const page = await pageTable(theme);
      const problems: Record<string, string[]> = {};
      for (const [what, prepare] of forms) {
        await prepare(page);
        const found = await problemsOf(page);
        if (found.length > 0) problems[what] = found;
      }
      assert.deepEqual(problems, {});
      await page.close();
    });

    it(`axe finds nothing against the Stop view, ${theme}`, async () => {
      const page = await open('story', theme, 400);
      await tell(page, { type: 'story', story: models.story });
      assert.deepEqual(await problemsOf(page), []);
      await page.close();
    });

    it(`axe finds nothing against the timeline, ${theme}`, async () => {
      const page = await open('timeline', theme, 1000);
      await tell(page, { type: 'model', model: timeline });
      assert.deepEqual(await problemsOf(page), []);
      await page.close();
    });
  }

  it('the tree is walked by keys, and its entry changed and watched', async () => {
    const page = await pageTable();
    await page.getByRole('tree').focus();
    for (const key of ['Home', 'ArrowDown', 'ArrowDown']) await page.keyboard.press(key);
    const leaf = page.locator('.row.active');
    assert.match((await leaf.locator('.spoken').textContent())!, /^level 0 entry 0; 0x0 to 0xfff;.*user text/);
    await page.keyboard.press('F9');
    await page.getByRole('button', { name: 'W write' }).press('Enter');
    const address = (await page.getByLabel('Value of the entry').inputValue()).toLowerCase();
    const sent = (await sentBy(page)) as { type: string; pte?: string; pteAddress?: string; on?: boolean }[];
    const [watch, set] = [sent.find(({ type }) => type === 'watch'), sent.find(({ type }) => type === 'set')];
    assert.equal(watch?.on, false, 'it was watched');
    assert.equal(BigInt(set!.pte!), BigInt(address) ^ 4n);
    assert.equal(set!.pteAddress, watch!.pteAddress);
    // The debugger tells of the table again, in which the entry is another one.
    const written = JSON.parse(JSON.stringify(models.user).replace(`"${address}"`, `"${set!.pte!}"`)) as PageTableModel;
    await tell(page, { type: 'model', model: written });
    assert.equal(await page.getByLabel('Value of the entry').inputValue(), set!.pte!);
    await page.close();
  });

  it('the drawing is walked by keys: what repeats unfolds, and a box leads to its entry', async () => {
    const page = await pageTable('dark', models.table);
    await page.getByRole('radio', { name: 'Tree' }).focus();
    await page.keyboard.press('ArrowRight');
    await page.getByRole('listbox').focus();
    for (const key of ['Home', 'ArrowDown', 'ArrowDown']) await page.keyboard.press(key);
    assert.match((await page.locator('.box.active title').textContent())!, /64 × kernel stack and guard page/);
    const before = await page.getByRole('option').count();
    await page.keyboard.press('Enter');
    assert.equal(await page.getByRole('option').count(), before + 128);
    await page.keyboard.press('ArrowLeft');
    assert.equal(await page.getByRole('option').count(), before);
    await page.keyboard.press('Home');
    await page.keyboard.press('Enter');
    assert.match((await page.locator('.row.active .spoken').textContent())!, /0x3ffffff000 to .*trampoline/);
    await page.close();
  });

  it('a hovered address is lit up in the tree, whatever is folded', async () => {
    const page = await pageTable('dark', models.table);
    await tell(page, { type: 'path', va: '0x80405000', words: 'pa is 0x80405000' });
    const lit = page.locator('.row.lit');
    assert.deepEqual(await lit.locator('.index').allInnerTexts(), ['2', '1–62']);
    await page.getByText('pa is 0x80405000').waitFor();
    // Of another table that would be another matter.
    await tell(page, { type: 'model', model: models.user });
    assert.deepEqual([await lit.count(), await page.getByText('pa is 0x80405000').count()], [0, 0]);
    await page.close();
  });

  it('what a search finds is reached from it by a key, and left again', async () => {
    const page = await pageTable();
    await page.keyboard.press('Control+f');
    await page.keyboard.type('trap frame');
    await page.keyboard.press('ArrowDown');
    for (const key of ['ArrowDown', 'ArrowDown']) await page.keyboard.press(key);
    assert.match((await page.locator('.row.active .spoken').textContent())!, /trap frame/);
    await page.getByRole('searchbox').press('Escape');
    assert.equal(await page.getByRole('searchbox').inputValue(), '');
    await page.close();
  });

  it('a frame leads to where it is mapped, in another table too', async () => {
    const page = await pageTable();
    await form(page, 'Physical');
    await page.getByRole('searchbox').fill('pid 1 user stack');
    await page.getByRole('searchbox').press('Enter');
    await page.keyboard.press('Enter');
    assert.deepEqual(((await sentBy(page)) as object[]).at(-1), { type: 'root', root: 'pid:1' });
    const other = { ...models.user, shown: models.user.roots.find(({ id }) => id === 'pid:1')! };
    await tell(page, { type: 'model', model: other });
    await page.getByRole('tree').waitFor();
    assert.match((await page.locator('.row.active .spoken').textContent())!, /0x2000 to/);
    await page.close();
  });
});
