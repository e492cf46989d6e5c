/** Checks on what the debugger says of page tables and frames, which is read from a guest. No function here throws. */
import type {
  AddressArea,
  ExposureModel,
  FrameMapping,
  FrameRun,
  FramesModel,
  PageTableModel,
  PageTableRoot,
  PteRun,
} from '../../debug-adapter/protocol';
import { isCount, isObject, isOptional, isText } from '../message-checks';

/** Checks a whole model, every entry of it. */
export function isPageTableModel(value: unknown): value is PageTableModel {
  return (
    isObject(value) &&
    isArrayOf(value['roots'], isRoot) &&
    isRoot(value['shown']) &&
    isOptional(value['message'], (message) => isText(message, 2000)) &&
    isOptional(value['compared'], (compared) => isText(compared, 400)) &&
    isCount(value['stop']) &&
    isArrayOf(value['entries'], (entry) => isRun(entry, 2)) &&
    isArrayOf(value['areas'], (area) => isArea(area, true)) &&
    isArrayOf(value['watched'], isHexadecimal) &&
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

export function isExposureModel(value: unknown): value is ExposureModel {
  return (
    isObject(value) &&
    isText(value['root'], 64) &&
    isSeen(value) &&
    isOptional(value['kernel'], (kernel) => isObject(kernel) && isSeen(kernel))
  );
}

/** A table as a program's processor sees it, or would. */
const isSeen = ({ label, areas, exposed }: Record<string, unknown>): boolean =>
  isText(label, 300) && isArrayOf(areas, (area) => isArea(area, true)) && isCount(exposed);

/** What each frame of RAM may be for. */
export const USES = [
  'boot',
  'text',
  'data',
  'free',
  'table',
  'mapped',
  'shared',
  'kernel',
  'leaked',
  'unknown',
] as const;

export function isFramesModel(value: unknown): value is FramesModel {
  if (!isObject(value)) return false;
  const { totals } = value;
  return (
    isArrayOf(value['runs'], isFrameRun) &&
    isObject(totals) &&
    USES.every((use) => isCount(totals[use])) &&
    isArrayOf(value['notes'], (note) => isText(note, 500))
  );
}

function isFrameRun(value: unknown): value is FrameRun {
  return (
    isObject(value) &&
    isHexadecimal(value['pa']) &&
    isCount(value['count']) &&
    value['count'] >= 1 &&
    USES.some((use) => use === value['use']) &&
    isOptional(value['table'], (table) => isObject(table) && isText(table['label'], 300) && isCount(table['level'])) &&
    isArrayOf(value['mappings'], isMapping) &&
    isOptional(value['more'], isCount) &&
    isOptional(value['problem'], (problem) => isText(problem, 500))
  );
}

function isMapping(value: unknown): value is FrameMapping {
  return (
    isObject(value) &&
    isText(value['root'], 64) &&
    isText(value['label'], 300) &&
    isHexadecimal(value['va']) &&
    isCount(value['flags']) &&
    isOptional(value['region'], (region) => isText(region, 200))
  );
}

export function isHexadecimal(value: unknown): value is string {
  return typeof value === 'string' && /^0x[\da-f]{1,16}$/.test(value);
}

function isArrayOf<Element>(value: unknown, check: (element: unknown) => element is Element): value is Element[];
function isArrayOf(value: unknown, check: (element: unknown) => boolean): boolean;
function isArrayOf(value: unknown, check: (element: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(check);
}
