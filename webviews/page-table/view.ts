/**
 * The page-table panel: a bar with the root, the form and the search; below it the table as a tree or as a drawing; at the bottom
 * what there is to be said of what is chosen. Drawn in the light DOM with its own style sheet.
 */
import { html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, query, state } from 'lit/decorators.js';
import type { AddressArea, PageTableModel } from '../../debug-adapter/protocol';
import './drawing';
import { areaMatches, filterEntries } from './filter';
import { type FromPanel, readToPanel } from './messages';
import { changeText, type TreeRow } from './rows';
import { type Action, type Form, isForm, toolbar } from './toolbar';
import './tree';
import type { AddressSpaceDrawing } from './drawing';
import type { TableTree } from './tree';

/** What survives a reload of the panel: VS Code reloads it when it is hidden and shown again. */
interface Memory {
  expansion?: [string, boolean][];
  filter?: string;
  scroll?: number;
  form?: string;
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
  @state() private search = '';
  @state() private form: Form = 'tree';
  /** Of the tree. */
  @state() private chosen: TreeRow | undefined;
  @query('xv6-table-tree') private readonly tree!: TableTree | null;
  @query('xv6-address-space') private readonly drawing!: AddressSpaceDrawing | null;
  @query('input') private readonly input!: HTMLInputElement | null;

  private readonly host = acquireVsCodeApi();
  private memory: Memory = {};
  private entries: PageTableModel['entries'] = [];

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.memory = this.host.getState() ?? {};
    this.search = this.memory.filter ?? '';
    if (isForm(this.memory.form)) this.form = this.memory.form;
    window.addEventListener('message', this.receive);
    window.addEventListener('keydown', this.shortcut);
    this.host.postMessage({ type: 'ready' });
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    window.removeEventListener('message', this.receive);
    window.removeEventListener('keydown', this.shortcut);
  }

  protected override firstUpdated(): void {
    if (!this.tree) return;
    this.tree.expansion = new Map(this.memory.expansion);
    this.tree.offset = this.memory.scroll ?? 0;
  }

  private readonly receive = ({ data }: MessageEvent<unknown>): void => {
    const message = readToPanel(data);
    switch (message?.type) {
      case 'model':
        this.model = message.model;
        this.failure = undefined;
        this.status = 'stopped';
        this.find();
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
        this.find();
        break;
    }
  };

  private find(): void {
    this.entries = filterEntries(this.model?.entries ?? [], this.search);
  }

  private get isSearch(): boolean {
    return this.search.trim() !== '';
  }

  private readonly remember = (): void => {
    const { tree, search: filter, form } = this;
    if (!tree) return;
    this.memory = { expansion: [...tree.expansion], filter, scroll: tree.offset, form };
    this.host.setState(this.memory);
  };

  protected override render(): TemplateResult {
    const { model, form } = this;
    const isShown = model !== undefined && this.status !== 'ended';
    const isOld = this.status === 'running';
    return html`${isShown ? this.bar(model) : nothing}${this.notice()}
      <xv6-table-tree
        ?hidden=${!isShown || form !== 'tree'}
        .entries=${this.entries}
        .isSearch=${this.isSearch}
        .isOld=${isOld}
        @remember=${this.remember}
        @choose=${() => (this.chosen = this.tree?.chosen)}
      ></xv6-table-tree>
      ${isShown && form === 'tree' ? this.details() : nothing}
      ${
        isShown && form === 'drawing'
          ? html`<xv6-address-space
              class=${isOld ? 'old' : ''}
              .areas=${model.areas}
              .label=${model.shown.label}
              .isFound=${this.isSearch ? (area: AddressArea) => areaMatches(area, this.search) : undefined}
              @show-address=${({ detail }: CustomEvent<string>) => this.showInTree(BigInt(detail))}
            ></xv6-address-space>`
          : nothing
      }`;
  }

  private bar({ roots, shown, leaves, tablePages }: PageTableModel): TemplateResult {
    const count = (number: number, one: string, many: string) =>
      `${number.toLocaleString('en')} ${number === 1 ? one : many}`;
    return toolbar({
      ...{ roots, shown: shown.id, form: this.form, search: this.search, actions: this.actions() },
      summary: `${count(leaves, 'leaf', 'leaves')}, ${count(tablePages, 'table page', 'table pages')}`,
      choose: (root) => this.host.postMessage({ type: 'root', root }),
      turn: (form) => this.turn(form),
      searched: (text) => this.searchFor(text),
      enter: () => (this.form === 'tree' ? this.tree?.enter() : this.drawing?.querySelector('svg')?.focus()),
    });
  }

  private actions(): Action[] {
    if (this.form === 'drawing') {
      const run = () => this.host.postMessage({ type: 'export' });
      return [{ icon: 'export', title: 'Export the drawing as SVG', run }];
    }
    return [
      { icon: 'expand-all', title: 'Unfold all tables', run: () => this.tree?.foldAll(true) },
      { icon: 'collapse-all', title: 'Fold all tables', run: () => this.tree?.foldAll(false) },
    ];
  }

  private turn(form: Form): void {
    this.form = form;
    this.remember();
  }

  private showInTree(va: bigint): void {
    this.searchFor('');
    this.turn('tree');
    void this.updateComplete.then(() => {
      this.tree?.show(va);
      this.tree?.focusList();
    });
  }

  /** One line with what the table does not show: the state of the session, a failure, an empty result. */
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
    if (this.form === 'tree' && this.entries.length === 0)
      return line('info', this.isSearch ? 'No entry matches the search.' : 'The table is empty.');
    return nothing;
  }

  private details(): TemplateResult {
    const row = this.chosen;
    if (row === undefined) return html`<footer>Select an entry to see its PTE.</footer>`;
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

  private searchFor(text: string): void {
    this.search = text;
    this.tree?.searchAnew();
    this.find();
    this.remember();
  }

  private readonly shortcut = (event: KeyboardEvent): void => {
    if (event.key !== 'f' || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    this.input?.select();
  };
}

function hexadecimal(value: bigint): string {
  return `0x${value.toString(16)}`;
}
