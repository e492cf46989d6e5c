/**
 * The messages between the page-table panel and the extension, and the checks on arrival: a webview's messages are hostile
 * input, and so is a model read from a guest. No function here throws.
 */
import type { AddressArea, PageTableModel, PageTableRoot, PteRun } from '../../debug-adapter/protocol';
import { isCount, isObject, isOptional, isText } from '../message-checks';

/** From the extension to the panel. */
export type ToPanel =
  /** A table at a stop. */
  | { type: 'model'; model: PageTableModel }
  /** The guest runs, so the table shown is of the last stop; or the session has ended. */
  | { type: 'running' }
  | { type: 'ended' }
  /** Why the table could not be read. */
  | { type: 'failed'; message: string };

/** From the panel to the extension. */
export type FromPanel =
  /** The panel is loaded and listens. */
  | { type: 'ready' }
  /** Show another root, by its id. */
  | { type: 'root'; root: string }
  /** Write the drawing to a file. */
  | { type: 'export' };

export function readFromPanel(message: unknown): FromPanel | undefined {
  if (!isObject(message)) return undefined;
  const { type, root } = message;
  if (type === 'ready' || type === 'export') return { type };
  if (type === 'root' && isText(root, 64)) return { type, root };
  return undefined;
}

export function readToPanel(message: unknown): ToPanel | undefined {
  if (!isObject(message)) return undefined;
  const { type } = message;
  if (type === 'running' || type === 'ended') return { type };
  if (type === 'failed' && isText(message['message'], 2000)) return { type, message: message['message'] };
  if (type === 'model' && isPageTableModel(message['model'])) return { type, model: message['model'] };
  return undefined;
}

/** Checks a whole model, every entry of it. */
export function isPageTableModel(value: unknown): value is PageTableModel {
  return (
    isObject(value) &&
    isArrayOf(value['roots'], isRoot) &&
    isRoot(value['shown']) &&
    isOptional(value['message'], (message) => isText(message, 2000)) &&
    isCount(value['stop']) &&
    isArrayOf(value['entries'], (entry) => isRun(entry, 2)) &&
    isArrayOf(value['areas'], (area) => isArea(area, true)) &&
    isCount(value['leaves']) &&
    isCount(value['tablePages']) &&
    typeof value['truncated'] === 'boolean'
  );
}

function isRoot(value: unknown): value is PageTableRoot {
  return (
    isObject(value) &&
    isText(value['id'], 64) &&
    isText(value['label'], 200) &&
    isOptional(value['root'], isHexadecimal)
  );
}

/** Checks an entry of level `highest` or below; its children are one level lower, so no model is deeper than Sv39's three. */
function isRun(value: unknown, highest: number): value is PteRun {
  if (!isObject(value)) return false;
  const { level, index, count, children } = value;
  return (
    isCount(level) &&
    level <= highest &&
    isCount(index) &&
    isCount(count) &&
    count >= 1 &&
    index + count <= 512 &&
    isHexadecimal(value['va']) &&
    isHexadecimal(value['pte']) &&
    isHexadecimal(value['pteAddress']) &&
    isHexadecimal(value['pa']) &&
    isCount(value['flags']) &&
    isOptional(value['region'], (region) => isText(region, 200)) &&
    isOptional(value['problem'], (problem) => isText(problem, 500)) &&
    isOptional(value['change'], (change) => change === 'added' || change === 'removed' || change === 'changed') &&
    isOptional(value['before'], isHexadecimal) &&
    isOptional(value['touchedOnly'], (touched) => typeof touched === 'boolean') &&
    isOptional(children, (entries) => level > 0 && isArrayOf(entries, (entry) => isRun(entry, level - 1)))
  );
}

/** Checks an area, whose parts have none themselves. */
function isArea(value: unknown, mayHaveParts: boolean): value is AddressArea {
  return (
    isObject(value) &&
    isHexadecimal(value['va']) &&
    isHexadecimal(value['last']) &&
    BigInt(value['va']) <= BigInt(value['last']) &&
    isCount(value['pages']) &&
    isOptional(value['pa'], isHexadecimal) &&
    isCount(value['flags']) &&
    isOptional(value['region'], (region) => isText(region, 200)) &&
    isOptional(value['problem'], (problem) => isText(problem, 500)) &&
    isOptional(value['merged'], isCount) &&
    isOptional(value['repeats'], isCount) &&
    isOptional(value['parts'], (parts) => mayHaveParts && isArrayOf(parts, (part) => isArea(part, false)))
  );
}

function isHexadecimal(value: unknown): value is string {
  return typeof value === 'string' && /^0x[\da-f]{1,16}$/.test(value);
}

function isArrayOf<Element>(value: unknown, check: (element: unknown) => element is Element): value is Element[];
function isArrayOf(value: unknown, check: (element: unknown) => boolean): boolean;
function isArrayOf(value: unknown, check: (element: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(check);
}
