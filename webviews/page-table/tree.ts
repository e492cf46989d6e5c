/** The page table as a tree of entries, level by level. What is unfolded stays so at the next stop. */
import { html, type PropertyValues, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { PteRun } from '../../debug-adapter/protocol';
import { menuContext, rowTemplate } from './row';
import { expandableKeys, pathTo, type TreeRow, VisibleRows } from './rows';
import { rowId, VirtualList } from './virtual-list';

@customElement('xv6-table-tree')
export class TableTree extends VirtualList {
  /** What a search has left of the table. */
  @property({ attribute: false }) entries: readonly PteRun[] = [];
  /** Something is searched: what is found is unfolded, whatever was folded before. */
  @property({ type: Boolean }) isSearch = false;
  /** Physical addresses of the entries at whose changes the machine stops. */
  @property({ attribute: false }) watched: ReadonlySet<string> = new Set();
  /** The address whose way is lit up. */
  @property({ attribute: false }) lit: bigint | undefined;
  /** What the table is compared with, in place of the stop before. */
  @property({ attribute: false }) compared: string | undefined;
  private litKeys = new Set<string>();
  /** By row key: what the user has unfolded or folded. */
  expansion = new Map<string, boolean>();
  private found = new Map<string, boolean>();
  private visible = new VisibleRows([], this.expansion);

  protected get rows(): VisibleRows {
    return this.visible;
  }

  /** The row that is chosen. */
  get chosen(): TreeRow | undefined {
    return this.at < 0 ? undefined : this.visible.at(this.at);
  }

  get isEmpty(): boolean {
    return this.visible.length === 0;
  }

  /** Another search begins. */
  searchAnew(): void {
    this.found = new Map();
    this.offset = 0;
  }

  foldAll(unfold: boolean): void {
    for (const key of expandableKeys(this.entries, !unfold)) this.folds.set(key, unfold);
    this.foldsChanged();
  }

  /** Chooses the entry for an address, or the last one on the way to it, whatever was folded. */
  show(va: bigint): void {
    const keys = pathTo(this.entries, va);
    for (const key of keys.slice(0, -1)) this.folds.set(key, true);
    this.rebuild();
    const at = this.visible.indexOf(keys.at(-1) ?? '');
    if (at >= 0) this.moveTo(at);
    this.foldsChanged();
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has('entries') || changed.has('isSearch')) this.rebuild();
    if (changed.has('lit') || changed.has('entries'))
      this.litKeys = new Set(this.lit === undefined ? [] : pathTo(this.entries, this.lit));
    // Of another model the row has another value.
    if (changed.has('entries') || (changed as ReadonlyMap<PropertyKey, unknown>).has('active'))
      this.dispatchEvent(new Event('choose'));
  }

  protected override render(): TemplateResult {
    const row = this.chosen;
    const context = row && menuContext(row, this.isWatched(row));
    return html`<div class="heading" aria-hidden="true">
        <span>Index</span><span>Virtual addresses</span><span>PA</span><span>Flags, RSW</span><span>Region</span>
      </div>
      ${this.list('tree', 'Page table', context)}`;
  }

  protected rowTemplate(at: number): TemplateResult {
    const row = this.visible.at(at);
    const isLit = this.litKeys.has(row.key);
    const { compared } = this;
    const state = {
      id: rowId(row.key),
      active: row.key === this.active,
      isLit,
      isWatched: this.isWatched(row),
      compared,
    };
    return rowTemplate(row, state, (toggle) => {
      this.active = row.key;
      if (toggle) this.setExpanded(row, !row.expanded);
    });
  }

  /** Brings the way of the address that is lit up into sight, as far as it is unfolded. */
  protected override updated(changed: PropertyValues<this>): void {
    super.updated(changed);
    if (!changed.has('lit') || this.lit === undefined) return;
    const last = [...this.litKeys].map((key) => this.visible.indexOf(key)).findLast((at) => at >= 0);
    if (last !== undefined) this.bringIntoSight(last);
  }

  private isWatched({ pteAddress, count }: TreeRow): boolean {
    for (let i = 0; i < count && this.watched.size > 0; i++)
      if (this.watched.has(`0x${(pteAddress + BigInt(8 * i)).toString(16)}`)) return true;
    return false;
  }

  protected override rowKey({ key }: KeyboardEvent, at: number): boolean {
    const row = at < 0 ? undefined : this.visible.at(at);
    switch (key) {
      case 'ArrowRight':
        if (row?.expanded) this.moveTo(at + 1);
        else if (row) this.setExpanded(row, true);
        return true;
      case 'ArrowLeft':
        if (row?.expanded) this.setExpanded(row, false);
        else if (row && row.depth > 0) this.moveTo(this.visible.parentOf(at));
        return true;
      case 'Enter':
      case ' ':
        if (row) this.setExpanded(row, !row.expanded);
        return true;
      case 'F9':
        if (row?.count === 1) this.dispatchEvent(new CustomEvent('watch', { detail: row }));
        return row !== undefined;
      default:
        return false;
    }
  }

  private get folds(): Map<string, boolean> {
    return this.isSearch ? this.found : this.expansion;
  }

  private setExpanded(row: TreeRow, expanded: boolean): void {
    if (!row.expandable) return;
    this.folds.set(row.key, expanded);
    this.foldsChanged();
  }

  private foldsChanged(): void {
    this.rebuild();
    this.requestUpdate();
    this.dispatchEvent(new Event('remember'));
  }

  private rebuild(): void {
    this.visible = new VisibleRows(this.entries, this.folds, this.isSearch);
  }
}
