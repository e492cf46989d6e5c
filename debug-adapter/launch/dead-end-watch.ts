/**
 * Looks now and then whether the kernel has come to an end of its own (emulator/dead-ends.ts), and stops there, if the user
 * wants to stop at panics. A panic that was caught at the call of the kernel's own function is not said a second time.
 */
import { DeadEnds, describeDeadEnd } from '../../emulator/dead-ends/dead-ends';
import type { Guest } from '../code/guest';
import { codePlace } from '../code/place-names';
import type { Catchpoints } from '../run-control/catchpoints';
import type { StopCause, StopReport } from '../run-control/stops';
import { processOn } from '../xv6/cpus';
import type { SilenceWatch } from './silence-watch';

export class DeadEndWatch {
  private readonly ends: DeadEnds;
  private isPanicKnown = false;

  constructor(
    private readonly guest: Pick<Guest, 'machine' | 'harts' | 'imageOf' | 'xv6'>,
    private readonly catchpoints: Catchpoints,
    /** Undefined while nothing is to stop: then it is only said. */
    private readonly stop: ((report: StopReport) => void) | undefined,
    private readonly say: (text: string) => void,
    private readonly silence: SilenceWatch,
  ) {
    // In a system call nothing loops without end on purpose, interrupts enabled or not.
    this.ends = new DeadEnds(guest.machine, (hart) => processOn(guest.xv6, hart) !== undefined);
  }

  /** The guest has just written this to its console. */
  wrote(bytes: Uint8Array): void {
    this.ends.wrote(bytes);
  }

  /** The machine leaves for its past, where all that it does is known. */
  suspend(): void {
    this.ends.suspend();
  }

  /** The machine boots again. */
  clear(): void {
    this.ends.clear();
    this.silence.clear();
    this.isPanicKnown = false;
  }

  /** The user has been told of this stop. */
  stopped({ cause }: StopReport): void {
    this.isPanicKnown ||= cause?.kind === 'kernel' && cause.event.kind === 'panic';
  }

  /** Between two runs of the machine. */
  look(): void {
    const end = this.ends.look(false);
    if (end === undefined) {
      this.lookForSilence();
    } else if (end.kind !== 'panic' || !this.isPanicKnown) {
      const words = (): string =>
        describeDeadEnd(end, (hart, pc) => codePlace(this.guest, this.guest.harts[hart]!, pc));
      this.tell({ kind: 'dead-end', event: { ...end, hart: end.harts[0]!.hart } }, words);
    }
  }

  private lookForSilence(): void {
    const text = this.silence.look();
    if (text !== undefined) this.tell({ kind: 'silence', event: { hart: 0, text } }, () => text);
  }

  private tell(cause: StopCause & { kind: 'dead-end' | 'silence' }, words: () => string): void {
    if (this.stop === undefined) {
      this.say(words());
      return;
    }
    const decision = this.catchpoints.decideEnd(cause);
    decision.record();
    if (decision.report) this.stop(decision.report);
  }
}
