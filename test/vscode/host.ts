/**
 * Real VS Code for the tests: one code-server and one system Chromium, and windows in them. A window has the extension from
 * this checkout (its `dist/`), or runs a test suite in its extension host.
 */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { format } from 'node:util';
import { chromium, type Browser, type Page } from 'playwright-core';
import { ensureCodeServer, installExtension, startCodeServer } from '../../scripts/code-server.mjs';
import { root } from '../../scripts/run.mjs';
import { chromium as chromiumPath } from '../../scripts/system-packages.mjs';
import { Workbench } from './workbench';

/** Settings of every window: no animations, questions or greetings; the terminal as text in the page. */
const settings = {
  'debug.toolBarLocation': 'docked',
  'extensions.autoUpdate': false,
  'files.simpleDialog.enable': true,
  'git.enabled': false,
  'security.workspace.trust.enabled': false,
  'telemetry.telemetryLevel': 'off',
  'terminal.integrated.gpuAcceleration': 'off',
  'terminal.integrated.enablePersistentSessions': false,
  'window.dialogStyle': 'custom',
  'workbench.enableExperiments': false,
  'workbench.reduceMotion': 'on',
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
};

export interface WindowOptions {
  /** What the window opens. */
  folder: string;
  /** Use only what `install` has installed, and not this checkout's extension. */
  installedOnly?: boolean;
  /** Pixels; default 1440 by 900. */
  width?: number;
  height?: number;
}

export interface SuiteResult {
  /** The result of the suite's `run()`: 0 if every test passed. */
  exitCode: number;
  /** Its console output. */
  log: string;
}

type Server = Awaited<ReturnType<typeof startCodeServer>>;

export class Host {
  private constructor(
    private readonly dataFolder: string,
    private readonly server: Server,
    private readonly browser: Browser,
  ) {}

  /** @param env variables for the extension host and what it starts */
  static async start(env: Record<string, string> = {}): Promise<Host> {
    await ensureCodeServer();
    const executablePath = chromiumPath();
    if (!executablePath) throw new Error('no chromium on the PATH; install it, or name it in CHROMIUM');
    const dataFolder = await mkdtemp(join(tmpdir(), 'xv6-debug-vscode-'));
    // Boots that are saved are those of this run.
    const own = { XDG_CACHE_HOME: join(dataFolder, 'cache') };
    const server = await startCodeServer({ dataFolder, settings, env: { ...own, ...env } });
    try {
      const browser = await chromium.launch({
        executablePath,
        args: [
          '--no-sandbox',
          '--disable-gpu',
          '--disable-quic',
          '--no-first-run',
          '--disable-background-networking',
          '--disable-component-update',
          '--disable-sync',
        ],
      });
      return new Host(dataFolder, server, browser);
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    await this.browser.close();
    await this.server.stop();
    await rm(this.dataFolder, { recursive: true, force: true });
  }

  /** The server's output. */
  log(): string {
    return this.server.log();
  }

  /** Installs a .vsix of our extension for the windows opened from now on. Returns the folder it is in. */
  async install(vsix: string): Promise<string> {
    await installExtension(this.dataFolder, vsix);
    const extensions = join(this.dataFolder, 'extensions');
    const ours = (await readdir(extensions)).find((name) => name.startsWith('xv6-debug.'));
    if (ours === undefined) throw new Error(`${vsix} was not installed into ${extensions}`);
    return join(extensions, ours);
  }

  /** Opens a window as a user would, ready for use. */
  async open(options: WindowOptions): Promise<Workbench> {
    const page = await this.newPage(options);
    await page.goto(this.address(options, []), { waitUntil: 'domcontentloaded' });
    const workbench = new Workbench(page);
    await workbench.ready();
    return workbench;
  }

  /** Runs `run()` of a module in the extension host of a new window. */
  async runSuite(options: WindowOptions & { suite: string; timeoutSeconds: number }): Promise<SuiteResult> {
    const page = await this.newPage(options);
    const lines: string[] = [];
    await page.exposeFunction('codeAutomationLog', (_type: string, args: unknown[]) => {
      lines.push(format(...args));
    });
    const exit = new Promise<number>((resolve) => {
      void page.exposeFunction('codeAutomationExit', (code: number) => resolve(code));
    });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      const words = `the suite did not end within ${options.timeoutSeconds} s`;
      timer = setTimeout(() => reject(new Error(`${words}:\n${lines.join('\n')}`)), options.timeoutSeconds * 1000);
    });
    try {
      const tests = ['extensionTestsPath', this.remote(options.suite)] as const;
      await page.goto(this.address(options, [tests]), { waitUntil: 'domcontentloaded' });
      const exitCode = await Promise.race([exit, late]);
      return { exitCode, log: lines.join('\n') };
    } finally {
      clearTimeout(timer);
      await page.context().close();
    }
  }

  private async newPage({ width = 1440, height = 900 }: WindowOptions): Promise<Page> {
    const context = await this.browser.newContext({ viewport: { width, height } });
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    return context.newPage();
  }

  private remote(path: string): string {
    return `vscode-remote://127.0.0.1:${this.server.port}${path}`;
  }

  private address(options: WindowOptions, payload: (readonly [string, string])[]): string {
    const development = ['extensionDevelopmentPath', this.remote(root)] as const;
    const all = options.installedOnly ? payload : [development, ...payload];
    const query = new URLSearchParams({ folder: options.folder, payload: JSON.stringify(all) });
    return `${this.server.url}?${query}`;
  }
}
