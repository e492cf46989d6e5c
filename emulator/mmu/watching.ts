/** What observers have asked to be watched in memory: words, and whole page tables; and what has come of it. */
import { Cell } from '../layout';
import type { HartState } from '../cpu/hart';
import type { DataEvent, Observer, Stop, Watch } from '../types';
import type { GuestMemory } from './guest-memory';
import { TableWatch } from './table-watch';
import type { Tlb } from './tlb';

export class Watching {
  private readonly tables: TableWatch;
  private words: ReadonlySet<Watch> = new Set();

  constructor(
    private readonly memory: GuestMemory,
    private readonly tlb: Tlb,
    private readonly harts: readonly HartState[],
  ) {
    this.tables = new TableWatch(memory);
  }

  /** See MachineApi.setWatches. */
  setWords(watches: Iterable<Watch>): void {
    const wanted = new Set(watches);
    for (const watch of this.words) if (!wanted.has(watch)) this.memory.watches.remove(watch);
    for (const watch of wanted) this.memory.watches.add(watch);
    this.words = wanted;
    this.tlb.flush(this.harts);
  }

  /** See MachineApi.watchTables. */
  setTables(roots: Iterable<bigint> | undefined): void {
    if (roots === undefined) {
      this.tables.clear();
      return;
    }
    this.tables.active = true;
    for (const root of roots) this.tables.add(root);
    for (const hart of this.harts) this.satpChanged(hart);
    this.keepOut();
  }

  /** The machine is powered on anew: there are no tables yet. */
  reset(): void {
    const { active } = this.tables;
    this.tables.clear();
    this.tables.active = active;
  }

  satpChanged(hart: HartState): void {
    const satp = hart.cell(Cell.satp);
    if (!this.tables.active || satp >> 60n !== 8n) return;
    this.tables.add((satp & 0xfff_ffff_ffffn) << 12n);
    this.keepOut();
  }

  /** Tells what was touched since; the stop that the observer wants for it. */
  settle(observer: Observer): Stop | undefined {
    const wanted: DataEvent[] = [];
    let stop: Stop | undefined;
    for (const touch of this.memory.watches.take()) {
      if (!this.tables.owns(touch.watch)) {
        if (observer.data?.(touch)) wanted.push(touch);
        continue;
      }
      for (const event of this.tables.stored(touch))
        if (observer.tableStore?.(event)) stop ??= { kind: 'tableStore', event };
    }
    this.keepOut();
    return wanted.length > 0 ? { kind: 'data', events: wanted } : stop;
  }

  /** Pages that tables have newly taken are not to be found in the TLBs any more. */
  private keepOut(): void {
    if (!this.tables.grown) return;
    this.tables.grown = false;
    this.tlb.flush(this.harts);
  }
}
