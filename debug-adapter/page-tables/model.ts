/**
 * Builds the response to `xv6.pageTable`: the table as runs, with the changes since the last stop at which it was shown.
 */
import type { PhysicalMemory } from '../../emulator/types';
import type { PageTableModel, PageTableRoot } from '../protocol';
import type { PhysicalRange } from '../memory/memory-map';
import type { Regions } from '../xv6/regions';
import { addressAreas } from './areas';
import { takeSnapshot, type TableSnapshot } from './snapshot';
import { buildTree } from './tree';

/** Number of tables kept: each takes 4 KiB per table page, about 0.3 MiB for a kernel table. */
const REMEMBERED = 64;
const FROM_PAST = 8;

interface Remembered {
  stop: number;
  snapshot: TableSnapshot;
  /** The snapshot at the stop before `stop`. */
  before?: { stop: number; snapshot: TableSnapshot };
}

/** Keeps a snapshot of each table at a stop, for comparison at the next stop. */
export class SnapshotHistory {
  private readonly tables = new Map<string, Remembered>();
  /** Of instants of the past, by what they were asked for by; the last few. */
  private readonly past = new Map<string, ComparedSnapshot>();

  /**
   * Takes a snapshot at a stop. A second one at the same stop replaces the first (memory may have been edited), and is still
   * compared with the stop before.
   */
  take(
    root: PageTableRoot & { root: string },
    stop: number,
    memory: PhysicalMemory,
  ): { now: TableSnapshot; before?: { stop: number; snapshot: TableSnapshot } } {
    // satp points to different tables in turn, so compare these by address. A process keeps its id over exec.
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

  /** A table at an instant of the past, which `read` goes to and comes back from. */
  async at(name: string, read: () => Promise<ComparedSnapshot>): Promise<ComparedSnapshot> {
    const found = this.past.get(name) ?? (await read());
    this.past.delete(name);
    this.past.set(name, found);
    if (this.past.size > FROM_PAST) this.past.delete(this.past.keys().next().value!);
    return found;
  }

  /** The past is another one. */
  forgetPast(): void {
    this.past.clear();
  }

  /** Drops everything: the machine starts again. */
  clear(): void {
    this.tables.clear();
    this.past.clear();
  }
}

/** A table as it was at some instant, or another one, and what it is called. */
export interface ComparedSnapshot {
  label: string;
  snapshot: TableSnapshot;
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
  /** What it is compared with, in place of the stop before. */
  compared?: ComparedSnapshot | undefined;
  /** Entries at whose changes the machine stops. */
  watched?: string[];
  /** Why there is no table, if `shown.root` is undefined. */
  message?: string;
}

/** Builds the model. Its `stop` is the stop with which it is compared. */
export function pageTableModel(remembered: SnapshotHistory, options: ModelOptions): PageTableModel {
  const { roots, shown, stop, memory, physical, regions } = options;
  const model: PageTableModel = {
    roots,
    shown,
    stop,
    entries: [],
    areas: [],
    watched: options.watched ?? [],
    leaves: 0,
    tablePages: 0,
    truncated: false,
  };
  if (shown.root === undefined) {
    model.message = options.message ?? `${shown.label} has no page table now`;
    return model;
  }
  const { compared } = options;
  const { now, before } = remembered.take({ ...shown, root: shown.root }, stop, memory);
  const other = compared ?? before;
  if (now.pages.size === 0) model.message = `the root page ${shown.root} of ${shown.label} lies outside RAM`;
  const tree = buildTree(now, { physical, ...(regions && { regions }), ...(other && { before: other.snapshot }) });
  model.stop = before?.stop ?? stop;
  if (compared) model.compared = compared.label;
  model.entries = tree.entries;
  model.areas = addressAreas(tree.entries, regions);
  model.leaves = now.leaves;
  model.tablePages = now.tablePages;
  model.truncated = tree.truncated;
  return model;
}
