/** What one subscription has watched in memory: words, and whole page tables; and what has come of it. */
import { satpRoot } from '../isa/sv39';
import { Cell, PAGE } from '../layout';
import type { DataEvent, TableStoreEvent, Watch } from '../types';
import type { OwnedWatch, Touch } from './data-watch';
import type { GuestMemory } from './guest-memory';
import { TableWatch } from './table-watch';
import type { Tlb } from './tlb';
import type { TranslatingHart } from './translating-hart';

export class Watching {
  private readonly tables: TableWatch;
  /** By our own copy of a watch: the one that a subscriber passed, as others may pass the same one. */
  private readonly words = new Map<Watch, OwnedWatch>();
  private readonly passed = new Map<Watch, Watch>();

  constructor(
    private readonly memory: GuestMemory,
    private readonly tlb: Tlb,
    private readonly harts: readonly TranslatingHart[],
  ) {
    this.tables = new TableWatch(memory, this);
  }

  /** See Subscription.setWatches. */
  setWords(watches: Iterable<Watch>): void {
    const wanted = new Set(watches);
    const fresh: Watch[] = [];
    try {
      for (const watch of wanted) {
        if (this.words.has(watch)) continue;
        const own = { ...watch, owner: this };
        this.memory.watches.add(own);
        this.words.set(watch, own);
        this.passed.set(own, watch);
        fresh.push(watch);
      }
    } catch (error) {
      for (const watch of fresh) this.forget(watch);
      throw error;
    }
    for (const watch of this.words.keys()) if (!wanted.has(watch)) this.forget(watch);
    if (fresh.length > 0) this.tlb.flush(this.harts);
  }

  private forget(watch: Watch): void {
    const own = this.words.get(watch)!;
    this.memory.watches.remove(own);
    this.words.delete(watch);
    this.passed.delete(own);
  }

  /** See Subscription.followTables. */
  followTables(roots: Iterable<bigint> | undefined, page?: bigint): void {
    if (roots === undefined) {
      this.tables.clear();
      return;
    }
    const wasActive = this.tables.active;
    this.tables.active = true;
    this.tables.page = page === undefined ? undefined : Number(page / BigInt(PAGE));
    for (const root of roots) this.tables.add(root);
    if (!wasActive) for (const hart of this.harts) this.satpChanged(hart);
    this.keepOut();
  }

  /** See Subscription.followedTables. */
  followedTables(): bigint[] {
    return this.tables.roots;
  }

  /** Nothing is watched any more. */
  end(): void {
    this.setWords([]);
    this.followTables(undefined);
  }

  /** The machine is powered on anew: there are no tables yet. */
  reset(): void {
    const { active } = this.tables;
    this.tables.clear();
    this.tables.active = active;
  }

  satpChanged(hart: TranslatingHart): void {
    if (!this.tables.active) return;
    const root = satpRoot(hart.cell(Cell.satp));
    if (root === undefined) return;
    this.tables.add(root);
    this.keepOut();
  }

  /** What a touch of a watch of this subscription's is: of words, or of entries of its tables. */
  touched(touch: Touch): DataEvent | readonly TableStoreEvent[] {
    const watch = this.passed.size === 0 ? undefined : this.passed.get(touch.watch);
    return watch === undefined ? this.tables.stored(touch) : touch.event(watch);
  }

  /** Pages that tables have newly taken are not to be found in the TLBs any more. */
  keepOut(): void {
    if (!this.tables.grown) return;
    this.tables.grown = false;
    this.tlb.flush(this.harts);
  }
}
