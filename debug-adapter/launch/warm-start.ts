/**
 * A session's warm start: the saved boot of this kernel, if there is one and nothing could have stopped during it; and
 * keeping this session's own boot for the next time. See emulator/history/warm-start.ts for why the two are the same.
 */
import { type BootRecorder, SavedBoot } from '../../emulator/history/warm-start';
import type { Machine } from '../../emulator/machine';
import type { State } from '../../emulator/types';
import type { BootStore } from './files';

/** What a debugger knows besides the machine's own state, and must find again. */
export interface Companion {
  save(): State;
  restore(state: State): void;
}

export class WarmStart {
  private readonly saved: SavedBoot | undefined;

  /** `saved` is what `store` has under `name`. */
  constructor(
    private readonly machine: Machine,
    private readonly recorder: BootRecorder,
    private readonly companion: Companion,
    private readonly store: BootStore,
    private readonly name: string,
    saved: Uint8Array | undefined,
  ) {
    this.saved = saved && opened(saved);
  }

  /**
   * Puts the machine, at power on, behind its boot; what the boot wrote to the console, or undefined if it has to boot.
   * `addresses` are physical ones of instructions at which the user wants to stop.
   */
  start(addresses: Iterable<bigint>): Uint8Array | undefined {
    const saved = this.saved;
    if (saved === undefined || [...addresses].some((address) => saved.mayHaveReached(address))) return undefined;
    try {
      const begun = saved.restoreBoot(this.machine);
      if (begun === undefined) return undefined;
      this.companion.restore(begun.companion);
      this.recorder.discard();
      return begun.console;
    } catch {
      return undefined;
    }
  }

  /** Has the debugger interfered, this boot is none that another session could take over. */
  discard(): void {
    this.recorder.discard();
  }

  /** To be called between slices: keeps the boot once it is at its end. */
  saveWhenComplete(): void {
    if (!this.recorder.isComplete(this.machine)) return;
    void this.store.write(this.name, this.recorder.save(this.machine, this.companion.save()));
  }
}

/** One that is damaged, or from another version, is overwritten when this boot is at its end. */
function opened(bytes: Uint8Array): SavedBoot | undefined {
  try {
    return new SavedBoot(bytes);
  } catch {
    return undefined;
  }
}
