/** Saves the guest's writes to its disk image, periodically and at the end. Reports once why that fails. */
import type { GuestDisk } from '../../emulator/types';
import type { HostClock } from '../../emulator/run-loop';

/** Milliseconds after which the guest's writes are saved. */
const SAVE_EVERY = 2000;
/** Largest share of the time for saving, during which the machine is stopped. */
const SHARE = 1 / 50;

export class DiskSaver {
  private due: number;
  /** The last failure reported to the user: a guest that flushes its disk may cause the same one again and again. */
  private reported: string | undefined;

  constructor(
    private readonly disk: Pick<GuestDisk, 'flush'> | undefined,
    private readonly clock: Pick<HostClock, 'now'>,
    private readonly tell: (problem: string) => void,
  ) {
    this.due = clock.now() + SAVE_EVERY;
  }

  /** Saves if it is time. Call it often. */
  nowAndThen(): void {
    const start = this.clock.now();
    if (!this.disk || start < this.due) return;
    this.save();
    const end = this.clock.now();
    this.due = end + Math.max(SAVE_EVERY, (end - start) / SHARE);
  }

  /** Saves now. */
  save(): void {
    try {
      this.disk?.flush();
      this.reported = undefined;
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      if (problem !== this.reported) this.tell(problem);
      this.reported = problem;
    }
  }
}
