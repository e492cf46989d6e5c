/** The part of a run that is shown: zooming, moving, where a time lies on the screen, and times in words. Times are in instructions. */

/** Instructions of a millisecond of virtual time. */
export const MILLISECOND = 100_000;

export interface Stretch {
  readonly from: number;
  readonly to: number;
}

/** Instructions of the shortest stretch that is shown. */
const SHORTEST = 40;
/** Pixels between two labels of the axis, at least. */
const LABEL = 110;

/** A stretch of another length around a time that stays where it is on the screen, within bounds. */
export function zoomed({ from, to }: Stretch, bounds: Stretch, around: number, factor: number): Stretch {
  const most = Math.max(bounds.to - bounds.from, 1);
  const length = Math.min(Math.max((to - from) * factor, Math.min(SHORTEST, most)), most);
  const part = to > from ? (around - from) / (to - from) : 0.5;
  return within({ from: around - part * length, to: around + (1 - part) * length }, bounds);
}

/** A stretch of the same length, later by some time, within bounds. */
export const moved = ({ from, to }: Stretch, bounds: Stretch, by: number): Stretch =>
  within({ from: from + by, to: to + by }, bounds);

/** A stretch that shows a time: the same, if it does. */
export function showing(stretch: Stretch, bounds: Stretch, time: number): Stretch {
  if (time >= stretch.from && time <= stretch.to) return stretch;
  return moved(stretch, bounds, time - (stretch.from + stretch.to) / 2);
}

function within({ from, to }: Stretch, bounds: Stretch): Stretch {
  const length = Math.min(to - from, bounds.to - bounds.from);
  const start = Math.min(Math.max(from, bounds.from), bounds.to - length);
  return { from: start, to: start + length };
}

export const pixelOf = ({ from, to }: Stretch, width: number, time: number): number =>
  to > from ? ((time - from) / (to - from)) * width : 0;

export const timeAt = ({ from, to }: Stretch, width: number, pixel: number): number =>
  width > 0 ? from + (pixel / width) * (to - from) : from;

/** Labels of the axis: at round times, so far apart that they can be read. */
export function ticks(stretch: Stretch, width: number): { time: number; text: string }[] {
  const wanted = ((stretch.to - stretch.from) * LABEL) / Math.max(width, 1);
  const power = 10 ** Math.floor(Math.log10(Math.max(wanted, 1)));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= wanted) ?? 10);
  const found: { time: number; text: string }[] = [];
  for (let time = Math.ceil(stretch.from / step) * step; time <= stretch.to && found.length < 100; time += step)
    found.push({ time, text: timeText(time, step) });
  return found;
}

/** "12.4 ms", as exactly as a step of time asks for. */
export function timeText(time: number, step: number): string {
  const isLong = step >= 100 * MILLISECOND;
  const unit = isLong ? 1000 * MILLISECOND : MILLISECOND;
  const digits = Math.min(Math.max(Math.ceil(-Math.log10(Math.max(step, 1) / unit)), 0), 5);
  const format = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return `${(time / unit).toLocaleString('en', format)} ${isLong ? 's' : 'ms'}`;
}
