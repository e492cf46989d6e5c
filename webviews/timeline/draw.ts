/** Draws the lanes onto a canvas. What is not known is hatched; a coarser picture from before shows through there. */
import type { TimelineLane, TimelineMark, TimelineModel, TimelineSpan } from '../../debug-adapter/protocol';
import { type Colours, markColour, paintOf } from './colours';
import { gaps } from './gaps';
import { heightOf, type Item, type Lane } from './lanes';
import { pixelOf, type Stretch, ticks } from './scale';

/** Height of the axis above the lanes, in pixels. */
export const AXIS = 24;
/** Pixels between the lines of a hatch. */
const HATCH = 7;
const PLACES: readonly TimelineLane[] = ['stops', 'bookmarks'];
/** Of the narrowest text that is written into a span. */
const LEGIBLE = 34;

export interface Picture {
  readonly width: number;
  readonly stretch: Stretch;
  readonly lanes: readonly Lane[];
  readonly model: TimelineModel;
  /** Of all that was known at another scale, if there is. */
  readonly before?: TimelineModel | undefined;
  readonly selected?: { lane: Lane; item: Item } | undefined;
  readonly colours: Colours;
  readonly font: string;
}

export const pictureHeight = (lanes: readonly Lane[]): number => AXIS + heightOf(lanes) + 6;

export function draw(context: CanvasRenderingContext2D, picture: Picture): void {
  const { width, lanes, model, before, colours, font } = picture;
  context.clearRect(0, 0, width, pictureHeight(lanes));
  context.font = font;
  context.textBaseline = 'middle';
  for (const lane of lanes) {
    context.strokeStyle = colours.line;
    line(context, 0, AXIS + lane.top + lane.height + 0.5, width, AXIS + lane.top + lane.height + 0.5);
  }
  drawAxis(context, picture);
  const known = model.read.map(([from, to]) => [
    pixelOf(picture.stretch, width, from),
    pixelOf(picture.stretch, width, to),
  ]);
  const unknown = gaps(known as [number, number][], width);
  for (const [from, to] of unknown) {
    clipped(context, from, to, lanes, () => {
      if (before) drawModel(context, picture, before, 0.5);
      hatch(context, from, to, lanes, colours);
      drawSamples(context, picture);
    });
  }
  for (const [from, to] of known) clipped(context, from!, to!, lanes, () => drawModel(context, picture, model, 1));
  drawDots(context, picture);
  drawPlaces(context, picture);
  drawSelected(context, picture);
}

function drawAxis(context: CanvasRenderingContext2D, { stretch, width, colours, lanes }: Picture): void {
  for (const { time, text } of ticks(stretch, width)) {
    const x = Math.round(pixelOf(stretch, width, time)) + 0.5;
    context.strokeStyle = colours.line;
    context.globalAlpha = 0.6;
    line(context, x, AXIS - 6, x, AXIS + heightOf(lanes));
    context.globalAlpha = 1;
    context.fillStyle = colours.text;
    context.fillText(text, x + 3, AXIS / 2 - 2);
  }
}

function drawModel(context: CanvasRenderingContext2D, picture: Picture, model: TimelineModel, alpha: number): void {
  for (const lane of picture.lanes) {
    if (lane.hart === undefined) continue;
    for (const span of model.spans) if (span.hart === lane.hart) drawSpan(context, picture, model, lane, span, alpha);
  }
  for (const lane of picture.lanes) {
    if (lane.marks === undefined || PLACES.includes(lane.marks)) continue;
    const marks = model.marks.filter((mark) => mark.lane === lane.marks);
    if (lane.marks === 'console') drawLines(context, picture, lane, marks, alpha);
    else for (const mark of marks) drawMark(context, picture, lane, mark, alpha);
  }
}

/** A column that has several states is divided from top to bottom. */
function drawSpan(
  context: CanvasRenderingContext2D,
  { stretch, width, colours }: Picture,
  model: TimelineModel,
  lane: Lane,
  { from, to, shares }: TimelineSpan,
  alpha: number,
): void {
  const [left, right] = [pixelOf(stretch, width, from), pixelOf(stretch, width, to)];
  if (right < 0 || left > width) return;
  const across = Math.max(right - left, 1);
  let top = AXIS + lane.top;
  for (const [state, part] of shares) {
    const paint = paintOf(model.states[state]!, colours);
    const height = part * lane.height;
    if (paint) {
      context.globalAlpha = paint.alpha * alpha;
      context.fillStyle = paint.colour;
      context.fillRect(left, top, across, height);
    }
    top += height;
  }
  context.globalAlpha = alpha;
  const [[state]] = shares as [[number, number]];
  if (shares.length > 1 || across < LEGIBLE) return;
  const { text, does } = model.states[state]!;
  const name = does === 'idle' ? text : text.replace(/, in .*/, '');
  context.fillStyle = does === 'user' ? colours.background : colours.text;
  const start = Math.max(left, 0) + 4;
  const room = Math.min(right, width) - start - 2;
  if (context.measureText(name).width <= room) context.fillText(name, start, AXIS + lane.top + lane.height / 2);
}

/** The more there are in a column, the higher. */
function drawMark(
  context: CanvasRenderingContext2D,
  { stretch, width, colours }: Picture,
  lane: Lane,
  { time, count, kinds }: TimelineMark,
  alpha: number,
): void {
  const x = pixelOf(stretch, width, time);
  if (x < -2 || x > width + 2) return;
  const height = lane.height * Math.min(1, 0.4 + Math.log2(count) * 0.08);
  context.globalAlpha = alpha;
  context.fillStyle = markColour(kinds, colours);
  context.fillRect(Math.round(x) - 0.5, AXIS + lane.top + lane.height - height, 2, height);
}

