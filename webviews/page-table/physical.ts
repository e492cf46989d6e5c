/**
 * The physical view: a map of RAM, how many frames there are of each use, and every frame with whose it is and at which addresses.
 */
import { html, nothing, svg, type PropertyValues, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { FrameMapping, FrameRun, FramesModel } from '../../debug-adapter/protocol';
import { FrameRows, framesMatching, mapOf, mappedAt, USE_TEXT, usedFor, whereText } from './frame-rows';
import { sizeOf } from './drawing/layout';
import { USES } from './model-checks';
import { rowId, VirtualList } from './virtual-list';

/** Pixels of a cell of the map, and cells of a row. */
const CELL = 8;
const COLUMNS = 64;

@customElement('xv6-frames')
export class PhysicalView extends VirtualList {
  @property({ attribute: false }) model: FramesModel | undefined;
  @property({ attribute: false }) search = '';
  private found = new FrameRows([]);

  protected get rows(): FrameRows {
    return this.found;
  }

  private get chosen(): FrameRun | undefined {
    return this.at < 0 ? undefined : this.found.runs[this.at];
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has('model') || changed.has('search'))
      this.found = new FrameRows(framesMatching(this.model?.runs ?? [], this.search));
  }

  protected override render(): TemplateResult {
    const { model } = this;
    return html`${model ? this.overview(model) : nothing}
      <div class="heading frames" aria-hidden="true">
        <span>PA</span><span>Frames</span><span>Used for</span><span>Whose, at which addresses</span>
      </div>
      ${this.list('listbox', 'Frames of RAM')}
      <footer aria-live="polite">${this.details()}</footer>`;
  }

  private overview({ runs, totals, notes }: FramesModel): TemplateResult {
    const { cells, frames } = mapOf({ runs });
    const uses = USES.filter((use) => totals[use] > 0 || use === 'leaked');
    const words = uses.map((use) => `${totals[use].toLocaleString('en')} ${USE_TEXT[use]}`).join(', ');
    const height = Math.ceil(cells.length / COLUMNS) * CELL;
    return html`<div class="overview">
      <svg
        class="map"
        role="img"
        aria-label=${`Map of RAM from the lowest address on, ${sizeOf(frames)} a cell. Frames: ${words}`}
        viewBox=${`0 0 ${COLUMNS * CELL} ${height}`}
        width=${COLUMNS * CELL}
        height=${height}
      >
        ${cells.map(
          (use, i) =>
            svg`<rect class=${`use-${use}`} x=${(i % COLUMNS) * CELL} y=${Math.floor(i / COLUMNS) * CELL} width=${CELL - 1} height=${CELL - 1}></rect>`,
        )}
      </svg>
      <div class="uses" role="group" aria-label="Frames by use: search for them">
        ${uses.map(
          (use) =>
            html`<button type="button" class=${`use use-${use}`} @click=${() => this.find(USE_TEXT[use])}>
              <span class="swatch"></span>${USE_TEXT[use]} <b>${totals[use].toLocaleString('en')}</b>
            </button>`,
        )}
      </div>
      ${notes.map((note) => html`<p class="note">${note}</p>`)}
    </div>`;
  }

  protected rowTemplate(at: number): TemplateResult {
    const run = this.found.runs[at]!;
    const { pa, count, use, problem } = run;
    const last = BigInt(pa) + 4096n * BigInt(count) - 1n;
    const isActive = pa === this.active;
    const range = count === 1 ? pa : `${pa} – 0x${last.toString(16)}`;
    const frames = `${count.toLocaleString('en')} ${count === 1 ? 'frame' : 'frames'}`;
    return html`<div
      class="row frames use-${use} ${isActive ? 'active' : ''}"
      id=${rowId(pa)}
      role="option"
      aria-posinset=${at + 1}
      aria-setsize=${this.found.length}
      aria-selected=${isActive}
      @click=${() => (this.active = pa)}
      @dblclick=${() => this.follow(run.mappings[0])}
    >
      <span class="spoken">${[range, frames, usedFor(run), mappedAt(run)].filter(Boolean).join('; ')}</span>
      <span class="pa" aria-hidden="true"><span class="swatch"></span>${range}</span>
      <span class="count" aria-hidden="true">${count.toLocaleString('en')}</span>
      <span class="region" aria-hidden="true" title=${usedFor(run)}
        >${problem === undefined ? nothing : html`<i class="codicon codicon-warning"></i>`}${usedFor(run)}</span
      >
      <span class="where" aria-hidden="true" title=${mappedAt(run)}>${mappedAt(run)}</span>
    </div>`;
  }

  protected override rowKey({ key }: KeyboardEvent, at: number): boolean {
    if (key !== 'Enter' || at < 0) return false;
    this.follow(this.found.runs[at]!.mappings[0]);
    return true;
  }

  /** All addresses of the frame that is chosen, each to be gone to. */
  private details(): TemplateResult | string {
    const run = this.chosen;
    if (run === undefined) return 'Select a frame for all its addresses.';
    const { pa, mappings, more } = run;
    const words = [pa, usedFor(run), mappedAt(run)].filter(Boolean).join(', ');
    if (mappings.length === 0) return `${words}: no table maps it but at its own address.`;
    return html`${pa}, ${usedFor(run)}: mapped at
    ${mappings.map(
      (mapping) =>
        html`<button type="button" class="link" @click=${() => this.follow(mapping)}>${whereText(mapping)}</button> `,
    )}${more === undefined ? nothing : `and ${more.toLocaleString('en')} more`}`;
  }

  private find(text: string): void {
    this.dispatchEvent(new CustomEvent('find', { detail: text }));
  }

  private follow(mapping: FrameMapping | undefined): void {
    if (mapping) this.dispatchEvent(new CustomEvent('follow', { detail: mapping }));
  }
}
