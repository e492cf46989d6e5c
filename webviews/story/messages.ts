/**
 * The messages between the Stop view's page and the extension, and the checks on arrival: a webview's messages are hostile input,
 * and so is what a guest has in its memory. No function here throws.
 */
import type {
  Story,
  StoryEvent,
  StoryLine,
  StoryPlace,
  StorySection,
  StoryTarget,
  StoryWalk,
} from '../../debug-adapter/protocol';
import { isCount, isObject, isOptional, isText } from '../message-checks';

/** From the extension to the page. */
export type ToStory =
  /** What the stop is about, in place of what was told before; without a story, there is nothing to explain. */
  | { type: 'story'; story?: Story }
  /** The guest runs, so what is shown is as of the last stop; or the session has ended. */
  | { type: 'running' }
  | { type: 'ended' }
  /** Why nothing can be told. */
  | { type: 'failed'; message: string };

/** From the page to the extension. */
export type FromStory =
  /** The page is loaded and listens. */
  | { type: 'ready' }
  /** Go to a place, an instant, a table, a process. */
  | { type: 'follow'; target: StoryTarget };

const MOST_HARTS = 8;
const LONGEST = 4000;
/** More than the debugger ever sends. */
const MOST = 1000;

export function readFromStory(message: unknown): FromStory | undefined {
  if (!isObject(message)) return undefined;
  const { type, target } = message;
  if (type === 'ready') return { type };
  return type === 'follow' && isTarget(target) ? { type, target } : undefined;
}

export function readToStory(message: unknown): ToStory | undefined {
  if (!isObject(message)) return undefined;
  const { type, story } = message;
  switch (type) {
    case 'running':
    case 'ended':
      return { type };
    case 'failed':
      return isText(message['message'], LONGEST) ? { type, message: message['message'] } : undefined;
    case 'story':
      if (story === undefined) return { type };
      return isStory(story) ? { type, story } : undefined;
    default:
      return undefined;
  }
}

export const isStory = (value: unknown): value is Story =>
  isObject(value) &&
  isCount(value['stop']) &&
  isText(value['title'], LONGEST) &&
  isList(value['lines'], isLine) &&
  isList(value['sections'], isSection) &&
  isPast(value['past']);

const isPast = (value: unknown): boolean => isOneOf(value, 'not asked', 'looking', 'told', 'given up');

const isLine = (value: unknown): value is StoryLine =>
  isObject(value) &&
  isText(value['text'], LONGEST) &&
  isList(
    value['links'],
    (link) => isObject(link) && isCount(link['from']) && isCount(link['to']) && isTarget(link['target']),
  );

const isSection = (value: unknown): value is StorySection =>
  isObject(value) &&
  isOneOf(value['about'], 'cause', 'trap', 'entry', 'page', 'table', 'process', 'address') &&
  isText(value['title'], LONGEST) &&
  isList(value['lines'], isLine) &&
  isOptional(value['walk'], isWalk) &&
  isOptional(value['events'], (events) => isList(events, isEvent)) &&
  isPast(value['past']);

const isWalk = (value: unknown): value is StoryWalk =>
  isObject(value) &&
  [value['va'], value['id'], value['table'], value['root']].every((text) => isText(text, LONGEST)) &&
  isOptional(value['pa'], isWord) &&
  isList(
    value['steps'],
    (step) =>
      isObject(step) &&
      isCount(step['level']) &&
      isCount(step['index']) &&
      isOptional(step['pte'], isWord) &&
      isOptional(step['pa'], isWord) &&
      isText(step['flags'], 64) &&
      isText(step['meaning'], LONGEST) &&
      isOptional(step['decides'], (bits) => isList(bits, (bit) => isText(bit, 16))),
  );

const isEvent = (value: unknown): value is StoryEvent =>
  isObject(value) &&
  isText(value['what'], LONGEST) &&
  isText(value['instant'], 64) &&
  isOptional(value['hart'], isHart) &&
  isText(value['ago'], 64) &&
  isOptional(
    value['process'],
    (process) => isObject(process) && Number.isSafeInteger(process['pid']) && isText(process['name'], 64),
  ) &&
  isList(value['places'], isPlace);

const isPlace = (value: unknown): value is StoryPlace =>
  isObject(value) &&
  isText(value['text'], LONGEST) &&
  isText(value['function'], LONGEST) &&
  isOptional(value['path'], (path) => isText(path, LONGEST)) &&
  isOptional(value['line'], isCount);

function isTarget(value: unknown): value is StoryTarget {
  if (!isObject(value)) return false;
  switch (value['kind']) {
    case 'place':
      return isText(value['path'], LONGEST) && isCount(value['line']);
    case 'instant':
      return isText(value['instant'], 64) && isOptional(value['hart'], isHart);
    case 'table':
      return isText(value['id'], 64);
    case 'process':
      return Number.isSafeInteger(value['pid']);
    default:
      return false;
  }
}

const isHart = (value: unknown): boolean => isCount(value) && value < MOST_HARTS;
const isWord = (value: unknown): boolean => isText(value, 32);
const isOneOf = (value: unknown, ...known: readonly string[]): boolean => known.some((one) => one === value);
const isList = (value: unknown, check: (element: unknown) => boolean): boolean =>
  Array.isArray(value) && value.length <= MOST && value.every(check);
