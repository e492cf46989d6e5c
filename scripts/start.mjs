// `npm start`: installs, builds, and opens VS Code with this extension and a copy of the sample lab, ready for F5. Desktop
// VS Code where `code` is on the PATH, else code-server in the browser.
import { mkdir, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ensureCodeServer, installExtension, startCodeServer } from './code-server.mjs';
import { ensureInstalled } from './install.mjs';
import { copySample } from './sample.mjs';
import { findOnPath, main, root, run, runQuietly } from './run.mjs';

const home = join(root, '.vscode-test', 'start');
const lab = join(home, 'xv6-sample');

/** Without a launch.json, VS Code asks for a debugger on F5 until a C file is open. */
const launch = { version: '0.2.0', configurations: [{ type: 'xv6', request: 'launch', name: 'Debug xv6' }] };

/** Keeps the copy from an earlier start, with the user's edits. */
async function ensureLab() {
  if (existsSync(lab)) return;
  await copySample(lab);
  await mkdir(join(lab, '.vscode'));
  await writeFile(join(lab, '.vscode', 'launch.json'), `${JSON.stringify(launch, undefined, 2)}\n`);
}

async function openBrowserEdition() {
  await ensureCodeServer();
  const vsix = join(home, 'xv6-debug.vsix');
  await runQuietly('npm', ['run', 'package', '--', '--out', vsix]);
  await installExtension(home, vsix);
  const settings = { 'security.workspace.trust.enabled': false, 'workbench.startupEditor': 'none' };
  const server = await startCodeServer({ dataFolder: home, folder: lab, settings });
  console.log(`\nVS Code is at ${server.url} with ${lab}\nPress F5 there. Ctrl-C here ends it.`);
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void server.stop());
  await server.closed;
}

await main(async () => {
  await ensureInstalled();
  await run('node', ['esbuild.mjs']);
  await ensureLab();
  const code = findOnPath('code');
  if (code) await run(code, [`--extensionDevelopmentPath=${root}`, lab]);
  else await openBrowserEdition();
});
