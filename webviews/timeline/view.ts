/**
 * The timeline: lanes over virtual time, drawn on a canvas, so that thousands of marks cost little. The lanes are a list for
 * those who use the keyboard and for screen readers, whose chosen entry says what is selected in it. Plain DOM, since the
 * view has few elements.
 */
import type { TimelineModel } from '../../debug-adapter/protocol';
import { element } from '../element';
import { coloursOf, type Colours } from './colours';
import { AXIS, draw, pictureHeight } from './draw';
import { commandOf, HELP } from './keys';
import { itemAt, itemsIn, type Item, type Lane, laneAt, lanesOf, partRead } from './lanes';
import { type FromTimeline, readToTimeline } from './messages';
import { moved, showing, type Stretch, timeAt, timeText, zoomed } from './scale';

/** Pixels of a column. */
const COLUMN = 2;
const MOST_COLUMNS = 800;
/** Milliseconds after the last change of the stretch, before it is asked for. */
const PATIENCE = 60;
/** Milliseconds after which a machine that runs is said to. */
const DEPARTURE = 400;
/** Pixels that the mouse may move in a click, and by which it may miss an event. */
const STILL = 4;
/** Factor of a step of zooming. */
const ZOOM = 1.6;

interface Host {
  postMessage(message: FromTimeline): void;
}
declare function acquireVsCodeApi(): Host;

type Status = 'waiting' | 'stopped' | 'running' | 'ended';

export class TimelineView extends HTMLElement {
  private readonly host = acquireVsCodeApi();
  private readonly notice = element('p', { className: 'notice', role: 'status' });
  private readonly stop = element('button', { type: 'button', textContent: 'Stop Reading', hidden: true });
  private readonly lanesBox = element('div', { className: 'lanes', role: 'listbox', tabIndex: 0, ariaLabel: HELP });
  private readonly labels = element('div', { className: 'labels' });
  private readonly canvas = element('canvas', {});
  private readonly hover = element('div', { className: 'hover', hidden: true });
  private readonly footer = element('footer', {});
  private colours: Colours | undefined;
  private model: TimelineModel | undefined;
  /** The last of which everything was known. */
  private complete: TimelineModel | undefined;
  private lanes: readonly Lane[] = [];
  private status: Status = 'waiting';
  private failure: string | undefined;
  /** Undefined: all of the run. */
  private chosen: Stretch | undefined;
  private lane = 0;
  private selected: Item | undefined;
  private drag: { x: number; from: Stretch; isMoving: boolean } | undefined;
  private asking: ReturnType<typeof setTimeout> | undefined;
  private departing: ReturnType<typeof setTimeout> | undefined;
  private isDrawing = false;

  connectedCallback(): void {
    const header = element('header', {});
    const button = (text: string, label: string, action: () => void): HTMLButtonElement => {
      const made = element('button', { type: 'button', textContent: text, title: label, ariaLabel: label });
      made.addEventListener('click', action);
      return made;
    };
    header.append(
      button('+', 'Zoom in', () => this.zoom(1 / ZOOM)),
      button('−', 'Zoom out', () => this.zoom(ZOOM)),
      button('All', 'All: show the whole run', () => this.show(undefined)),
      button('Here', 'Here: show where the machine stands', () => this.showTime(this.model?.here)),
      this.notice,
      this.stop,
    );
    this.lanesBox.append(this.labels, this.canvas);
    this.append(header, this.lanesBox, this.footer, this.hover);
    this.stop.addEventListener('click', () => this.host.postMessage({ type: 'stop' }));
    this.lanesBox.addEventListener('keydown', this.key);
    this.canvas.addEventListener('pointerdown', this.press);
    this.canvas.addEventListener('pointermove', this.move);
    this.canvas.addEventListener('pointerup', this.release);
    this.canvas.addEventListener('pointerleave', () => (this.hover.hidden = true));
    this.canvas.addEventListener('wheel', this.wheel, { passive: false });
    window.addEventListener('message', ({ data }: MessageEvent<unknown>) => this.receive(data));
    new ResizeObserver(() => this.look()).observe(this.canvas);
    // VS Code puts the theme's colours into the document's style.
    const themes = new MutationObserver(() => {
      this.colours = undefined;
      this.redraw();
    });
    for (const one of [document.documentElement, document.body])
      themes.observe(one, { attributeFilter: ['class', 'style'] });
    this.tell();
    this.host.postMessage({ type: 'ready' });
  }

