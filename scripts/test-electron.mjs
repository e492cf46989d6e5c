// `npm run test:electron`: the suite of test/vscode/suite in desktop VS Code: the one that VSCODE names (its executable), else
// the one that @vscode/test-electron downloads into .vscode-test/ (VSCODE_VERSION, or the latest). Where there is none to be
// had, and where there is no display, the same suite runs in code-server.
import { join } from 'node:path';
import { ensureCodeServer } from './code-server.mjs';
import { ensureInstalled } from './install.mjs';
import { findOnPath, isExecutable, main, root, run, Stop } from './run.mjs';
import { ensurePackages, forTests } from './system-packages.mjs';
import { bundleSuite, withLab } from './vscode-suite.mjs';

class NoDesktop extends Error {}

async function desktop(electron) {
  const named = process.env.VSCODE;
  if (named && !isExecutable(named)) throw new Stop(`VSCODE is ${named}, which cannot be run`);
  const hasDisplay = process.platform !== 'linux' || process.env.DISPLAY || process.env.WAYLAND_DISPLAY;
  if (!hasDisplay) throw new NoDesktop('there is no display; install xvfb for one that is not shown');
  if (named) return named;
  const version = process.env.VSCODE_VERSION ?? 'stable';
  try {
    return await electron.downloadAndUnzipVSCode({ version, cachePath: join(root, '.vscode-test') });
  } catch (error) {
    throw new NoDesktop(`VS Code cannot be downloaded: ${error.message}`);
  }
}

async function inDesktop() {
  const electron = await import('@vscode/test-electron');
  const vscodeExecutablePath = await desktop(electron);
  const extensionTestsPath = await bundleSuite();
  await withLab(async (folder, lab) => {
    const own = ['user-data', 'extensions'].map((name) => `--${name}-dir=${join(folder, name)}`);
    const extensionTestsEnv = { XDG_CACHE_HOME: join(folder, 'cache') };
    const launchArgs = [lab, ...own];
    const what = {
      vscodeExecutablePath,
      extensionDevelopmentPath: root,
      extensionTestsPath,
      extensionTestsEnv,
      launchArgs,
    };
    await electron.runTests(what).catch((error) => {
      throw new Stop(error.message);
    });
  });
}

async function inCodeServer() {
  await ensurePackages(forTests);
  await ensureCodeServer();
  const spec = join('test', 'vscode', 'e2e', 'extension-host.spec.ts');
  const mocha = join('node_modules', 'mocha', 'bin', 'mocha.js');
  await run('node', [mocha, '--reporter', 'test/reporter.ts', spec]);
}

/** Runs this script again where windows have a screen, though nobody sees it; false if that cannot be had or is not needed. */
async function onHiddenDisplay() {
  const xvfb = findOnPath('xvfb-run');
  if (process.platform !== 'linux' || process.env.DISPLAY || process.env.WAYLAND_DISPLAY || !xvfb) return false;
  await run(xvfb, ['-a', process.execPath, join(root, 'scripts', 'test-electron.mjs')]);
  return true;
}

await main(async () => {
  if (await onHiddenDisplay()) return;
  await ensureInstalled();
  await run('node', ['esbuild.mjs']);
  try {
    await inDesktop();
  } catch (error) {
    if (!(error instanceof NoDesktop)) throw error;
    console.log(`No desktop VS Code (${error.message}). The suite runs in code-server:`);
    await inCodeServer();
  }
});
