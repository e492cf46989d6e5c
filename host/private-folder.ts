/** Folders for what is trusted later, such as a saved boot: nobody else may put anything there. */
import * as fs from 'node:fs';

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