  private get width(): number {
    return this.canvas.clientWidth;
  }

  private get bounds(): Stretch {
    return { from: this.model?.start ?? 0, to: this.model?.present ?? 1 };
  }

  private get stretch(): Stretch {
    return this.chosen ?? this.bounds;
  }

  private receive(data: unknown): void {
    const message = readToTimeline(data);
    switch (message?.type) {
      case 'model':
        this.take(message.model);
        break;
      case 'failed':
        this.failure = message.message;
        break;
      case 'running':
        // A journey to an instant runs, too, but not for long.
        clearTimeout(this.departing);
        this.departing = setTimeout(() => {
          this.status = 'running';
          this.tell();
        }, DEPARTURE);
        return;
      case 'ended':
        clearTimeout(this.departing);
        this.status = 'ended';
        this.model = this.complete = this.chosen = this.selected = undefined;
        break;
    }
    this.tell();
    this.redraw();
  }

  private take(model: TimelineModel): void {
    clearTimeout(this.departing);
    if (this.model && partRead(this.model) > 0.999) this.complete = this.model;
    this.model = model;
    if (this.complete && (this.complete.start !== model.start || this.complete.present > model.present))
      this.complete = undefined;
    this.failure = undefined;
    this.status = 'stopped';
    if (this.chosen) this.chosen = moved(this.chosen, this.bounds, 0);
    const lanes = lanesOf(model);
    if (lanes.length !== this.lanes.length) this.makeLanes(lanes);
    if (this.selected)
      this.selected = itemsIn(model, this.lanes[this.lane]!).find(({ from }) => from === this.selected?.from);
  }

  private makeLanes(lanes: readonly Lane[]): void {
    this.lanes = lanes;
    this.lane = Math.min(this.lane, this.lanes.length - 1);
    this.labels.replaceChildren(
      ...this.lanes.map(({ id, label, top, height }) => {
        const made = element('div', { id: `lane-${id}`, role: 'option', textContent: label });
        made.style.top = `${AXIS + top}px`;
        made.style.height = `${height}px`;
        return made;
      }),
    );
  }

  /** What the view does not show: the state of the session, progress, what is missing. */
  private tell(): void {
    const { model } = this;
    this.stop.hidden = !(this.status === 'stopped' && model?.reading === true);
    this.lanesBox.hidden = model === undefined;
    this.notice.textContent = this.words();
    const label = this.lanes[this.lane];
    for (const [index, { id, label: name }] of this.lanes.entries()) {
      const option = this.labels.children[index];
      if (!option) continue;
      option.ariaSelected = String(index === this.lane);
      option.ariaLabel = index === this.lane && this.selected ? `${name}: ${this.selected.text}` : name;
      if (index === this.lane) this.lanesBox.setAttribute('aria-activedescendant', `lane-${id}`);
    }
    this.footer.textContent =
      this.selected && label
        ? this.selected.text
        : model
          ? 'Click, or choose with the arrow keys and press Enter, to go there.'
          : '';
  }

  private words(): string {
    const { model } = this;
    if (this.status === 'ended') return 'The session has ended. Start debugging again to see its timeline.';
    if (this.failure !== undefined) return this.failure;
    if (!model) return 'Waiting for the debugger.';
    if (this.status === 'running') return 'Running. Pause, to see what has happened since.';
    if (model.reading) return `Doing this part of the run again: ${Math.floor(partRead(model) * 100)} %`;
    if (model.long)
      return `This is too long to be done again at once: ${model.samples.length} samples of the harts are shown. Zoom in to see everything.`;
    return partRead(model) < 0.999 ? 'What is hatched has not been looked at.' : '';
  }

