/**
 * A session's warm start: starts from the saved boot of this kernel, if there is one and nothing could have stopped during
 * it; otherwise saves this session's boot for the next time. emulator/history/warm-start.ts says why both lead to one state.
 */
import { type BootRecorder, SavedBoot } from '../../emulator/history/warm-start';
import { isKernelTrap } from '../../emulator/isa/trap-kinds';
import type { Machine } from '../../emulator/machine';
import type { Subscription } from '../../emulator/types';
import type { Learner } from '../run-control/run-state';
import type { BootStore } from './files';

export class WarmStart {
  private readonly saved: SavedBoot | undefined;
  private readonly exceptions: Subscription;

  /** `learned` is what is known by watching the guest alone. `saved` is the content of `store` for `name`. */
  constructor(
    private readonly machine: Machine,
    private readonly recorder: BootRecorder,
    private readonly learned: Learner,
    private readonly store: BootStore,
    private readonly name: string,
    saved: Uint8Array | undefined,
  ) {
    this.saved = saved && opened(saved);
    // The next session may want to stop there.
    this.exceptions = machine.subscribe({
      trap: (event) => {
        if (isKernelTrap(event)) this.discard();
        return false;
      },
    });
  }

  /**
   * Moves the machine from power on to the end of its boot. Returns the boot's console output, or undefined if the machine
   * must boot. `addresses` are the physical addresses of the user's breakpoints.
   */
  start(addresses: Iterable<bigint>): Uint8Array | undefined {
    const saved = this.saved;
    if (saved === undefined || [...addresses].some((address) => saved.mayHaveReached(address))) return undefined;
    const atPowerOn = this.machine.save();
    try {
      const begun = saved.restoreBoot(this.machine);
      if (begun === undefined) return undefined;
      this.learned.restore(begun.companion);
      this.discard();
      return begun.console;
    } catch {
      this.machine.restore(atPowerOn);
      return undefined;
    }
  }

  /** Gives up saving this boot, because the debugger has interfered with it. */
  discard(): void {
    this.exceptions.end();
    this.recorder.discard();
  }

  /**
   * Called between slices: saves the boot when it is complete. It is saved for another time only, so a failure, such as for want
   * of memory, is no reason to stop this run.
   */
  saveWhenComplete(): void {
    if (!this.recorder.isComplete(this.machine)) return;
    this.exceptions.end();
    try {
      void this.store.write(this.name, this.recorder.save(this.machine, this.learned.save()));
    } catch {
      this.recorder.discard();
    }
  }
}

/** Undefined if the file is damaged or from another version; this boot then overwrites it. */
function opened(bytes: Uint8Array): SavedBoot | undefined {
  try {
    return new SavedBoot(bytes);
  } catch {
    return undefined;
  }
}
