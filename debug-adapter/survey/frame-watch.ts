/** The frames that a guest sends and is sent, as a machine runs on: those of the second kind are inputs of its log. */
import type { Instant } from '../../emulator/history/instant';
import type { MachineApi } from '../../emulator/types';

export interface Seen {
  frame: Uint8Array;
  kind: 'packet sent' | 'packet received';
  /** Undefined: where the machine stands. */
  instant: Instant | undefined;
}

export class FrameWatch {
  private sent: Uint8Array[] = [];
  /** Inputs that have been looked at. */
  private known = 0;

  /** From here on. */
  begin({ inputs }: Pick<MachineApi, 'inputs'>): void {
    this.sent = [];
    this.known = inputs.count;
  }

  wrote(frame: Uint8Array): void {
    this.sent.push(frame);
  }

  get hasSent(): boolean {
    return this.sent.length > 0;
  }

  /** Those that have gone and come since they were last taken. */
  take({ inputs }: Pick<MachineApi, 'inputs'>): Seen[] {
    const seen = this.sent.map((frame): Seen => ({ frame, kind: 'packet sent', instant: undefined }));
    this.sent = [];
    if (inputs.count === this.known) return seen;
    inputs.since(this.known).forEach(({ input, time, phase }, index) => {
      const instant = { time, phase, inputs: this.known + index + 1 };
      if (input.kind === 'frame') seen.push({ frame: input.bytes, kind: 'packet received', instant });
    });
    this.known = inputs.count;
    return seen;
  }
}
