/**
 * The page-table panel: a tree of entries under a bar with the root and a filter. All rows have one height and only visible
 * ones are in the document, so a long table costs nothing. Drawn in the light DOM with its own style sheet; positions are set
 * through the object model, since the content security policy forbids style attributes.
 */
import { html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, query, state } from 'lit/decorators.js';
import type { PageTableModel } from '../../debug-adapter/protocol';
import { filterEntries } from './filter';
import { type FromPanel, readToPanel } from './messages';
import { rowTemplate } from './row';
import { changeText, expandableKeys, type TreeRow, VisibleRows } from './rows';

/** Height of a row in pixels, as in page-table.css. */
const ROW = 22;
/** Rows drawn above and below the visible ones. */
const MARGIN = 8;

/** What survives a reload of the panel: VS Code reloads it when it is hidden and shown again. */
interface Memory {
  expansion?: [string, boolean][];
  filter?: string;
  scroll?: number;
}

interface Host {
  postMessage(message: FromPanel): void;
  getState(): Memory | undefined;
  setState(memory: Memory): void;
}
declare function acquireVsCodeApi(): Host;

type Status = 'waiting' | 'stopped' | 'running' | 'ended';

@customElement('xv6-page-table')
export class PageTableView extends LitElement {
  @state() private model: PageTableModel | undefined;
  @state() private status: Status = 'waiting';
  @state() private failure: string | undefined;
  @state() private filter = '';
  @state() private active: string | undefined;
  @state() private first = 0;
  @state() private height = 0;
  @query('.tree') private readonly tree!: HTMLElement | null;
  @query('input') private readonly input!: HTMLInputElement | null;

