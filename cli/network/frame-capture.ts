/** -object filter-dump: writes the frames of the network to a file, as they go by. */
import * as fs from 'node:fs';
import { pcapHeader, pcapRecord } from '../../emulator/network/pcap';
import { reason } from '../../host/reason';
import type { Capture } from './network-options';
import { UsageError } from '../command-line/option-values';

export class FrameCapture {
  /** Undefined: no more is written. */
  private file: number | undefined;

  /** `problem`: what is wrong later. Throws UsageError if the file cannot be written. */
  constructor(
    private readonly capture: Capture,
    private readonly problem: (text: string) => void,
  ) {
    try {
      this.file = fs.openSync(capture.file, 'w');
      fs.writeSync(this.file, pcapHeader(capture.longest));
    } catch (error) {
      throw new UsageError(`-object filter-dump,file=${capture.file}: cannot be written (${reason(error)})`);
    }
  }

  /** `microseconds`: when, since 1970. */
  add(frame: Uint8Array, microseconds: number): void {
    if (this.file === undefined) return;
    try {
      fs.writeSync(this.file, pcapRecord(frame, microseconds, this.capture.longest));
    } catch (error) {
      this.problem(`${this.capture.file}: no more frames are captured (${reason(error)})`);
      this.close();
    }
  }

  close(): void {
    if (this.file !== undefined) fs.closeSync(this.file);
    this.file = undefined;
  }
}
