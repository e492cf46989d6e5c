/**
 * The messages between the timeline and the extension, and the checks on arrival: a webview's messages are hostile input, and
 * so is what a guest has printed. No function here throws.
 */
import type { TimelineMark, TimelineModel, TimelineSpan, TimelineState } from '../../debug-adapter/protocol';
import { isCount, isObject, isOptional, isText } from '../message-checks';

/** From the extension to the view. */
export type ToTimeline =
  /** What is known of the stretch that was asked for last. */
  | { type: 'model'; model: TimelineModel }
  /** The guest runs, so what is shown is as of the last stop; or the session has ended. */
  | { type: 'running' }
  | { type: 'ended' }
  /** Why nothing can be told. */
  | { type: 'failed'; message: string };

/** From the view to the extension. */
export type FromTimeline =
  /** The view is loaded and listens. */
  | { type: 'ready' }
  /** Tell of a stretch of time, in so many columns; without `from` and `to` of all of it. */
  | { type: 'look'; from?: number; to?: number; columns: number }
  /** Read no more of it than is known. */
  | { type: 'stop' }
  /** Go to an instant by its name, or to a time; the stack of the hart is shown there. */
  | { type: 'go'; instant?: string; time?: number; hart?: number };

const MOST_COLUMNS = 800;
const MOST_HARTS = 8;
/** More than the debugger ever sends. */
const MOST = 20_000;

export function readFromTimeline(message: unknown): FromTimeline | undefined {
  if (!isObject(message)) return undefined;
  const { type, from, to, columns, instant, time, hart } = message;
  switch (type) {
    case 'ready':
    case 'stop':
      return { type };
    case 'look': {
      if (!isCount(columns) || columns < 1 || columns > MOST_COLUMNS) return undefined;
      if (from === undefined && to === undefined) return { type, columns };
      return isCount(from) && isCount(to) ? { type, from, to, columns } : undefined;
    }
    case 'go': {
      if (hart !== undefined && !(isCount(hart) && hart < MOST_HARTS)) return undefined;
      const on = hart === undefined ? {} : { hart };
      if (isText(instant, 64)) return { type, instant, ...on };
      return isCount(time) ? { type, time, ...on } : undefined;
    }
    default:
      return undefined;
  }
}

export function readToTimeline(message: unknown): ToTimeline | undefined {
  if (!isObject(message)) return undefined;
  const { type } = message;
  if (type === 'running' || type === 'ended') return { type };
  if (type === 'failed' && isText(message['message'], 2000)) return { type, message: message['message'] };
  if (type === 'model' && isTimelineModel(message['model'])) return { type, model: message['model'] };
  return undefined;
}

export function isTimelineModel(value: unknown): value is TimelineModel {
  if (!isObject(value)) return false;
  const { harts, states, samples } = value;
  if (!isCount(harts) || harts > MOST_HARTS || !isList(states, isState)) return false;
  const isNumber = (state: unknown): boolean => isCount(state) && state < states.length;
  return (
    [value['start'], value['present'], value['from'], value['to']].every(isCount) &&
    isOptional(value['here'], isCount) &&
    isCount(value['column']) &&
    value['column'] >= 1 &&
    isList(value['spans'], (span) => isSpan(span, harts, isNumber)) &&
    isList(value['marks'], isMark) &&
    isList(value['read'], (one) => isList(one, isCount) && one.length === 2) &&
    isList(samples, (one) => isObject(one) && isCount(one['time']) && isList(one['states'], isNumber)) &&
    typeof value['reading'] === 'boolean' &&
    typeof value['long'] === 'boolean'
  );
}

const isState = (value: unknown): value is TimelineState =>
  isObject(value) &&
  isText(value['text'], 200) &&
  isOneOf(value['does'], 'user', 'kernel', 'machine', 'idle') &&
  isOptional(value['pid'], Number.isSafeInteger);

const isSpan = (value: unknown, harts: number, isNumber: (state: unknown) => boolean): value is TimelineSpan =>
  isObject(value) &&
  isCount(value['hart']) &&
  value['hart'] < harts &&
  isCount(value['from']) &&
  isCount(value['to']) &&
  isList(
    value['shares'],
    (share) =>
      isList(share, (one) => typeof one === 'number') && share.length === 2 && isNumber(share[0]) && isPart(share[1]),
  ) &&
  value['shares'].length > 0;

const isMark = (value: unknown): value is TimelineMark =>
  isObject(value) &&
  isOneOf(value['lane'], 'traps', 'satp', 'console', 'packets', 'stops', 'bookmarks') &&
  isCount(value['time']) &&
  isText(value['instant'], 64) &&
  isCount(value['hart']) &&
  isText(value['text'], 2000) &&
  isCount(value['count']) &&
  value['count'] >= 1 &&
  isList(
    value['kinds'],
    (kind) => Array.isArray(kind) && kind.length === 2 && isText(kind[0], 200) && isCount(kind[1]),
  );

const isPart = (value: unknown): boolean => typeof value === 'number' && value >= 0 && value <= 1.000001;

const isOneOf = (value: unknown, ...known: readonly string[]): boolean => known.some((one) => one === value);

function isList<Element>(value: unknown, check: (element: unknown) => element is Element): value is Element[];
function isList(value: unknown, check: (element: unknown) => boolean): value is unknown[];
function isList(value: unknown, check: (element: unknown) => boolean): boolean {
  return Array.isArray(value) && value.length <= MOST && value.every(check);
}
