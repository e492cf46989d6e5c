/**
 * Whose user table is to be judged where it goes back to user mode: a process's whose table is new, or that has called the
 * allocator since it was there last, as whoever maps something does. All leaves are looked at each time, so that a program with many
 * is judged only after some more returns: what that costs is proportional to the run, not to the square of the program's memory.
 */
import type { SavedState } from '../../../emulator/history/saved-state';
import type { State } from '../../../emulator/types';
import type { Thread } from '../pending';

/** Leaves that may be looked at for each return to user mode. */
const LEAVES_PER_RETURN = 64;

interface JudgedTable {
  readonly root: bigint;
  readonly leaves: number;
  /** Returns to user mode until it is judged again; undefined where nothing has changed since. */
  wait: number | undefined;
}

export class DueTables {
  private judged = new Map<Thread, JudgedTable>();

  /** A thread has called the allocator. */
  changed(thread: Thread): void {
    const judged = this.judged.get(thread);
    if (judged !== undefined) judged.wait ??= Math.floor(judged.leaves / LEAVES_PER_RETURN);
  }

  /** Whether the table with which a thread goes back to user mode is to be judged now. Counts its returns. */
  returns(thread: Thread, root: bigint): boolean {
    const judged = this.judged.get(thread);
    if (judged?.root !== root || judged.wait === 0) return true;
    if (judged.wait !== undefined) judged.wait--;
    return false;
  }

  /** It was judged; `leaves`: so many were looked at. */
  done(thread: Thread, root: bigint, leaves: number): void {
    this.judged.set(thread, { root, leaves, wait: undefined });
  }

  clear(): void {
    this.judged.clear();
  }

  save(): State {
    return [...this.judged].map(([thread, { wait = null, ...table }]) => ({ thread, ...table, wait }));
  }

  /** Throws an Error, and changes nothing, if it is not what `save` made. */
  restore(saved: readonly SavedState[]): void {
    this.judged = new Map(
      saved.map((one) => [
        one.bigint('thread'),
        {
          ...{ root: one.bigint('root'), leaves: one.count('leaves') },
          wait: one.raw('wait') === null ? undefined : one.count('wait'),
        },
      ]),
    );
  }
}
