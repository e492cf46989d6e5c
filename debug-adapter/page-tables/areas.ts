/**
 * An address space as the figures of the xv6 book draw it (3.3 and 3.4): neighbouring pages that are the same thing in the same
 * way become one area, from 0 upwards. What repeats is folded, and what would be too much to draw is merged, and says so.
 */
import { hex } from '../../emulator/isa/hex';
import { PTE } from '../../emulator/isa/sv39';
import type { AddressArea, PteRun } from '../protocol';
import { NOT_MAPPED, type Regions } from '../xv6/regions';

/** Areas of one drawing; more are merged, by ever larger tables. */
const MOST = 300;
/** Areas of a pattern that are listed. */
const MOST_PARTS = 128;
/** Parts by their names of what is not mapped between two areas. */
const MOST_UNMAPPED = 1000;
/** Repetitions from which on a pattern is folded, and the areas of one, at most. */
const REPEATS = 4;
const PERIODS = [1, 2];
/** Pages of the lower half of an address space, up to MAXVA, and of both. */
const HALF = 2 ** 26;
const END = 2 ** 27;
/** What a drawing shows of the flags: A, D and G are no part of what a page is for. */
const SHOWN = PTE.V | PTE.R | PTE.W | PTE.X | PTE.U;
const PAGES = [1, 512, 512 * 512] as const;

/** In page numbers, of which those of the upper half follow on the lower's. */
interface Area {
  start: number;
  end: number;
  /** The first frame; undefined if they do not follow one another. */
  ppn: number | undefined;
  flags: number;
  region: string | undefined;
  problem: string | undefined;
  merged?: number;
  repeats?: number;
  parts?: Area[];
}

/** The areas of a table, by its tree; of the upper half nothing if nothing is mapped there. */
export function addressAreas(entries: readonly PteRun[], regions?: Regions): AddressArea[] {
  const areas: Area[] = [];
  let at = 0;
  const leave = (to: number): void => {
    for (const end of [Math.min(to, HALF), to]) if (end > at) areas.push(...unmapped(at, (at = end), regions));
  };
  eachMapped(entries, 0, (area) => {
    leave(area.start);
    const last = areas.at(-1);
    if (last && continues(last, area)) extend(last, area);
    else areas.push(area);
    at = area.end;
  });
  leave(at > HALF ? END : HALF);
  return bounded(folded(areas)).map(written);
}

/** Every leaf, and what is wrong above the leaves. On plain numbers: there may be tens of thousands. */
function eachMapped(entries: readonly PteRun[], base: number, found: (area: Area) => void): void {
  for (const { level, index, count, pa, flags, region, problem, change, children } of entries) {
    if (change === 'removed') continue;
    const pages = PAGES[level as 0 | 1 | 2];
    const start = base + index * pages;
    if (children && children.length > 0) {
      eachMapped(children, start, found);
      continue;
    }
    const isMapped = (flags & PTE.V) !== 0 && !children;
    if (!isMapped && problem === undefined) continue;
    // Exact, as the lower 12 of its at most 56 bits are 0.
    const ppn = isMapped ? Number(pa) / 4096 : undefined;
    found({ start, end: start + count * pages, ppn, region, problem, flags: isMapped ? flags & SHOWN : 0 });
  }
}

const continues = (area: Area, next: Area): boolean =>
  area.end === next.start &&
  area.flags === next.flags &&
  area.region === next.region &&
  area.problem === next.problem &&
  (area.region !== undefined || next.ppn === following(area));

const following = ({ ppn, start, end }: Area): number | undefined =>
  ppn === undefined ? undefined : ppn + end - start;

function extend(area: Area, next: Area): void {
  if (next.ppn !== following(area)) area.ppn = undefined;
  area.end = next.end;
}

/** What is not mapped, by its names: guard pages, and what a process has and has not touched yet. */
function unmapped(from: number, to: number, regions: Regions | undefined): Area[] {
  const areas: Area[] = [];
  const add = (end: number, region: string | undefined): void => {
    const last = areas.at(-1);
    if (last && last.region === region) last.end = end;
    else areas.push({ start: last?.end ?? from, end, ppn: undefined, flags: 0, region, problem: undefined });
  };
  for (let at = from; regions && at < to && areas.length < MOST_UNMAPPED;) {
    const { name, pages } = regions.nameAt(at, undefined, 0);
    const end = Math.min(to, at + Math.max(1, pages));
    // A guard page guards what is mapped above it. The names of devices are for what leads to them.
    const isMeant = name?.startsWith('guard page') ? end === to : !/^(kernel stack|beyond)/.test(name ?? '');
    add(end, isMeant && name?.endsWith(NOT_MAPPED) !== true ? name : undefined);
    at = end;
  }
  if ((areas.at(-1)?.end ?? from) < to) add(to, undefined);
  return areas;
}

