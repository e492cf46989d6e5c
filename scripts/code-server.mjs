// The real workbench of VS Code in a browser: installs the pinned code-server once into .vscode-test/, from the npm registry
// alone, and starts it on a loopback port. Its own install script needs a release site, so this does the necessary steps one
// by one: VS Code's dependencies, the native modules that a server needs, the link in place of the asar archive that only the
// desktop has, and the system's ripgrep.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findOnPath, root, runQuietly, Stop } from './run.mjs';
import { ensurePackages, forCodeServer } from './system-packages.mjs';

const VERSION = '4.100.3';
const home = join(root, '.vscode-test', `code-server-${VERSION}`);
const packageFolder = join(home, 'node_modules', 'code-server');
const entry = join(packageFolder, 'out', 'node', 'entry.js');
const readyMark = join(home, 'ready');

/** The headers of this Node, so that node-gyp does not download them. */
function nodeHeaders() {
  const prefix = dirname(dirname(process.execPath));
  return existsSync(join(prefix, 'include', 'node', 'node_version.h')) ? { npm_config_nodedir: prefix } : {};
}

/** Installs this version of code-server for this Node unless it is there; takes about two minutes. */
export async function ensureCodeServer() {
  const mark = `${VERSION} node ${process.versions.modules}`;
  if (existsSync(readyMark) && (await readFile(readyMark, 'utf8')) === mark) return;
  await ensurePackages(forCodeServer);
  console.log(`Installing code-server ${VERSION} (VS Code in a browser; once, about two minutes) …`);
  await rm(home, { recursive: true, force: true });
  await mkdir(home, { recursive: true });
  await writeFile(join(home, 'package.json'), '{ "private": true }\n');

  const env = { ...process.env, ...nodeHeaders(), npm_config_build_from_source: 'true' };
  const npm = (cwd, ...args) => runQuietly('npm', [...args, '--no-audit', '--no-fund'], { cwd, env });
  const vscode = join(packageFolder, 'lib', 'vscode');
  await npm(home, 'install', '--ignore-scripts', '--no-package-lock', `code-server@${VERSION}`);
  await npm(vscode, 'install', '--ignore-scripts', '--omit=dev');
  await Promise.all([
    npm(home, 'rebuild', 'argon2'),
    npm(vscode, 'rebuild', '@vscode/spdlog', 'native-watchdog').then(() => rebuildTerminal(npm, vscode)),
  ]);
  await symlink('node_modules', join(vscode, 'node_modules.asar'));
  const ripgrep = join(vscode, 'node_modules', '@vscode', 'ripgrep', 'bin');
  await mkdir(ripgrep, { recursive: true });
  await symlink(findOnPath('rg'), join(ripgrep, 'rg'));
  await writeFile(readyMark, mark);
}

/** Builds node-pty, which then fails in a step that only a development checkout can do. */
async function rebuildTerminal(npm, vscode) {
  try {
    await npm(vscode, 'rebuild', 'node-pty');
  } catch (error) {
    if (!existsSync(join(vscode, 'node_modules', 'node-pty', 'build', 'Release', 'pty.node'))) throw error;
  }
}

/** A port on which nothing listens now. */
export async function freePort() {
  const probe = createServer();
  await new Promise((resolve, reject) => probe.once('error', reject).listen(0, '127.0.0.1', resolve));
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

function commandLine(dataFolder) {
  return [
    entry,
    ...['--config', join(dataFolder, 'config.yaml')],
    ...['--user-data-dir', join(dataFolder, 'user')],
    ...['--extensions-dir', join(dataFolder, 'extensions')],
  ];
}

/** Installs a .vsix for the servers that use `dataFolder`. */
export async function installExtension(dataFolder, vsix) {
  await mkdir(join(dataFolder, 'extensions'), { recursive: true });
  await writeFile(join(dataFolder, 'config.yaml'), 'auth: none\n');
  await runQuietly(process.execPath, [...commandLine(dataFolder), '--install-extension', vsix, '--force']);
}

/**
 * Starts a server that only this machine can reach.
 * @param {{ dataFolder: string, folder?: string, settings?: object, env?: object }} options settings: VS Code's, for the
 *   user; folder: what it opens when the address names none
 * @returns {Promise<{ url: string, port: number, log: () => string, closed: Promise<void>, stop: () => Promise<void> }>}
 */
export async function startCodeServer({ dataFolder, folder, settings, env = {} }) {
  const userFolder = join(dataFolder, 'user', 'User');
  await mkdir(userFolder, { recursive: true });
  await writeFile(join(dataFolder, 'config.yaml'), 'auth: none\n');
  if (settings) await writeFile(join(userFolder, 'settings.json'), JSON.stringify(settings, undefined, 2));

  const port = await freePort();
  const flags = ['telemetry', 'update-check', 'workspace-trust', 'getting-started-override'].map(
    (f) => `--disable-${f}`,
  );
  const args = [...commandLine(dataFolder), '--bind-addr', `127.0.0.1:${port}`, ...flags];
  if (folder) args.push(folder);
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    env: { ...process.env, ...env, VSCODE_IPC_HOOK_CLI: '', PORT: '' },
  });
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (output += chunk));
  let over = false;
  const closed = new Promise((resolve) => child.once('close', resolve)).then(() => void (over = true));
  const stop = async () => {
    if (over) return;
    signal(child.pid, 'SIGTERM');
    const ended = await Promise.race([closed.then(() => true), delay(5000, false)]);
    if (!ended) signal(child.pid, 'SIGKILL');
    await closed;
  };

  const url = `http://127.0.0.1:${port}/`;
  const deadline = Date.now() + 60_000;
  while (!(await answers(url))) {
    if (over) throw new Stop(`code-server ended at once:\n${output}`);
    if (Date.now() > deadline) {
      await stop();
      throw new Stop(`code-server does not answer at ${url}:\n${output}`);
    }
    await delay(100);
  }
  return { url, port, log: () => output, closed, stop };
}

/** Signals the server's process group: the server, and the extension hosts and adapters that it started. */
function signal(pid, name) {
  try {
    process.kill(-pid, name);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

async function answers(url) {
  try {
    return (await fetch(`${url}healthz`)).ok;
  } catch {
    return false;
  }
}
