/** The lanes of the timeline, one below the other, and what is in them: for the mouse, the keyboard, and in words. */
import type { TimelineLane, TimelineMark, TimelineModel, TimelineSpan } from '../../debug-adapter/protocol';
import { timeText } from './scale';

export interface Lane {
  readonly id: string;
  readonly label: string;
  /** Of a lane of a hart. */
  readonly hart?: number;
  /** Of a lane of events. */
  readonly marks?: TimelineLane;
  /** In pixels from the top of the lanes. */
  readonly top: number;
  readonly height: number;
}

/** Something in a lane that one can point at. */
export interface Item {
  readonly from: number;
  readonly to: number;
  /** What it is, and when. */
  readonly text: string;
  /** Where a click leads. */
  readonly go: { instant: string; hart: number } | { time: number; hart: number };
}

const HART = 22;
const MARKS = 20;
const GAP = 4;

const MARK_LANES: readonly { marks: TimelineLane; label: string }[] = [
  { marks: 'traps', label: 'Traps' },
  { marks: 'satp', label: 'satp' },
  { marks: 'console', label: 'Console' },
  { marks: 'packets', label: 'Packets' },
  { marks: 'stops', label: 'Stops' },
  { marks: 'bookmarks', label: 'Bookmarks' },
];

const RARE: readonly TimelineLane[] = ['packets', 'bookmarks'];

/** Of packets and of bookmarks there is a lane only if there are any. */
export function lanesOf({ harts, marks }: Pick<TimelineModel, 'harts' | 'marks'>): Lane[] {
  let top = 0;
  const place = (height: number): { top: number; height: number } => {
    const placed = { top, height };
    top += height + GAP;
    return placed;
  };
  return [
    ...Array.from({ length: harts }, (_, hart) => ({
      id: `hart-${hart}`,
      label: `Hart ${hart}`,
      hart,
      ...place(HART),
    })),
    ...MARK_LANES.filter(({ marks: lane }) => !RARE.includes(lane) || marks.some((one) => one.lane === lane)).map(
      (lane) => ({ id: lane.marks, ...lane, ...place(MARKS) }),
    ),
  ];
}

export const heightOf = (lanes: readonly Lane[]): number => {
  const last = lanes.at(-1);
  return last ? last.top + last.height : 0;
};

/** The lane at a height. */
export const laneAt = (lanes: readonly Lane[], y: number): Lane | undefined =>
  lanes.find(({ top, height }) => y >= top - GAP / 2 && y < top + height + GAP / 2);

/** All in a lane, in the order of time. */
export function itemsIn(model: TimelineModel, lane: Lane): Item[] {
  const items = lane.marks
    ? model.marks.filter((mark) => mark.lane === lane.marks).map((mark) => markItem(model, mark))
    : [
        ...model.spans.filter(({ hart }) => hart === lane.hart).map((span) => spanItem(model, span)),
        ...model.samples.flatMap((sample) => sampleItem(model, sample, lane.hart!)),
      ];
  return items.sort((a, b) => a.from - b.from);
}

/** What lies at a time: of events the nearest that is no farther away than some time. */
export function itemAt(items: readonly Item[], lane: Lane, time: number, reach: number): Item | undefined {
  if (lane.marks === undefined) return items.find(({ from, to }) => from <= time && (to > time || from === to));
  const distance = ({ from }: Item): number => Math.abs(from - time);
  const near = items.filter((item) => distance(item) <= reach);
  return near.reduce<Item | undefined>(
    (best, item) => (best && distance(best) <= distance(item) ? best : item),
    undefined,
  );
}

function markItem(model: TimelineModel, { time, instant, hart, text, count, kinds }: TimelineMark): Item {
  const at = timeText(time, model.column);
  const first = text === '' ? '(an empty line)' : text;
  const several = kinds.map(([kind, number]) => `${number.toLocaleString('en')} ${plural(kind, number)}`).join(', ');
  return {
    ...{ from: time, to: time, go: { instant, hart } },
    text: count === 1 ? `${first} · at ${at}` : `${several} · first: ${first} · at ${at}`,
  };
}

function spanItem(model: TimelineModel, { hart, from, to, shares }: TimelineSpan): Item {
  const parts = shares.map(([state, part]) => {
    const { text } = model.states[state]!;
    return shares.length === 1 && part > 0.995 ? text : `${text} ${percent(part)}`;
  });
  const times = `${timeText(from, model.column)} to ${timeText(to, model.column)}`;
  return { ...{ from, to, go: { time: from, hart } }, text: `Hart ${hart}: ${parts.join('; ')} · ${times}` };
}

function sampleItem(model: TimelineModel, { time, states }: TimelineModel['samples'][number], hart: number): Item[] {
  const state = model.states[states[hart] ?? -1];
  if (state === undefined) return [];
  const text = `Hart ${hart}: ${state.text} · at ${timeText(time, model.column)}, a sample`;
  return [{ ...{ from: time, to: time + model.column, go: { time, hart } }, text }];
}

const percent = (part: number): string => (part < 0.01 ? 'less than 1 %' : `${Math.round(part * 100)} %`);

const plural = (kind: string, count: number): string => (count === 1 ? kind : `${kind}s`);

/** Of the stretch that is shown, the part of which everything is known, from 0 to 1. */
export function partRead({ from, to, read }: Pick<TimelineModel, 'from' | 'to' | 'read'>): number {
  if (to <= from) return 1;
  const known = read.reduce((sum, [start, end]) => sum + Math.max(0, Math.min(end, to) - Math.max(start, from)), 0);
  return Math.min(1, known / (to - from));
}
