/** A guest under test: a machine with an in-memory copy of a disk image, and its console. */
import { imageOf } from '../../emulator/testing/disk-image';
import { Machine } from '../../emulator/machine';
import type { MachineOptions } from '../../emulator/types';

export interface GuestOptions extends Pick<
  MachineOptions,
  'harts' | 'memory' | 'kernel' | 'boot' | 'legacyVirtio' | 'seed' | 'tlb'
> {
  /** Content of the disk image. */
  disk?: Uint8Array;
  /** Instructions of one call of the machine's `run`. */
  slice?: number;
}

export class Guest {
  readonly machine: Machine;
  /** All output of the guest. */
  console = '';
  private seen = 0;

  constructor(private readonly options: GuestOptions) {
    this.machine = new Machine({
      ...options,
      disk: options.disk && imageOf(options.disk),
      consoleOutput: (bytes) => void (this.console += Buffer.from(bytes).toString('latin1')),
    });
  }

  /** Runs until the console shows `text` after the last expected text; throws if it does not appear in time. */
  expect(text: string, instructions = 20e9): void {
    const end = this.machine.executed + instructions;
    for (;;) {
      const at = this.console.indexOf(text, this.seen);
      if (at >= 0) {
        this.seen = at + text.length;
        return;
      }
      const panic = /panic: .*/.exec(this.console.slice(this.seen));
      const failed = this.machine.executed >= end ? `did not come in ${instructions} instructions` : panic?.[0];
      if (failed)
        throw new Error(`waiting for ${JSON.stringify(text)}: ${failed}; the console ends in\n${this.tail()}`);
      this.step();
    }
  }

  /** Types a line. */
  send(line: string): void {
    this.machine.consoleInput(Buffer.from(`${line}\n`));
  }

  /** Runs about so many instructions: up to the end of a slice. */
  run(instructions: number): void {
    const end = this.machine.executed + instructions;
    while (this.machine.executed < end) this.step(end - this.machine.executed);
  }

  private step(most = Infinity): void {
    const { machine, options } = this;
    const stop = machine.run({ instructions: Math.min(options.slice ?? 1_000_000, most) });
    if (stop.kind === 'idle') {
      if (stop.until === Infinity) throw new Error(`nothing will wake the guest; the console ends in\n${this.tail()}`);
      machine.idleUntil(stop.until);
    } else if (stop.kind !== 'budget') {
      throw new Error(`the machine stopped: ${stop.kind}; the console ends in\n${this.tail()}`);
    }
  }

  private tail(): string {
    return this.console.slice(-400);
  }
}
