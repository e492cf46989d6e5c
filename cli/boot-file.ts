/** `--warm-start`: a boot in a file, to go on from, or to be saved there for the next time. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { type BootRecorder, SavedBoot } from '../emulator/history/warm-start';
import type { Machine } from '../emulator/machine';
import { UsageError } from './option-values';
import { reason } from './reason';

export class BootFile {
  constructor(
    private readonly file: string,
    private readonly machine: Machine,
    private readonly recorder: BootRecorder,
  ) {}

  /** Puts the machine, at power on, where the saved boot ended; what that wrote to the console, or undefined if there is none. */
  goOn(): Uint8Array | undefined {
    if (!fs.existsSync(this.file)) return undefined;
    try {
      const begun = new SavedBoot(fs.readFileSync(this.file)).restoreBoot(this.machine);
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
    const beside = `${this.file}.${process.pid}`;
    try {
      fs.mkdirSync(path.dirname(this.file), { recursive: true });
      fs.writeFileSync(beside, this.recorder.save(this.machine), { mode: 0o600 });
      fs.renameSync(beside, this.file);
    } catch (error) {
      throw new UsageError(`--warm-start ${path.dirname(this.file)}: the boot cannot be saved (${reason(error)})`);
    }
  }
}
