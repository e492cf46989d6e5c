/** Folders for what is trusted later, such as a saved boot: nobody else may put anything there. */
import * as fs from 'node:fs';
import { homedir } from 'node:os';
import * as path from 'node:path';

/** One of our folders, by its name, in the system's place for what can be made again; undefined for a user without a home. */
export function cacheFolder(name: string): string | undefined {
  const { XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
  try {
    return path.join(XDG_CACHE_HOME || LOCALAPPDATA || path.join(homedir(), '.cache'), 'xv6-debug', name);
  } catch {
    return undefined;
  }
}

/** Removes the oldest files of a folder until so many are left. Throws the system's errors. */
export function keepNewest(folder: string, count: number): void {
  const files = fs.readdirSync(folder).map((file) => path.join(folder, file));
  const latest = files.map((file) => ({ file, at: fs.statSync(file).mtimeMs })).sort((a, b) => b.at - a.at);
  for (const { file } of latest.slice(count)) fs.rmSync(file, { force: true });
}

/** Makes the folder if there is none. Throws the system's errors. */
export function makePrivateFolder(folder: string): void {
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
}

/** Whether the folder exists and can be looked at, belongs to this user, and no other may write to it. Windows has no such bits. */
export function isPrivateFolder(folder: string): boolean {
  if (process.getuid === undefined) return fs.existsSync(folder);
  try {
    const status = fs.lstatSync(folder);
    return status.isDirectory() && status.uid === process.getuid() && (status.mode & 0o022) === 0;
  } catch {
    return false;
  }
}