/** A line of the console is written out as far as there is room before the next. */
function drawLines(
  context: CanvasRenderingContext2D,
  { stretch, width, colours }: Picture,
  lane: Lane,
  marks: readonly TimelineMark[],
  alpha: number,
): void {
  context.globalAlpha = alpha;
  context.fillStyle = colours.text;
  const middle = AXIS + lane.top + lane.height / 2;
  for (const [index, { time, text, count }] of marks.entries()) {
    const x = pixelOf(stretch, width, time);
    if (x < -1000 || x > width) continue;
    context.fillRect(Math.round(x) - 0.5, AXIS + lane.top + 4, 1.5, lane.height - 4);
    const next = marks[index + 1];
    const room = (next ? pixelOf(stretch, width, next.time) : width) - x - 8;
    if (room < LEGIBLE) continue;
    const shown = fitting(context, count === 1 ? text : `${text} … ${count - 1} more`, room);
    context.fillText(shown, x + 4, middle);
  }
}

/** What is known whatever has been read: a dot each. */
function drawDots(context: CanvasRenderingContext2D, { stretch, width, colours, lanes, model }: Picture): void {
  context.globalAlpha = 1;
  for (const mark of model.marks) {
    const lane = lanes.find(({ marks }) => marks === mark.lane && PLACES.includes(marks));
    if (!lane) continue;
    context.fillStyle = markColour(mark.kinds, colours);
    context.beginPath();
    context.arc(pixelOf(stretch, width, mark.time), AXIS + lane.top + lane.height / 2, 4.5, 0, 2 * Math.PI);
    context.fill();
  }
}

function drawSamples(context: CanvasRenderingContext2D, { stretch, width, colours, lanes, model }: Picture): void {
  for (const { time, states } of model.samples) {
    const x = pixelOf(stretch, width, time);
    for (const { hart, top, height } of lanes) {
      const state = hart === undefined ? undefined : model.states[states[hart] ?? -1];
      const paint = state && paintOf(state, colours);
      if (!paint) continue;
      context.globalAlpha = paint.alpha;
      context.fillStyle = paint.colour;
      context.fillRect(x - 1, AXIS + top, 3, height);
    }
  }
}

/** Where the machine stands, and where the present is. */
function drawPlaces(context: CanvasRenderingContext2D, { stretch, width, colours, lanes, model }: Picture): void {
  const place = (time: number, text: string, colour: string, dash: number[]): void => {
    const x = Math.min(pixelOf(stretch, width, time), width - 1);
    if (time < stretch.from || time > stretch.to) return;
    context.globalAlpha = 1;
    context.strokeStyle = context.fillStyle = colour;
    context.lineWidth = 2;
    context.setLineDash(dash);
    line(context, x, AXIS - 6, x, AXIS + heightOf(lanes) + 4);
    context.setLineDash([]);
    context.lineWidth = 1;
    const room = context.measureText(text).width + 8;
    const left = x + room > width ? x - room : x;
    context.fillRect(left, 2, room, AXIS - 8);
    context.fillStyle = colours.background;
    context.fillText(text, left + 4, AXIS / 2 - 2);
  };
  const isPresent = model.here === undefined || model.here >= model.present;
  place(
    model.present,
    isPresent && model.here !== undefined ? 'here, at the present' : 'present',
    colours.text,
    [4, 3],
  );
  if (model.here !== undefined && !isPresent) place(model.here, 'here', colours.here, []);
}

function drawSelected(context: CanvasRenderingContext2D, { stretch, width, colours, selected }: Picture): void {
  if (!selected) return;
  const { lane, item } = selected;
  const [left, right] = [pixelOf(stretch, width, item.from), pixelOf(stretch, width, item.to)];
  context.globalAlpha = 1;
  context.strokeStyle = colours.selected;
  context.lineWidth = 2;
  const start = Math.max(left - 3, 1);
  context.strokeRect(start, AXIS + lane.top - 1, Math.max(Math.min(right + 3, width - 1) - start, 6), lane.height + 2);
  context.lineWidth = 1;
}

function hatch(
  context: CanvasRenderingContext2D,
  from: number,
  to: number,
  lanes: readonly Lane[],
  colours: Colours,
): void {
  const height = heightOf(lanes);
  context.globalAlpha = 0.35;
  context.strokeStyle = colours.faint;
  const start = Math.floor((from - height) / HATCH) * HATCH;
  for (let x = start; x < to; x += HATCH) line(context, x, AXIS + height, x + height, AXIS);
  context.globalAlpha = 1;
}

function clipped(
  context: CanvasRenderingContext2D,
  from: number,
  to: number,
  lanes: readonly Lane[],
  action: () => void,
): void {
  context.save();
  context.beginPath();
  context.rect(from, AXIS - 6, to - from, heightOf(lanes) + 12);
  context.clip();
  action();
  context.restore();
}

function fitting(context: CanvasRenderingContext2D, text: string, room: number): string {
  if (context.measureText(text).width <= room) return text;
  const part = Math.floor((text.length * room) / context.measureText(text).width) - 1;
  return part > 2 ? `${text.slice(0, part)}…` : '';
}

function line(context: CanvasRenderingContext2D, x1: number, y1: number, x2: number, y2: number): void {
  context.beginPath();
  context.moveTo(x1, y1);
  context.lineTo(x2, y2);
  context.stroke();
}
