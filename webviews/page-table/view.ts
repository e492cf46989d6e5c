/**
 * The page-table panel: a bar with the root, the form and the search; below it the table as a tree or as a drawing, or
 * the frames of RAM; at the bottom what there is to be said of what is chosen. Drawn in the light DOM with its own style sheet.
 */
import { html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, query, state } from 'lit/decorators.js';
import type {
  AddressArea,
  ExposureModel,
  FrameMapping,
  FramesModel,
  PageTableModel,
} from '../../debug-adapter/protocol';
import './drawing/address-space';
import { entryDetails } from './entry';
import { exposureView } from './drawing/exposure';
import { areaMatches, countDifferences, differing, filterEntries } from './filter';
import { type FromPanel, readToPanel } from './messages';
import './physical';
import type { TreeRow } from './rows';
import { type Action, type Form, isForm, toolbar } from './toolbar';
import './tree';
import type { AddressSpaceDrawing } from './drawing/address-space';
import type { PhysicalView } from './physical';
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
  /** Of a table that is compared with another: all of it, and not only what differs. */
  @state() private withEqual = false;
  /** What is mapped while a program runs; asked for while `isExposure`. */
  @state() private exposure: ExposureModel | undefined;
  @state() private isExposure = false;
  @state() private frames: FramesModel | undefined;
  /** The address whose way is lit up, and where it leads in words. */
  @state() private path: { va: bigint; words: string } | undefined;
  /** Of the tree. */
  @state() private chosen: TreeRow | undefined;
  /** To be shown in a table that has been asked for. */
  private sought: { root: string; va: bigint } | undefined;
  @query('xv6-table-tree') private readonly tree!: TableTree | null;
  @query('xv6-address-space') private readonly drawing!: AddressSpaceDrawing | null;
  @query('xv6-frames') private readonly physical!: PhysicalView | null;
  @query('input[type=search]') private readonly input!: HTMLInputElement | null;

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
    this.send({ type: 'ready' });
    this.send({ type: 'frames', on: this.form === 'physical' });
  }

  private readonly send = (message: FromPanel): void => this.host.postMessage(message);

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
        // Where an address leads was said of the table that was shown then.
        if (message.model.shown.id !== this.model?.shown.id) this.path = undefined;
        this.model = message.model;
        this.failure = undefined;
        this.status = 'stopped';
        this.find();
        this.seek();
        break;
      case 'frames':
        this.frames = message.model;
        break;
      case 'exposure':
        this.exposure = message.model;
        break;
      case 'path':
        this.path = { va: BigInt(message.va), words: message.words };
        break;
      case 'frame':
        this.showFrame(BigInt(message.pa));
        break;
      case 'failed':
        this.failure = message.message;
        break;
      case 'running':
        this.status = 'running';
        this.path = undefined;
        break;
      case 'ended':
        this.status = 'ended';
        this.model = this.frames = this.exposure = this.path = this.failure = undefined;
        this.find();
        break;
    }
  };

  private find(): void {
    const { entries = [], compared } = this.model ?? {};
    this.entries = filterEntries(compared === undefined || this.withEqual ? entries : differing(entries), this.search);
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
    return html`${isShown ? this.bar(model) : nothing}${this.notice()}${isShown && form === 'tree' ? this.comparison(model) : nothing}
      <xv6-table-tree
        ?hidden=${!isShown || form !== 'tree'}
        .entries=${this.entries}
        .isSearch=${this.isSearch}
        .isOld=${isOld}
        .watched=${new Set(model?.watched)}
        .lit=${this.path?.va}
        .compared=${model?.compared}
        @remember=${this.remember}
        @choose=${() => this.choose()}
        @watch=${({ detail: row }: CustomEvent<TreeRow>) => this.watch(row)}
      ></xv6-table-tree>
      ${isShown && form === 'tree' ? this.details(model) : nothing}
      ${isShown && form === 'drawing' ? this.drawingOf(model, isOld) : nothing}
      ${
        isShown && form === 'physical'
          ? html`<xv6-frames
              .model=${this.frames}
              .search=${this.search}
              .isOld=${isOld}
              @find=${({ detail }: CustomEvent<string>) => this.searchFor(detail)}
              @follow=${({ detail }: CustomEvent<FrameMapping>) => this.follow(detail)}
            ></xv6-frames>`
          : nothing
      }`;
  }

  private drawingOf({ areas, shown }: PageTableModel, isOld: boolean): TemplateResult {
    if (this.isExposure && this.exposure) return exposureView(this.exposure);
    return html`<xv6-address-space
      class=${isOld ? 'old' : ''}
      .areas=${areas}
      .label=${shown.label}
      .lit=${this.path?.va}
      .isFound=${this.isSearch ? (area: AddressArea) => areaMatches(area, this.search) : undefined}
      @show-address=${({ detail }: CustomEvent<string>) => this.showInTree(BigInt(detail))}
    ></xv6-address-space>`;
  }

  private bar({ roots, shown, leaves, tablePages }: PageTableModel): TemplateResult {
    const count = (number: number, one: string, many: string) =>
      `${number.toLocaleString('en')} ${number === 1 ? one : many}`;
    return toolbar({
      ...{ roots, shown: shown.id, form: this.form, search: this.search, actions: this.actions() },
      summary: `${count(leaves, 'leaf', 'leaves')}, ${count(tablePages, 'table page', 'table pages')}`,
      choose: (root) => this.send({ type: 'root', root }),
      turn: (form) => this.turn(form),
      searched: (text) => this.searchFor(text),
      enter: () => this.enter(),
    });
  }

  private actions(): Action[] {
    if (this.form === 'drawing') {
      return [
        {
          icon: 'shield',
          title: 'Meltdown: what is mapped while a program runs',
          run: () => this.expose(),
          isOn: this.isExposure,
        },
        { icon: 'export', title: 'Export the drawing as SVG', run: () => this.send({ type: 'export' }) },
      ];
    }

    if (this.form === 'physical') return [];
    const isCompared = this.model?.compared !== undefined;
    return [
      {
        icon: 'diff',
        title: isCompared ? 'Compare with nothing but the stop before' : 'Compare with another table or instant…',
        run: () => this.send({ type: 'compare', on: !isCompared }),
        isOn: isCompared,
      },
      { icon: 'expand-all', title: 'Unfold all tables', run: () => this.tree?.foldAll(true) },
      { icon: 'collapse-all', title: 'Fold all tables', run: () => this.tree?.foldAll(false) },
    ];
  }

  /** From the search to what it has found. */
  private enter(): void {
    if (this.form === 'tree') this.tree?.enter();
    else if (this.form === 'physical') this.physical?.enter();
    else this.drawing?.enter();
  }

  private turn(form: Form): void {
    this.form = form;
    this.send({ type: 'frames', on: form === 'physical' });
    this.remember();
  }

  private expose(): void {
    this.isExposure = !this.isExposure;
    this.send({ type: 'exposure', on: this.isExposure });
  }

  private choose(): void {
    this.chosen = this.tree?.chosen;
  }

  private watch({ pteAddress }: TreeRow): void {
    const address = hexadecimal(pteAddress);
    this.send({ type: 'watch', pteAddress: address, on: this.model?.watched.includes(address) !== true });
  }

  private showInTree(va: bigint): void {
    this.searchFor('');
    this.turn('tree');
    void this.updateComplete.then(() => {
      this.tree?.show(va);
      this.tree?.focusList();
    });
  }

  /** All addresses of a frame. */
  private showFrame(pa: bigint): void {
    this.searchFor(`pa:${hexadecimal(pa)}`);
    this.turn('physical');
    void this.updateComplete.then(() => this.physical?.enter());
  }

  /** Where a frame is mapped, perhaps in another table. */
  private follow({ root, va }: FrameMapping): void {
    this.sought = { root, va: BigInt(va) };
    if (this.model?.shown.id === root) this.seek();
    else this.send({ type: 'root', root });
  }

  private seek(): void {
    const { sought, model } = this;
    if (!sought || model?.shown.id !== sought.root) return;
    this.sought = undefined;
    this.showInTree(sought.va);
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
    if (this.path !== undefined) return line('location', this.path.words);
    if (this.form === 'tree' && this.entries.length === 0) return line('info', this.emptyText());
    return nothing;
  }

  private emptyText(): string {
    if (this.isSearch) return 'No entry matches the search.';
    return this.model?.compared === undefined ? 'The table is empty.' : 'The tables do not differ.';
  }

  /** What the table is compared with, and how much differs. */
  private comparison({ compared, entries }: PageTableModel): TemplateResult | typeof nothing {
    if (compared === undefined) return nothing;
    const count = countDifferences(entries);
    const words = `Compared with ${compared}: ${count === 0 ? 'nothing' : count.toLocaleString('en')} ${count === 1 ? 'entry differs' : count === 0 ? 'differs but A and D' : 'entries differ'}.`;
    return html`<p class="notice" role="status">
      <i class="codicon codicon-diff"></i> ${words}
      <label class="equal"
        ><input type="checkbox" .checked=${this.withEqual} @change=${() => this.showEqual()} /> Show what is equal,
        too</label
      >
    </p>`;
  }

  private showEqual(): void {
    this.withEqual = !this.withEqual;
    this.find();
  }

  private details({ watched }: PageTableModel): TemplateResult {
    const row = this.chosen;
    if (row === undefined) return html`<footer>Select an entry to see its PTE.</footer>`;
    return entryDetails({
      ...{ row, isStopped: this.status === 'stopped', send: this.send },
      compared: this.model?.compared,
      isWatched: watched.includes(hexadecimal(row.pteAddress)),
      showFrame: (pa) => this.showFrame(pa),
    });
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