/** Folds what repeats, as the kernel stacks of all processes with a guard page below each. */
function folded(areas: readonly Area[]): Area[] {
  const out: Area[] = [];
  for (let at = 0; at < areas.length;) {
    const period = PERIODS.find((one) => repetitions(areas, at, one) >= REPEATS);
    const count = period === undefined ? 1 : period * repetitions(areas, at, period);
    out.push(period === undefined ? areas[at]! : seriesOf(areas.slice(at, at + count), period));
    at += count;
  }
  return out;
}

function repetitions(areas: readonly Area[], at: number, period: number): number {
  let count = period;
  while (at + count < areas.length && isLike(areas[at + count]!, areas[at + count - period]!)) count++;
  return Math.floor(count / period);
}

const isLike = (one: Area, other: Area): boolean =>
  one.end - one.start === other.end - other.start &&
  one.flags === other.flags &&
  one.problem === other.problem &&
  kindOf(one) === kindOf(other);

/** The name without whose it is. */
const kindOf = ({ region }: Area): string | undefined => region?.replace(/ of (pid \d+|proc\[).*$/, '');

function seriesOf(areas: readonly Area[], period: number): Area {
  const kinds = areas.slice(0, period).map((area) => kindOf(area) ?? (area.flags ? 'page' : 'gap'));
  const { start, flags, problem } = areas.find((area) => area.flags !== 0) ?? areas[0]!;
  const whole = { start: Math.min(start, areas[0]!.start), end: areas.at(-1)!.end };
  return {
    ...{ ...whole, ppn: undefined, flags, problem, region: kinds.toReversed().join(' and ') },
    ...{ repeats: areas.length / period, parts: areas.slice(0, MOST_PARTS) },
  };
}

/** No more areas than can be drawn: those of one lower table become one, where they are many. */
function bounded(areas: readonly Area[]): Area[] {
  let out = [...areas];
  for (const table of [...PAGES.slice(1), END]) {
    if (out.length <= MOST) return out;
    out = merged(out, table);
  }
  return out;
}

function merged(areas: readonly Area[], table: number): Area[] {
  const out: Area[] = [];
  for (let at = 0; at < areas.length;) {
    const first = areas[at]!;
    const end = (Math.floor(first.start / table) + 1) * table;
    let next = at + 1;
    while (next < areas.length && areas[next]!.end <= end) next++;
    const those = areas.slice(at, next);
    out.push(those.length <= 2 ? first : mergedArea(those));
    at = those.length <= 2 ? at + 1 : next;
  }
  return out;
}

function mergedArea(areas: readonly Area[]): Area {
  const isSame = areas.every(({ flags }) => flags === areas[0]!.flags);
  return {
    ...{ start: areas[0]!.start, end: areas.at(-1)!.end, ppn: undefined, region: undefined },
    flags: isSame ? areas[0]!.flags : PTE.V,
    problem: areas.find(({ problem }) => problem !== undefined)?.problem,
    merged: areas.reduce((sum, area) => sum + (area.flags === 0 ? 0 : (area.merged ?? area.repeats ?? 1)), 0),
  };
}

/** As the protocol has it. */
function written({ start, end, ppn, flags, region, problem, merged: count, repeats, parts }: Area): AddressArea {
  return {
    ...{ va: addressOf(start), last: hex(BigInt(addressOf(end - 1)) + 4095n), pages: end - start, flags },
    ...(ppn !== undefined && { pa: hex(BigInt(ppn) << 12n) }),
    ...(region !== undefined && { region }),
    ...(problem !== undefined && { problem }),
    ...(count !== undefined && { merged: count }),
    ...(repeats !== undefined && { repeats, parts: (parts ?? []).map(written) }),
  };
}

/** The canonical address of a page. */
const addressOf = (vpn: number): string => hex(BigInt.asUintN(64, BigInt.asIntN(39, BigInt(vpn) << 12n)));
