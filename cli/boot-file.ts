/** `--warm-start`: a boot in a file, to go on from, or to be saved there for the next time. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { type BootRecorder, SavedBoot } from '../emulator/history/warm-start';
import type { Machine } from '../emulator/machine';
import { isPrivateFolder, makePrivateFolder } from '../host/private-folder';
import { reason } from '../host/reason';
import { readRegular } from '../host/regular-file';
import { replaceFile } from '../host/replace-file';
import { UsageError } from './command-line/option-values';

export class BootFile {
  constructor(
    private readonly file: string,
    private readonly machine: Machine,
    private readonly recorder: BootRecorder,
  ) {}

  /** Puts the machine, at power on, where the saved boot ended; what that wrote to the console, or undefined if there is none. */
  goOn(): Uint8Array | undefined {
    if (!fs.existsSync(this.file)) return undefined;
    this.checkFolder();
    try {
      const begun = new SavedBoot(readRegular(this.file)).restoreBoot(this.machine);
      if (begun) this.recorder.discard();
      return begun?.console;
    } catch {
      // A damaged file is overwritten when this boot is at its end.
      return undefined;
    }
  }

  /** To be called after output: saves the boot once it is at its end. Throws UsageError if it cannot be written. */
  look(): void {
    if (!this.recorder.isComplete(this.machine)) return;
    try {
      makePrivateFolder(path.dirname(this.file));
      this.checkFolder();
      replaceFile(this.file, this.recorder.save(this.machine), 0o600);
    } catch (error) {
      if (error instanceof UsageError) throw error;
      throw new UsageError(`--warm-start ${path.dirname(this.file)}: the boot cannot be saved (${reason(error)})`);
    }
  }

  /** A saved boot becomes the machine: one that another user has made is not trusted. */
  private checkFolder(): void {
    const folder = path.dirname(this.file);
    if (isPrivateFolder(folder)) return;
    throw new UsageError(
      `--warm-start ${folder}: it must be a folder of yours to which no other may write (chmod go-w)`,
    );
  }
}
