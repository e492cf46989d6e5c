/**
 * A whole page table as the runs of protocol.ts: neighbouring entries that map consecutive pages in the same way become one
 * run. With a snapshot of an earlier stop, each run says what changed since (difference.ts).
 */
import { ENTRIES, isPointer, problemOfParts, PTE_FLAG_BITS, ROOT_LEVEL } from '../../emulator/isa/sv39';
import type { PteRun } from '../protocol';
import { changeOf, type Change } from './difference';
import { rangeAt, type PhysicalRange } from '../memory/memory-map';
import type { Regions } from '../xv6/regions';
import { childKey, isValid, ppnOf, ROOT_KEY, type TablePage, type TableSnapshot } from './snapshot';
import { problemText } from './translation';

export interface TreeOptions {
  /** Names the regions of the table. */
  regions?: Regions;
  /** The physical memory map (memory/memory-map.ts): entries that point elsewhere are marked. */
  physical: readonly PhysicalRange[];
  /** The same table at the stop before. */
  before?: TableSnapshot;
  /** Most runs of the tree; default MAX_RUNS. */
  maxRuns?: number;
}

export interface Tree {
  entries: PteRun[];
  truncated: boolean;
}

/** More than any real table needs; a larger tree could be neither sent nor drawn. */
const MAX_RUNS = 100_000;

/** Pages that one entry maps, by level. */
const PAGES = [1, 512, 512 * 512];

/** The properties of an entry that determine its run. */
interface Entry {
  low: number;
  high: number;
  ppn: number;
  change: Change;
  /** The value before, if `change` is 'changed'. */
  beforeLow: number;
  beforeHigh: number;
  problem: string | undefined;
}

/** Builds the runs of a snapshot. */
export function buildTree(now: TableSnapshot, options: TreeOptions): Tree {
  const maxRuns = options.maxRuns ?? MAX_RUNS;
  const { regions, before } = options;
  let runs = 0;
  let truncated = now.truncated;
  const ranges = options.physical;
  let lastRange: PhysicalRange | undefined;

  const answers = (ppn: number): boolean => {
    if (lastRange === undefined || ppn < lastRange.start || ppn >= lastRange.end) lastRange = rangeAt(ranges, ppn);
    return lastRange !== undefined;
  };

  const problemOf = (level: number, key: number, index: number, low: number, high: number, ppn: number) => {
    if (!isValid(low)) return undefined;
    const problem = problemOfParts(level, low & PTE_FLAG_BITS, high >>> 22, low >>> 10);
    if (problem) return problemText(problem, level);
    if (!isPointer(low)) return answers(ppn) ? undefined : 'points where nothing answers: neither RAM nor a device';
    if (now.pages.has(childKey(key, index)) || truncated) return undefined;
    return rangeAt(ranges, ppn)?.name === 'RAM'
      ? 'points back to a table above it: a circle'
      : 'the table it points to lies outside RAM';
  };

  const readEntry = (
    level: number,
    key: number,
    index: number,
    nowPage: TablePage | undefined,
    wasPage: TablePage | undefined,
  ): Entry | undefined => {
    let low = nowPage ? nowPage.words[2 * index]! : 0;
    let high = nowPage ? nowPage.words[2 * index + 1]! : 0;
    const beforeLow = wasPage ? wasPage.words[2 * index]! : 0;
    const beforeHigh = wasPage ? wasPage.words[2 * index + 1]! : 0;
    if ((low | high | beforeLow | beforeHigh) === 0) return undefined;
    const change = before ? changeOf(low, high, beforeLow, beforeHigh) : undefined;
    const removed = change === 'removed';
    if (removed) {
      low = beforeLow;
      high = beforeHigh;
    }
    const ppn = ppnOf(low, high);
    const problem = removed ? undefined : problemOf(level, key, index, low, high, ppn);
    return { low, high, ppn, change, beforeLow, beforeHigh, problem };
  };

  const write = runWriter();
  const buildTable = (level: number, key: number, vpn: number): PteRun[] => {
    const nowPage = now.pages.get(key);
    const wasPage = before?.pages.get(key);
    const out: PteRun[] = [];
    let entry: Entry | undefined;
    let index = 0;
    const advance = () => {
      index++;
      entry = index < ENTRIES ? readEntry(level, key, index, nowPage, wasPage) : undefined;
    };
    entry = readEntry(level, key, 0, nowPage, wasPage);
    while (index < ENTRIES) {
      if (!entry) {
        advance();
        continue;
      }
      if (runs >= maxRuns) {
        truncated = true;
        return out;
      }
      runs++;
      const first = entry;
      const firstIndex = index;
      const firstVpn = vpn + index * PAGES[level]!;
      const run = write(level, index, firstVpn, (nowPage ?? wasPage)!.page, first);
      out.push(run);
      if (isPointer(first.low) && level > 0) {
        run.children = buildTable(level - 1, childKey(key, index), firstVpn);
        advance();
        continue;
      }
      const region = nameOf(regions, firstVpn, first, level);
      if (region.name) run.region = region.name;
      const limit = region.pages / PAGES[level]!;
      if (nowPage && !first.problem && !first.change && isValid(first.low)) {
        const answering = (rangeAt(ranges, first.ppn)!.end - first.ppn) / PAGES[level]!;
        index += plainRun(nowPage.words, wasPage?.words, index, Math.min(limit, answering), PAGES[level]!) - 1;
      }
      advance();
      while (entry && index - firstIndex < limit && continues(first, entry, index - firstIndex, PAGES[level]!))
        advance();
      run.count = index - firstIndex;
    }
    return out;
  };

  const entries = buildTable(ROOT_LEVEL, ROOT_KEY, 0);
  return { entries, truncated };
}

