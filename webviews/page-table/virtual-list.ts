/**
 * A list of rows of one height, of which only visible ones are in the document, so a long one costs nothing. Drawn in the light DOM;
 * positions are set through the object model, since the content security policy forbids style attributes.
 */
import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { property, state } from 'lit/decorators.js';

/** Height of a row in pixels, as in page-table.css. */
const ROW = 22;
/** Rows drawn above and below the visible ones. */
const MARGIN = 8;

/** Rows by their position, each with a key that it keeps. */
export interface Rows {
  readonly length: number;
  keyAt(at: number): string;
  /** -1 if no such row is visible. */
  indexOf(key: string): number;
}

export abstract class VirtualList extends LitElement {
  /** The machine runs: what is shown is old. */
  @property({ type: Boolean }) isOld = false;
  @state() protected active: string | undefined;
  @state() private first = 0;
  @state() private height = 0;
  private savedScroll = 0;
  private readonly resized = new ResizeObserver(() => this.measure());

  protected abstract get rows(): Rows;
  protected abstract rowTemplate(at: number): TemplateResult;

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.resized.disconnect();
  }

  protected override firstUpdated(): void {
    if (this.box) this.resized.observe(this.box);
  }

  protected override updated(_changed: PropertyValues): void {
    // A reloaded panel scrolls back to its position as soon as it has rows.
    if (!this.box || this.savedScroll === 0 || this.rows.length === 0) return;
    this.box.scrollTop = this.savedScroll;
    this.savedScroll = 0;
  }

  /** The number of pixels by which the list is scrolled. */
  get offset(): number {
    return this.savedScroll || (this.box?.scrollTop ?? 0);
  }

  set offset(pixels: number) {
    this.savedScroll = pixels;
    if (pixels === 0 && this.box) this.box.scrollTop = 0;
  }

  /** Gives it the keyboard, and chooses its first row. */
  enter(): void {
    this.focusList();
    this.moveTo(0);
  }

  focusList(): void {
    this.box?.focus();
  }

  private get box(): HTMLElement | null {
    return this.querySelector('.rows');
  }

  protected get at(): number {
    return this.active === undefined ? -1 : this.rows.indexOf(this.active);
  }

  /** `role` is that of the list; `context` is what the editor's menu is about while the list has the focus. */
  protected list(role: 'tree' | 'listbox', label: string, context?: string): TemplateResult {
    const { active, rows } = this;
    return html`<div
      class="rows ${this.isOld ? 'old' : ''}"
      role=${role}
      aria-label=${label}
      tabindex="0"
      aria-activedescendant=${active === undefined || this.at < 0 ? nothing : rowId(active)}
      data-vscode-context=${context ?? nothing}
      @scroll=${this.measure}
      @keydown=${this.key}
    >
      <div class="length" role="presentation" .style=${`height: ${rows.length * ROW}px`}>
        <div class="window" role="presentation" .style=${`transform: translateY(${this.first * ROW}px)`}>
          ${this.visibleRows()}
        </div>
      </div>
    </div>`;
  }

  private visibleRows(): TemplateResult[] {
    const end = Math.min(this.rows.length, this.first + Math.ceil(this.height / ROW) + 2 * MARGIN);
    const drawn: TemplateResult[] = [];
    for (let at = this.first; at < end; at++) drawn.push(this.rowTemplate(at));
    return drawn;
  }

  private readonly measure = (): void => {
    if (!this.box) return;
    this.height = this.box.clientHeight;
    this.first = Math.max(0, Math.min(Math.floor(this.box.scrollTop / ROW), this.rows.length) - MARGIN);
    this.dispatchEvent(new Event('remember'));
  };

  /** What a key does to a row. Returns false if nothing: then it may move. */
  protected rowKey(_event: KeyboardEvent, _at: number): boolean {
    return false;
  }

  /** The keys of a tree and of a list, after the ARIA authoring practices. */
  private readonly key = (event: KeyboardEvent): void => {
    const { at } = this;
    const page = Math.max(1, Math.floor(this.height / ROW) - 1);
    const moves: Record<string, number> = {
      ...{ ArrowDown: at + 1, ArrowUp: Math.max(at - 1, 0), PageDown: at + page, PageUp: at - page },
      ...{ Home: 0, End: this.rows.length - 1 },
    };
    const to = moves[event.key];
    if (to !== undefined) this.moveTo(to);
    else if (!this.rowKey(event, at)) return;
    event.preventDefault();
  };

  protected moveTo(wanted: number): void {
    if (this.rows.length === 0 || !this.box) return;
    const at = Math.min(Math.max(wanted, 0), this.rows.length - 1);
    this.active = this.rows.keyAt(at);
    this.bringIntoSight(at);
  }

  protected bringIntoSight(at: number): void {
    if (!this.box) return;
    const top = at * ROW;
    const { scrollTop, clientHeight } = this.box;
    if (top < scrollTop) this.box.scrollTop = top;
    else if (top + ROW > scrollTop + clientHeight) this.box.scrollTop = top + ROW - clientHeight;
  }
}

export const rowId = (key: string): string =>
  `row-${key.replaceAll('/', '-').replace('+', 'run').replace('*', 'tables')}`;
