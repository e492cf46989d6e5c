/**
 * The drawing of an address space in the panel: a list to choose from, from the highest address down, drawn as boxes. Enter on a
 * pattern unfolds it, on anything else shows it in the tree.
 */
import { html, LitElement, nothing, type PropertyValues, svg, type TemplateResult } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import type { AddressArea } from '../../../debug-adapter/protocol';
import { type Box, describe, type Layout, layoutOf, permissionsOf, tintOf, titleOf } from './layout';
import { besides, boxSpan, COLUMNS, endOf, shortened } from './svg-file';

@customElement('xv6-address-space')
export class AddressSpaceDrawing extends LitElement {
  @property({ attribute: false }) areas: readonly AddressArea[] = [];
  /** Of several in one page, which. */
  @property() name = 'box';
  /** Whose it is. */
  @property({ attribute: false }) label = '';
  /** Whether an area is one that is looked for; the others are faint. */
  @property({ attribute: false }) isFound: ((area: AddressArea) => boolean) | undefined;
  /** The address whose way is lit up. */
  @property({ attribute: false }) lit: bigint | undefined;
  /** Whether an area is marked, and in what words. */
  @property({ attribute: false }) markOf: ((area: AddressArea) => string | undefined) | undefined;
  @state() private active: string | undefined;
  @state() private unfolded = new Set<string>();

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  protected override render(): TemplateResult {
    const layout = layoutOf(this.areas, this.unfolded);
    const active = layout.boxes.find(({ key }) => key === this.active);
    const [top] = layout.boxes;
    return html`<div class="drawing">
        <svg
          role="listbox"
          aria-label=${`Drawing of the address space of ${this.label}, from the highest address down`}
          tabindex="0"
          aria-activedescendant=${active ? this.idOf(active.key) : nothing}
          viewBox=${`0 0 ${COLUMNS.end} ${layout.height}`}
          width=${COLUMNS.end}
          height=${layout.height}
          @keydown=${(event: KeyboardEvent) => this.key(event, layout)}
        >
          ${top ? svg`<text class="address" x=${COLUMNS.address} y=${top.y + 4} text-anchor="end" aria-hidden="true">${endOf(top.area)}</text>` : nothing}
          ${layout.boxes.map((box) => this.box(box))}
        </svg>
      </div>
      <footer aria-live="polite">
        ${active ? this.wordsOf(active.area) : 'Select a box for its addresses; Enter shows it in the tree, or unfolds what repeats.'}
      </footer>`;
  }

  private box(box: Box): TemplateResult {
    const { key, area, y, height, isGap, isPart, isUnfolded } = box;
    const [left, width] = boxSpan(isPart);
    const middle = y + height / 2 + 4;
    const isActive = key === this.active;
    const mark = this.markOf?.(area);
    const isLit = this.lit !== undefined && this.lit >= BigInt(area.va) && this.lit <= BigInt(area.last);
    const classes = [
      ...['box', `tint-${tintOf(area)}`, isGap ? 'gap' : ''],
      ...[
        isActive ? 'active' : '',
        isLit ? 'lit' : '',
        mark === undefined ? '' : 'marked',
        this.isFound?.(area) === false ? 'other' : '',
      ],
    ];
    return svg`<g
      id=${this.idOf(key)}
      role="option"
      class=${classes.filter(Boolean).join(' ')}
      aria-selected=${isActive}
      data-va=${area.va}
      @click=${() => (this.active = key)}
      @dblclick=${() => this.open(box)}
    >
      <title>${this.wordsOf(area)}</title>
      <rect x=${left} y=${y} width=${width} height=${height}></rect>
      ${isGap ? nothing : svg`<line x1=${left} x2=${left} y1=${y} y2=${y + height}></line>`}
      <text aria-hidden="true" class="address" x=${COLUMNS.address} y=${y + height + 4} text-anchor="end">${area.va}</text>
      <text aria-hidden="true" x=${left + 10} y=${middle}>${area.parts ? (isUnfolded ? '▾ ' : '▸ ') : ''}${shortened(titleOf(area))}</text>
      <text aria-hidden="true" class="permissions" x=${COLUMNS.boxEnd - 8} y=${middle} text-anchor="end">${permissionsOf(area)}</text>
      <text aria-hidden="true" class="besides" x=${COLUMNS.boxEnd + 10} y=${middle}>${mark === undefined ? besides(area) : mark}</text>
    </g>` as TemplateResult;
  }

  protected override updated(changed: PropertyValues<this>): void {
    if (changed.has('lit') && this.lit !== undefined) this.querySelector('.lit')?.scrollIntoView({ block: 'nearest' });
  }

  /** Gives it the keyboard. */
  enter(): void {
    this.querySelector('svg')?.focus();
  }

  private wordsOf(area: AddressArea): string {
    const mark = this.markOf?.(area);
    return mark === undefined ? describe(area) : `${describe(area)}; ${mark}`;
  }

  private open({ area, key }: Box): void {
    this.active = key;
    if (area.parts) {
      this.unfolded = new Set(this.unfolded);
      if (!this.unfolded.delete(key)) this.unfolded.add(key);
    } else if (area.flags !== 0) {
      this.dispatchEvent(new CustomEvent('show-address', { detail: area.va }));
    }
  }

  /** The keys of a list, after the ARIA authoring practices. */
  private key(event: KeyboardEvent, { boxes }: Layout): void {
    const at = boxes.findIndex(({ key }) => key === this.active);
    const box = boxes[at];
    const isUnfolded = box !== undefined && this.unfolded.has(box.key);
    switch (event.key) {
      case 'ArrowDown':
        this.moveTo(boxes[Math.min(at + 1, boxes.length - 1)]);
        break;
      case 'ArrowUp':
        this.moveTo(boxes[Math.max(at - 1, 0)]);
        break;
      case 'Home':
        this.moveTo(boxes[0]);
        break;
      case 'End':
        this.moveTo(boxes.at(-1));
        break;
      case 'ArrowRight':
      case 'ArrowLeft':
        if (box?.area.parts && isUnfolded === (event.key === 'ArrowLeft')) this.open(box);
        break;
      case 'Enter':
      case ' ':
        if (box) this.open(box);
        break;
      default:
        return;
    }
    event.preventDefault();
  }

  private moveTo(box: Box | undefined): void {
    if (!box) return;
    this.active = box.key;
    this.querySelector(`#${CSS.escape(this.idOf(box.key))}`)?.scrollIntoView({ block: 'nearest' });
  }

  private idOf(key: string): string {
    return `${this.name}-${key.replace('/', '-')}`;
  }
}
