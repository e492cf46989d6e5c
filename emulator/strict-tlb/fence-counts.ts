/** How often each fence was executed, and what for: so that needless ones are seen. */
import type { SavedState } from '../history/saved-state';
import type { State } from '../types';
import type { FenceCount } from './event';

export class FenceCounts {
  private readonly byPc = new Map<bigint, FenceCount>();

  add(pc: bigint, what: 'needed' | 'forNew' | 'neither'): void {
    let count = this.byPc.get(pc);
    if (count === undefined) this.byPc.set(pc, (count = { pc, executed: 0, needed: 0, forNew: 0 }));
    count.executed++;
    if (what !== 'neither') count[what]++;
  }

  /** In the order of their addresses. */
  get all(): FenceCount[] {
    return [...this.byPc.values()].sort((a, b) => (a.pc < b.pc ? -1 : 1));
  }

  clear(): void {
    this.byPc.clear();
  }

  save(): State {
    return this.all.map((count) => ({ ...count }));
  }

  /** Throws an Error if it is not what `save` gave. */
  restore(saved: readonly SavedState[]): void {
    this.clear();
    for (const one of saved) {
      this.byPc.set(one.bigint('pc'), {
        pc: one.bigint('pc'),
        executed: one.count('executed'),
        needed: one.count('needed'),
        forNew: one.count('forNew'),
      });
    }
  }
}
