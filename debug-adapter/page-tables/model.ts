/**
 * Answers `xv6.pageTable`: the shown table as runs, with what changed since the last stop at which it was looked at.
 */
import type { PhysicalMemory } from '../../emulator/types';
import type { PageTableModel, PageTableRoot } from '../protocol';
import type { PhysicalRange } from '../memory/memory-map';
import type { Regions } from '../xv6/regions';
import { takeSnapshot, type TableSnapshot } from './snapshot';
import { buildTree } from './tree';

/** Tables remembered at once: each costs 4 KiB per table page, about 0.3 MiB for a kernel table. */
const REMEMBERED = 64;

interface Remembered {
  stop: number;
  snapshot: TableSnapshot;
  /** The one of the stop before `stop`. */
  before?: { stop: number; snapshot: TableSnapshot };
}

/** Remembers each table as it was at the stops, so that the next stop's can be compared with it. */
export class SnapshotHistory {
  private readonly tables = new Map<string, Remembered>();

  /**
   * Takes a table as it is at a stop. Asked again for the same stop it copies anew (memory may have been edited) but
   * still compares with the stop before.
   */
  take(
    root: PageTableRoot & { root: string },
    stop: number,
    memory: PhysicalMemory,
  ): { now: TableSnapshot; before?: { stop: number; snapshot: TableSnapshot } } {
    // satp holds now this table, now that one: it is compared by address. A process keeps its name over exec.
    const key = root.id.startsWith('satp') ? root.root : root.id;
    const now = takeSnapshot(BigInt(root.root), memory);
    const last = this.tables.get(key);
    const before = last && (last.stop < stop ? { stop: last.stop, snapshot: last.snapshot } : last.before);
    this.tables.delete(key);
    this.tables.set(key, { stop, snapshot: now, ...(before && { before }) });
    for (const oldest of this.tables.keys()) {
      if (this.tables.size <= REMEMBERED) break;
      this.tables.delete(oldest);
    }
    return { now, ...(before && { before }) };
  }

  /** Forgets everything: the machine starts again. */
  clear(): void {
    this.tables.clear();
  }
}

export interface ModelOptions {
  roots: PageTableRoot[];
  shown: PageTableRoot;
  /** Number of the stop, counted by the session. */
  stop: number;
  memory: PhysicalMemory;
  physical: readonly PhysicalRange[];
  /** Names for the shown table. */
  regions?: Regions;
  /** Why there is no table, where `shown.root` is undefined. */
  message?: string;
}

/** Builds the answer. `stop` in it is the one that changes are relative to. */
export function pageTableModel(remembered: SnapshotHistory, options: ModelOptions): PageTableModel {
  const { roots, shown, stop, memory, physical, regions } = options;
  const model: PageTableModel = { roots, shown, stop, entries: [], leaves: 0, tablePages: 0, truncated: false };
  if (shown.root === undefined) {
    model.message = options.message ?? `${shown.label} has no page table now`;
    return model;
  }
  const { now, before } = remembered.take({ ...shown, root: shown.root }, stop, memory);
  if (now.pages.size === 0) model.message = `the root page ${shown.root} of ${shown.label} lies outside RAM`;
  const tree = buildTree(now, { physical, ...(regions && { regions }), ...(before && { before: before.snapshot }) });
  model.stop = before?.stop ?? stop;
  model.entries = tree.entries;
  model.leaves = now.leaves;
  model.tablePages = now.tablePages;
  model.truncated = tree.truncated;
  return model;
}
