/** Puts what the guest writes to its disk into the image, now and then and at the end, and says once why that fails. */
import type { GuestDisk } from '../../emulator/types';
import type { HostClock } from '../run-control/clock';

/** So long what the guest writes may be missing in the image, in milliseconds. */
const SAVE_EVERY = 2000;
/** The machine stands still while an image is written: that may take this part of the time. */
const SHARE = 1 / 50;

export class DiskSaver {
  private due: number;
  /** What the user was told last; a guest may find the same failure out, over and over, by flushing its disk itself. */
  private told: string | undefined;

  constructor(
    private readonly disk: Pick<GuestDisk, 'flush'> | undefined,
    private readonly clock: Pick<HostClock, 'now'>,
    private readonly tell: (problem: string) => void,
  ) {
    this.due = clock.now() + SAVE_EVERY;
  }

  /** To be called often; saves when it is time. */
  nowAndThen(): void {
    const start = this.clock.now();
    if (!this.disk || start < this.due) return;
    this.save();
    const end = this.clock.now();
    this.due = end + Math.max(SAVE_EVERY, (end - start) / SHARE);
  }

  /** Saves now, as for the last time. */
  save(): void {
    try {
      this.disk?.flush();
      this.told = undefined;
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      if (problem !== this.told) this.tell(problem);
      this.told = problem;
    }
  }
}
