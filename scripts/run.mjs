// Runs other programs, for the scripts beside this one. Uses only Node's own modules: it runs before `npm ci`.
import { spawn, spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');

/** An error that ends a script with one line for the person who started it, without a stack trace. */
export class Stop extends Error {}

/** Runs a program with our output and no input; throws `Stop` if it fails. */
export async function run(command, args, options = {}) {
  const status = await exitStatus(command, args, options);
  if (status !== 0) throw new Stop(`"${[command, ...args].join(' ')}" failed (${status})`);
}

/** Runs a program with our output and no input. Returns its exit status, or the name of the signal that ended it. */
export function exitStatus(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], ...options });
    child.on('error', (error) => reject(new Stop(`cannot start ${command}: ${error.message}`)));
    child.on('close', (status, signal) => resolve(status ?? signal));
  });
}

/** Runs a program silently; throws `Stop` with its output if it fails. */
export function runQuietly(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], ...options });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.on('error', (error) => reject(new Stop(`cannot start ${command}: ${error.message}`)));
    child.on('close', (status, signal) => {
      if (status === 0) resolve(output);
      else reject(new Stop(`"${[command, ...args].join(' ')}" failed (${status ?? signal}):\n${output.slice(-4000)}`));
    });
  });
}

/** Runs a program silently. True if it ends with status 0. */
export function succeeds(command, args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

/** The first of these commands that is on the PATH, as a full path. */
export function findOnPath(...commands) {
  for (const command of commands) {
    for (const folder of (process.env.PATH ?? '').split(delimiter)) {
      const path = join(folder, command);
      if (folder && isExecutable(path)) return path;
    }
  }
  return undefined;
}

export function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Runs the body of a script. A `Stop` becomes one line on stderr and exit status 1. */
export async function main(body) {
  try {
    await body();
  } catch (error) {
    if (!(error instanceof Stop)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}