  private redraw(): void {
    if (this.isDrawing) return;
    this.isDrawing = true;
    requestAnimationFrame(() => {
      this.isDrawing = false;
      this.paint();
    });
  }

  private paint(): void {
    const { model, canvas, lanes, width, stretch } = this;
    const context = canvas.getContext('2d');
    if (!model || !context || width === 0) return;
    const ratio = window.devicePixelRatio;
    const height = pictureHeight(lanes);
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.height = `${height}px`;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.colours ??= coloursOf(this);
    const { fontFamily } = getComputedStyle(this);
    const lane = lanes[this.lane];
    draw(context, {
      ...{ width, stretch, lanes, model, before: this.complete, colours: this.colours, font: `11px ${fontFamily}` },
      selected: lane && this.selected && { lane, item: this.selected },
    });
  }

  private zoom(factor: number, around?: number): void {
    const { stretch, model } = this;
    const middle = (stretch.from + stretch.to) / 2;
    const here = model?.here;
    const isShown = here !== undefined && here >= stretch.from && here <= stretch.to;
    const at = around ?? this.selected?.from ?? (isShown ? here : middle);
    this.show(zoomed(stretch, this.bounds, at, factor));
  }

  private showTime(time: number | undefined): void {
    if (time !== undefined) this.show(showing(this.stretch, this.bounds, time));
  }

  /** Shows a stretch, or all of the run. */
  private show(stretch: Stretch | undefined): void {
    const { from, to } = this.bounds;
    const isAll = stretch === undefined || (stretch.from <= from && stretch.to >= to);
    this.chosen = isAll ? undefined : stretch;
    this.redraw();
    this.look();
  }

  /** Asks for what is shown, once it stays. */
  private look(): void {
    this.redraw();
    clearTimeout(this.asking);
    this.asking = setTimeout(() => {
      const columns = Math.min(Math.max(Math.floor(this.width / COLUMN), 1), MOST_COLUMNS);
      const { chosen } = this;
      const part = chosen && { from: Math.floor(chosen.from), to: Math.ceil(chosen.to) };
      if (this.width > 0 || !this.model) this.host.postMessage({ type: 'look', ...part, columns });
    }, PATIENCE);
  }

  private go(item: Item): void {
    this.host.postMessage({ type: 'go', ...item.go });
  }

  private pointed(event: MouseEvent): { lane: Lane | undefined; time: number; item: Item | undefined } {
    const box = this.canvas.getBoundingClientRect();
    const time = timeAt(this.stretch, this.width, event.clientX - box.left);
    const lane = laneAt(this.lanes, event.clientY - box.top - AXIS);
    const reach = timeAt(this.stretch, this.width, STILL) - this.stretch.from;
    const item = lane && this.model && itemAt(itemsIn(this.model, lane), lane, time, reach);
    return { lane, time, item };
  }

  private readonly press = (event: PointerEvent): void => {
    if (event.button !== 0) return;
    this.drag = { x: event.clientX, from: this.stretch, isMoving: false };
    this.canvas.setPointerCapture(event.pointerId);
  };