/**
 * How many entries from `index` on, at most `limit`, map consecutive pages and are unchanged. A fast path for `continues`,
 * since nearly all entries of a kernel table are like this.
 */
function plainRun(
  words: Uint32Array,
  before: Uint32Array | undefined,
  index: number,
  limit: number,
  pages: number,
): number {
  const high = words[2 * index + 1];
  // The PPN starts at bit 10. A carry into the upper half ends the loop; `continues` takes over.
  const step = pages * 1024;
  let low = words[2 * index]!;
  let at = index + 1;
  for (; at < ENTRIES && at - index < limit; at++) {
    low += step;
    if (words[2 * at] !== low || words[2 * at + 1] !== high) break;
    if (before && (before[2 * at] !== low || before[2 * at + 1] !== high)) break;
  }
  return at - index;
}

/** Makes runs of one entry. Formats the upper digits, which neighbouring addresses share, only once. */
function runWriter() {
  const va = hexWriter();
  const pte = hexWriter();
  const pteAddress = hexWriter();
  const pa = hexWriter();
  return (level: number, index: number, vpn: number, tablePage: number, entry: Entry): PteRun => {
    const run: PteRun = {
      level,
      index,
      count: 1,
      // In a canonical VA, bits 39 to 63 equal bit 38; the digits above 53 bits are prepended.
      va: vpn < 2 ** 26 ? pageText(va, vpn) : `0xffffff${pageText(va, vpn + 2 ** 27).slice(2)}`,
      pte: entry.high >>> 21 ? wordText(entry.low, entry.high) : pte(entry.high * 2 ** 32 + (entry.low >>> 0)),
      pteAddress: pteAddress(tablePage * 4096 + 8 * index),
      pa: pageText(pa, entry.ppn),
      flags: entry.low & PTE_FLAG_BITS,
    };
    if (entry.problem) run.problem = entry.problem;
    if (entry.change) {
      run.change = entry.change === 'touched' ? 'changed' : entry.change;
      if (run.change === 'changed') run.before = wordText(entry.beforeLow, entry.beforeHigh);
      if (entry.change === 'touched') run.touchedOnly = true;
    }
    return run;
  };
}

const THREE_DIGITS = Array.from({ length: 4096 }, (_, value) => value.toString(16).padStart(3, '0'));

/** Formats values below 2^53 in hexadecimal; fast if a value is near the one before. */
function hexWriter(): (value: number) => string {
  let lastUpper = 0;
  let prefix = '0x';
  return (value) => {
    const upper = Math.floor(value / 4096);
    if (upper === 0) return `0x${value.toString(16)}`;
    if (upper !== lastUpper) {
      lastUpper = upper;
      prefix = `0x${upper.toString(16)}`;
    }
    return prefix + THREE_DIGITS[value - upper * 4096];
  };
}

const pageText = (write: (value: number) => string, page: number): string => (page === 0 ? '0x0' : write(page) + '000');

/** The two halves of a 64-bit word. */
const wordText = (low: number, high: number): string =>
  high ? `0x${(high >>> 0).toString(16)}${(low >>> 0).toString(16).padStart(8, '0')}` : `0x${(low >>> 0).toString(16)}`;

/** Whether `next` continues the run of `first` at a distance of `distance` entries. */
function continues(first: Entry, next: Entry, distance: number, pages: number): boolean {
  if (
    next.change !== first.change ||
    next.problem !== first.problem ||
    (next.low & PTE_FLAG_BITS) !== (first.low & PTE_FLAG_BITS) ||
    next.high >>> 22 !== first.high >>> 22 ||
    next.ppn !== first.ppn + distance * pages
  )
    return false;
  if (first.change !== 'changed' && first.change !== 'touched') return true;
  // The values before must form a run too, since only the first entry's `before` is reported.
  return (
    (next.beforeLow & PTE_FLAG_BITS) === (first.beforeLow & PTE_FLAG_BITS) &&
    ppnOf(next.beforeLow, next.beforeHigh) === ppnOf(first.beforeLow, first.beforeHigh) + distance * pages
  );
}

function nameOf(
  regions: Regions | undefined,
  vpn: number,
  entry: Entry,
  level: number,
): { name: string | undefined; pages: number } {
  const flags = entry.low & PTE_FLAG_BITS;
  if (!regions || !isValid(entry.low)) return { name: undefined, pages: Infinity };
  const first = regions.nameAt(vpn, entry.ppn, flags);
  if (level === 0 || first.pages >= PAGES[level]!) return first;
  // A superpage may contain several regions: it has all their names, and is a run of its own.
  const names: string[] = [];
  for (let done = 0, part = first; done < PAGES[level]!; part = regions.nameAt(vpn + done, entry.ppn + done, flags)) {
    if (part.name && !names.includes(part.name)) names.push(part.name);
    done += part.pages;
    if (names.length === 4) break;
  }
  return { name: names.join(', ') || undefined, pages: PAGES[level]! };
}