  private readonly host = acquireVsCodeApi();
  private expansion = new Map<string, boolean>();
  /** Replaces `expansion` while there is a filter: what it finds is unfolded, whatever was folded before. */
  private found = new Map<string, boolean>();
  private rows = new VisibleRows([], this.expansion);
  private savedScroll = 0;
  private readonly resized = new ResizeObserver(() => this.measure());

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    const memory = this.host.getState();
    this.expansion = new Map(memory?.expansion);
    this.filter = memory?.filter ?? '';
    this.savedScroll = memory?.scroll ?? 0;
    window.addEventListener('message', this.receive);
    window.addEventListener('keydown', this.shortcut);
    this.host.postMessage({ type: 'ready' });
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    window.removeEventListener('message', this.receive);
    window.removeEventListener('keydown', this.shortcut);
    this.resized.disconnect();
  }

  protected override firstUpdated(): void {
    if (this.tree) this.resized.observe(this.tree);
  }

  protected override updated(): void {
    // A reloaded panel scrolls back to its position as soon as it has rows.
    if (this.tree && this.savedScroll > 0 && this.rows.length > 0) {
      this.tree.scrollTop = this.savedScroll;
      this.savedScroll = 0;
    }
  }

  private readonly receive = ({ data }: MessageEvent<unknown>): void => {
    const message = readToPanel(data);
    switch (message?.type) {
      case 'model':
        this.model = message.model;
        this.failure = undefined;
        this.status = 'stopped';
        this.rebuild();
        break;
      case 'failed':
        this.failure = message.message;
        break;
      case 'running':
        this.status = 'running';
        break;
      case 'ended':
        this.status = 'ended';
        this.model = undefined;
        this.failure = undefined;
        this.rebuild();
        break;
    }
  };

  private rebuild(): void {
    const entries = filterEntries(this.model?.entries ?? [], this.filter);
    this.rows = new VisibleRows(entries, this.expansion, this.filter.trim() !== '');
    this.requestUpdate();
  }

  private get filtering(): boolean {
    return this.filter.trim() !== '';
  }

  private get folds(): Map<string, boolean> {
    return this.filtering ? this.found : this.expansion;
  }

  private remember(): void {
    this.host.setState({
      expansion: [...this.expansion],
      filter: this.filter,
      scroll: this.tree?.scrollTop ?? 0,
    });
  }

  protected override render(): TemplateResult {
    const shown = this.model && this.status !== 'ended';
    return html`${shown ? this.bar(this.model!) : nothing}${this.notice()}
      <div class="heading" aria-hidden="true" ?hidden=${!shown}>
        <span>Index</span><span>Virtual addresses</span><span>PA</span><span>Flags, RSW</span><span>Region</span>
      </div>
      <div
        class="tree ${this.status}"
        role="tree"
        aria-label="Page table"
        tabindex="0"
        aria-activedescendant=${this.active === undefined ? nothing : rowId(this.active)}
        ?hidden=${!shown}
        @scroll=${this.measure}
        @keydown=${this.key}
      >
        <div class="length" .style=${`height: ${this.rows.length * ROW}px`}>
          <div class="window" .style=${`transform: translateY(${this.first * ROW}px)`}>${this.visibleRows()}</div>
        </div>
      </div>
      ${shown ? this.details() : nothing}`;
  }

  private bar(model: PageTableModel): TemplateResult {
    const leaves = `${model.leaves.toLocaleString('en')} ${model.leaves === 1 ? 'leaf' : 'leaves'}`;
    const pages = `${model.tablePages.toLocaleString('en')} table ${model.tablePages === 1 ? 'page' : 'pages'}`;
    return html`<header>
      <label class="root"
        ><span>Root</span>
        <select aria-label="Page table to show" @change=${this.chooseRoot}>
          ${model.roots.map(
            ({ id, label, root }) =>
              html`<option value=${id} ?selected=${id === model.shown.id}>${label}${root ? ` – ${root}` : ''}</option>`,
          )}
        </select></label
      >
      <input
        type="search"
        placeholder="Filter: address, region, flags (rwu)"
        aria-label="Filter by virtual or physical address, region or flags"
        spellcheck="false"
        .value=${this.filter}
        @input=${this.type}
        @keydown=${this.leaveFilter}
      />
      <button type="button" title="Unfold all tables" aria-label="Unfold all tables" @click=${() => this.foldAll(true)}>
        <i class="codicon codicon-expand-all"></i>
      </button>
      <button type="button" title="Fold all tables" aria-label="Fold all tables" @click=${() => this.foldAll(false)}>
        <i class="codicon codicon-collapse-all"></i>
      </button>
      <span class="summary">${leaves}, ${pages}</span>
    </header>`;
  }

  /** One line with what the tree does not show: the state of the session, a failure, an empty result. */
  private notice(): TemplateResult | typeof nothing {
    const line = (icon: string, text: string) =>
      html`<p class="notice" role="status"><i class="codicon codicon-${icon}"></i> ${text}</p>`;
    if (this.status === 'ended')
      return line('debug-disconnect', 'The session has ended. Start debugging again to see its page tables.');
    if (this.failure !== undefined) return line('warning', this.failure);
    if (!this.model) return line('loading', 'Waiting for the debugger.');
    if (this.status === 'running')
      return line('debug-start', `Running. This is the table as of stop ${this.model.stop}.`);
    if (this.model.message !== undefined) return line('info', this.model.message);
    if (this.model.truncated) return line('warning', 'The table is broken or too large: not all of it is shown.');
    if (this.rows.length === 0)
      return line('info', this.filtering ? 'No entry matches the filter.' : 'The table is empty.');
    return nothing;
  }

  private visibleRows(): TemplateResult[] {
    const end = Math.min(this.rows.length, this.first + Math.ceil(this.height / ROW) + 2 * MARGIN);
    const drawn: TemplateResult[] = [];
    for (let at = this.first; at < end; at++) {
      const row = this.rows.at(at);
      drawn.push(rowTemplate(row, rowId(row.key), row.key === this.active, (toggle) => this.pick(row, toggle)));
    }
    return drawn;
  }

  private details(): TemplateResult {
    const at = this.active === undefined ? -1 : this.rows.indexOf(this.active);
    if (at < 0) return html`<footer>Select an entry to see its PTE.</footer>`;
    const row = this.rows.at(at);
    const parts = [
      `PTE ${hexadecimal(row.pte)} at ${hexadecimal(row.pteAddress)}`,
      `level ${row.level}, index ${row.index}`,
    ];
    if (row.count > 1) parts.push(`and the ${row.count - 1} entries after it`);
    if (row.before !== undefined) parts.push(`was ${hexadecimal(row.before)}`);
    const change = changeText(row);
    if (change !== undefined) parts.push(change);
    if (row.problem !== undefined) parts.push(row.problem);
    return html`<footer aria-live="polite">${parts.join(' · ')}</footer>`;
  }

  private readonly measure = (): void => {
    if (!this.tree) return;
    this.height = this.tree.clientHeight;
    this.first = Math.max(0, Math.floor(this.tree.scrollTop / ROW) - MARGIN);
    this.remember();
  };

  private pick(row: TreeRow, toggle: boolean): void {
    this.active = row.key;
    if (toggle) this.setExpanded(row, !row.expanded);
  }

  private setExpanded(row: TreeRow, expanded: boolean): void {
    if (!row.expandable) return;
    this.folds.set(row.key, expanded);
    this.rebuild();
    this.remember();
  }

  private foldAll(unfold: boolean): void {
    for (const key of expandableKeys(this.model?.entries ?? [], !unfold)) this.folds.set(key, unfold);
    this.rebuild();
    this.remember();
  }

  private readonly chooseRoot = ({ target }: Event): void => {
    this.host.postMessage({ type: 'root', root: (target as HTMLSelectElement).value });
  };

  private readonly type = ({ target }: Event): void => {
    this.filter = (target as HTMLInputElement).value;
    this.found = new Map();
    if (this.tree) this.tree.scrollTop = 0;
    this.rebuild();
    this.remember();
  };

  private readonly leaveFilter = (event: KeyboardEvent): void => {
    if (event.key === 'ArrowDown' || event.key === 'Enter') {
      this.tree?.focus();
      this.moveTo(0);
    } else if (event.key === 'Escape' && this.filter !== '') {
      this.filter = '';
      this.rebuild();
      this.remember();
    } else {
      return;
    }
    event.preventDefault();
  };

  private readonly shortcut = (event: KeyboardEvent): void => {
    if (event.key !== 'f' || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    this.input?.select();
  };

  /** The keys of a tree, after the ARIA authoring practices. */
  private readonly key = (event: KeyboardEvent): void => {
    const at = this.active === undefined ? -1 : this.rows.indexOf(this.active);
    const row = at < 0 ? undefined : this.rows.at(at);
    const page = Math.max(1, Math.floor(this.height / ROW) - 1);
    switch (event.key) {
      case 'ArrowDown':
        this.moveTo(at + 1);
        break;
      case 'ArrowUp':
        this.moveTo(at < 0 ? 0 : at - 1);
        break;
      case 'PageDown':
        this.moveTo(at + page);
        break;
      case 'PageUp':
        this.moveTo(at - page);
        break;
      case 'Home':
        this.moveTo(0);
        break;
      case 'End':
        this.moveTo(this.rows.length - 1);
        break;
      case 'ArrowRight':
        if (row?.expanded) this.moveTo(at + 1);
        else if (row) this.setExpanded(row, true);
        break;
      case 'ArrowLeft':
        if (row?.expanded) this.setExpanded(row, false);
        else if (row && row.depth > 0) this.moveTo(this.rows.parentOf(at));
        break;
      case 'Enter':
      case ' ':
        if (row) this.setExpanded(row, !row.expanded);
        break;
      default:
        return;
    }
    event.preventDefault();
  };

  private moveTo(wanted: number): void {
    if (this.rows.length === 0 || !this.tree) return;
    const at = Math.min(Math.max(wanted, 0), this.rows.length - 1);
    this.active = this.rows.at(at).key;
    const top = at * ROW;
    const { scrollTop, clientHeight } = this.tree;
    if (top < scrollTop) this.tree.scrollTop = top;
    else if (top + ROW > scrollTop + clientHeight) this.tree.scrollTop = top + ROW - clientHeight;
  }
}

function rowId(key: string): string {
  return `row-${key.replaceAll('/', '-').replace('+', 'run')}`;
}

function hexadecimal(value: bigint): string {
  return `0x${value.toString(16)}`;
}
