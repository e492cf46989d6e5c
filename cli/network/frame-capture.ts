/** -object filter-dump: writes the frames of the network to a file, as they go by. */
import * as fs from 'node:fs';
import { pcapHeader, pcapRecord } from '../../emulator/network/pcap';
import { reason } from '../../host/reason';
import type { Capture } from './network-options';
import { UsageError } from '../option-values';

export class FrameCapture {
  private readonly file: number;

  /** Throws UsageError if the file cannot be written. */
  constructor(private readonly capture: Capture) {
    try {
      this.file = fs.openSync(capture.file, 'w');
      fs.writeSync(this.file, pcapHeader(capture.longest));
    } catch (error) {
      throw new UsageError(`-object filter-dump,file=${capture.file}: cannot be written (${reason(error)})`);
    }
  }

  /** `microseconds`: when, since 1970. */
  add(frame: Uint8Array, microseconds: number): void {
    fs.writeSync(this.file, pcapRecord(frame, microseconds, this.capture.longest));
  }

  close(): void {
    fs.closeSync(this.file);
  }
}
