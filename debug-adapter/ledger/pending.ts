/** Pages that were freed, whose entries the kernel may still clear: kept until the process that freed them leaves the kernel. */
import type { SavedState } from '../../emulator/history/saved-state';
import type { Instant } from '../../emulator/history/instant';
import type { State } from '../../emulator/types';

/** Who executes: the struct proc's address, or for the scheduler of a hart -1 less its number. */
export type Thread = bigint;

export interface PendingFree {
  /** The page's number. */
  readonly page: number;
  readonly thread: Thread;
  readonly pid: number;
  readonly hart: number;
  /** Before the first instruction of the function that frees. */
  readonly at: Instant;
  readonly by: string;
}

export class PendingFrees {
  private byPage = new Map<number, PendingFree>();

  get any(): boolean {
    return this.byPage.size > 0;
  }

  /** One that is pending for the page already is replaced: who frees it last has its entry in hand. */
  add(free: PendingFree): void {
    this.byPage.set(free.page, free);
  }

  of(page: number): PendingFree | undefined {
    return this.byPage.get(page);
  }

  delete(page: number): void {
    this.byPage.delete(page);
  }

  /** Removes and returns those of the threads that are meant. */
  take(isMeant: (free: PendingFree) => boolean): PendingFree[] {
    const taken = [...this.byPage.values()].filter(isMeant);
    for (const { page } of taken) this.byPage.delete(page);
    return taken;
  }

  clear(): void {
    this.byPage.clear();
  }

  save(): State {
    return [...this.byPage.values()].map(({ at, ...free }) => ({ ...free, at: { ...at } }));
  }

  /** Throws an Error, and changes nothing, if it is not what `save` made. */
  restore(saved: readonly SavedState[]): void {
    this.byPage = new Map(
      saved.map((one) => {
        const at = one.record('at');
        const free: PendingFree = {
          ...{ page: one.count('page'), thread: one.bigint('thread'), pid: one.number('pid'), hart: one.count('hart') },
          at: { inputs: at.count('inputs'), time: at.count('time'), phase: at.index('phase', 5) },
          by: one.text('by') ?? '',
        };
        return [free.page, free];
      }),
    );
  }
}
