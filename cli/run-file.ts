/** `--record`, `--record-on-failure` and `--replay`: a recorded run as a file. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import {
  RecordingError,
  decodeRun,
  encodeRun,
  isRecordedRun,
  type RecordedRun,
} from '../emulator/history/recorded-run';
import type { Machine } from '../emulator/machine';
import { FileError } from '../host/file-error';
import { reason } from '../host/reason';
import { readRegular } from '../host/regular-file';
import { replaceFile } from '../host/replace-file';
import { UsageError } from './command-line/option-values';

/** The option that names the file, for messages. */
type Recorder = '--record' | '--record-on-failure';

/** Throws UsageError if a run could not be recorded there, or what is there is something else. */
export function checkRunFile(option: Recorder, file: string): void {
  try {
    fs.accessSync(path.dirname(file), fs.constants.W_OK);
    if (fs.existsSync(file) && !isRecordedRun(readRegular(file)))
      throw new UsageError(`${option} ${file}: there is another file, which is no recording; it is left alone`);
  } catch (error) {
    throw error instanceof UsageError ? error : cannotWrite(option, file, error);
  }
}

/** Records what a machine has done since power on. Throws UsageError if the recording cannot be made or written. */
export async function writeRun(option: Recorder, file: string, machine: Machine): Promise<void> {
  checkRunFile(option, file);
  try {
    const bytes = await encodeRun({
      ...{ options: machine.options, inputs: machine.inputs.since(0) },
      ...{ end: machine.instant, hash: machine.stateHash(), at: machine.instant },
      ...{ bookmarks: [], futures: [], checkpoints: [], files: [], notes: null },
    });
    replaceFile(file, bytes);
  } catch (error) {
    throw cannotWrite(option, file, error);
  }
}

/** Throws UsageError if there is no recorded run, or one that cannot be replayed here. */
export async function readRun(file: string): Promise<RecordedRun> {
  try {
    return await decodeRun(readRegular(file));
  } catch (error) {
    if (error instanceof RecordingError) throw new UsageError(`--replay: ${file} ${error.message}`);
    throw new UsageError(`--replay: ${FileError.from(file, error).message}`);
  }
}

const cannotWrite = (option: Recorder, file: string, error: unknown): UsageError =>
  new UsageError(`${option} ${file}: the recording cannot be written (${reason(error)})`);
