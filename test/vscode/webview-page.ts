/**
 * A webview's page alone in a browser, without VS Code: for what concerns the page only, such as axe, scrolling and pictures. It has the
 * bundle from dist/, the HTML that the extension gives it, a content security policy as strict, and the colours of a theme.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';
import { pageHtml } from '../../extension/views/page-html';
import { root } from '../../scripts/run.mjs';
import { chromium as chromiumPath } from '../../scripts/system-packages.mjs';

const ORIGIN = 'http://webview.test';

/** The default themes of VS Code: the variables that the views use, as it sets them on a webview's root element. */
export const THEMES = ['dark', 'light', 'high-contrast', 'high-contrast-light'] as const;
export type Theme = (typeof THEMES)[number];

const colours = JSON.parse(readFileSync(join(__dirname, 'themes.json'), 'utf8')) as Record<Theme, object>;

/** What VS Code gives a page. A text: what builds the tests adds calls to functions that the page does not have. */
const VS_CODE = `
  let state;
  window.sent = [];
  window.acquireVsCodeApi = () => ({
    postMessage: (message) => window.sent.push(message),
    getState: () => state,
    setState: (next) => (state = next),
  });
`;

/** What a page has sent to the extension, and its state: on `window`. */
interface PageWindow {
  sent: unknown[];
}

export const startBrowser = (): Promise<Browser> => {
  const executablePath = chromiumPath();
  if (!executablePath) throw new Error('no chromium on the PATH; install it, or name it in CHROMIUM');
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--no-first-run'] });
};

/** Opens the page of `webviews/<name>/`, and waits until it is ready. What its console says as an error fails it. */
export async function openWebview(
  browser: Browser,
  name: string,
  { theme = 'dark', width = 720, height = 800 }: { theme?: Theme; width?: number; height?: number } = {},
): Promise<Page> {
  const page = await browser.newPage({ viewport: { width, height } });
  page.on('pageerror', (error) => {
    throw error;
  });
  const files: Record<string, string> = { js: 'text/javascript', css: 'text/css', ttf: 'font/ttf' };
  await page.route(`${ORIGIN}/**`, async (route) => {
    const file = new URL(route.request().url()).pathname.slice(1);
    const contentType = files[file.slice(file.lastIndexOf('.') + 1)];
    if (contentType === undefined) await route.fulfill({ contentType: 'text/html', body: pageOf(name) });
    else await route.fulfill({ contentType, path: join(root, 'dist', 'webviews', file) });
  });
  await page.addInitScript({ content: VS_CODE });
  await page.goto(`${ORIGIN}/`);
  await page.evaluate(
    ([variables, kind]) => {
      for (const [variable, value] of Object.entries(variables))
        document.documentElement.style.setProperty(variable, value);
      document.body.className = `vscode-${kind}`;
      document.body.style.background = 'var(--vscode-editor-background)';
    },
    [colours[theme] as Record<string, string>, theme] as const,
  );
  await page.waitForFunction(() => (window as unknown as PageWindow).sent.length > 0);
  return page;
}

/** The extension sends something to the page. */
export const tell = (page: Page, message: unknown): Promise<void> =>
  page.evaluate(async (sent) => {
    window.postMessage(sent, '*');
    for (let frame = 0; frame < 3; frame++) await new Promise((resolve) => requestAnimationFrame(resolve));
  }, message);

/** What the page has sent to the extension. */
export const sentBy = (page: Page): Promise<unknown[]> => page.evaluate(() => (window as unknown as PageWindow).sent);

const pageOf = (name: string): string =>
  pageHtml({
    ...{ name, title: name, address: (file) => `/${file}` },
    policy: [`script-src ${ORIGIN}`, `style-src ${ORIGIN}`, `font-src ${ORIGIN}`],
  });