  private readonly move = (event: PointerEvent): void => {
    const { drag } = this;
    if (drag) {
      const by = event.clientX - drag.x;
      if (Math.abs(by) >= STILL) drag.isMoving = true;
      if (!drag.isMoving) return;
      this.canvas.classList.add('dragged');
      this.hover.hidden = true;
      const length = drag.from.to - drag.from.from;
      this.show(moved(drag.from, this.bounds, (-by / Math.max(this.width, 1)) * length));
      return;
    }
    const { item, time } = this.pointed(event);
    this.hover.textContent = item?.text ?? timeText(time, this.model?.column ?? 1);
    this.hover.hidden = this.model === undefined;
    const left = Math.min(event.clientX + 14, window.innerWidth - this.hover.offsetWidth - 8);
    const below = event.clientY + 18;
    const top =
      below + this.hover.offsetHeight > window.innerHeight ? event.clientY - this.hover.offsetHeight - 10 : below;
    this.hover.style.transform = `translate(${Math.max(left, 4)}px, ${Math.max(top, 4)}px)`;
  };

  private readonly release = (event: PointerEvent): void => {
    const { drag } = this;
    this.drag = undefined;
    this.canvas.classList.remove('dragged');
    if (!drag || drag.isMoving || !this.model) return;
    const { lane, item, time } = this.pointed(event);
    if (lane) this.lane = this.lanes.indexOf(lane);
    this.selected = item;
    this.tell();
    this.redraw();
    // Within a span it is the very time that is meant.
    if (item && 'instant' in item.go) {
      this.go(item);
    } else {
      this.host.postMessage({
        type: 'go',
        time: Math.round(Math.max(time, 0)),
        ...(lane?.hart !== undefined && { hart: lane.hart }),
      });
    }
  };

  private readonly wheel = (event: WheelEvent): void => {
    event.preventDefault();
    const sideways = event.shiftKey ? event.deltaY : event.deltaX;
    const length = this.stretch.to - this.stretch.from;
    if (Math.abs(sideways) > Math.abs(event.shiftKey ? 0 : event.deltaY)) {
      this.show(moved(this.stretch, this.bounds, (sideways / Math.max(this.width, 1)) * length));
      return;
    }
    const { time } = this.pointed(event);
    this.zoom(2 ** (Math.max(-200, Math.min(200, event.deltaY)) / 150), time);
  };

  private readonly key = (event: KeyboardEvent): void => {
    const command = commandOf(event);
    if (!this.model || !command) return;
    event.preventDefault();
    this.hover.hidden = true;
    const { stretch, bounds } = this;
    switch (command.do) {
      case 'lane':
        this.chooseLane(this.lane + command.by);
        break;
      case 'item':
        this.chooseItem(command.by);
        break;
      case 'move':
        this.show(moved(stretch, bounds, command.by * (stretch.to - stretch.from)));
        break;
      case 'zoom':
        this.zoom(command.in ? 1 / ZOOM : ZOOM);
        break;
      case 'all':
        this.show(undefined);
        break;
      case 'here':
        this.showTime(this.model.here);
        break;
      case 'beginning':
        this.show(moved(stretch, bounds, bounds.from - stretch.from));
        break;
      case 'end':
        this.show(moved(stretch, bounds, bounds.to - stretch.to));
        break;
      case 'go':
        if (this.selected) this.go(this.selected);
        break;
    }
  };

  private chooseLane(index: number): void {
    this.lane = Math.min(Math.max(index, 0), this.lanes.length - 1);
    this.selected = undefined;
    this.tell();
    this.redraw();
  }

  /** The next thing in the lane; first the one nearest to the middle of what is shown. */
  private chooseItem(way: number): void {
    const lane = this.lanes[this.lane];
    if (!this.model || !lane) return;
    const items = itemsIn(this.model, lane);
    const at = items.findIndex(({ from, to }) => from === this.selected?.from && to === this.selected.to);
    const middle = (this.stretch.from + this.stretch.to) / 2;
    const distance = (item: Item | undefined): number => (item ? Math.abs(item.from - middle) : Infinity);
    const nearest = items.reduce((best, item, index) => (distance(item) < distance(items[best]) ? index : best), 0);
    this.selected = items[at < 0 ? nearest : Math.min(Math.max(at + way, 0), items.length - 1)];
    if (this.selected) this.showTime(this.selected.from);
    this.tell();
    this.redraw();
  }
}
