/**
 * The pages that walks have read as tables, of which address space they are part, and for which of its pages. It does not
 * depend on what a TLB holds: a translation is never in one whose tables are not known here.
 */
import { SavedState } from '../history/saved-state';
import type { State } from '../types';

/** A table of the address space with this root (a physical address), for `pages` virtual pages from page `first` on. */
export interface TableUse {
  root: number;
  first: number;
  pages: number;
}

export class TableUses {
  /** By physical address of the table's page. */
  private readonly byTable = new Map<number, TableUse[]>();

  of(table: number): readonly TableUse[] {
    return this.byTable.get(table) ?? [];
  }

  /** Whether it was not known before. */
  add(table: number, root: number, first: number, pages: number): boolean {
    const uses = this.byTable.get(table);
    if (uses?.some((use) => use.root === root && use.first === first && use.pages === pages)) return false;
    const use = { root, first, pages };
    if (uses) uses.push(use);
    else this.byTable.set(table, [use]);
    return true;
  }

  remove(table: number, use: TableUse): void {
    const rest = this.of(table).filter((other) => other !== use);
    if (rest.length > 0) this.byTable.set(table, rest);
    else this.byTable.delete(table);
  }

  /** The tables of an address space for a part of what a table of `pages` pages from `first` on maps. */
  below(root: number, first: number, pages: number): { table: number; use: TableUse }[] {
    const found: { table: number; use: TableUse }[] = [];
    for (const [table, uses] of this.byTable) {
      for (const use of uses) {
        if (use.root === root && use.pages <= pages && use.first >= first && use.first < first + pages)
          found.push({ table, use });
      }
    }
    return found;
  }

  get tables(): Iterable<number> {
    return this.byTable.keys();
  }

  clear(): void {
    this.byTable.clear();
  }

  /** In one order, whichever walk came first. */
  save(): State {
    const all = [...this.byTable].flatMap(([table, uses]) =>
      uses.map(({ root, first, pages }) => [table, root, first, pages]),
    );
    return all.sort((a, b) => a[0]! - b[0]! || a[1]! - b[1]! || a[2]! - b[2]! || a[3]! - b[3]!);
  }

  /** Throws an Error if it is not what `save` gave. */
  restore(saved: readonly State[]): void {
    this.clear();
    for (const one of saved) {
      const [table, root, first, pages] = new SavedState('table use', { use: one }).numbers('use', 4);
      this.add(table!, root!, first!, pages!);
    }
  }
}
