/** Files that are there whole or not at all. */
import * as fs from 'node:fs';

/** Writes beside the file and then renames. Throws the system's errors; what was there is then left as it was. */
export function replaceFile(file: string, bytes: Uint8Array, mode?: number): void {
  const beside = `${file}.${crypto.randomUUID()}`;
  try {
    fs.writeFileSync(beside, bytes, { flag: 'wx', mode });
    fs.renameSync(beside, file);
  } catch (error) {
    fs.rmSync(beside, { force: true });
    throw error;
  }
}
