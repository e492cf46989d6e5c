/**
 * Which frames of RAM belong to whom: kernel, page tables, processes, the list of free pages; and which are leaked. Nothing is
 * recorded for it: it is read from memory at one instant. What is allocated is told from what is leaked as a garbage collector
 * does that knows no types (Boehm and Weiser 1988): a frame is in use if any word that the kernel can reach leads into it.
 */
import { hex } from '../../emulator/isa/hex';
import { ENTRIES, isPointer, PTE, PTE_FLAG_BITS, ROOT_LEVEL } from '../../emulator/isa/sv39';
import type { PhysicalMemory } from '../../emulator/types';
import type { FrameMapping, FrameRun, FramesModel, FrameUse } from '../protocol';
import type { KernelLayout, Regions } from '../xv6/regions';
import { Reach } from './reach';
import { isRootByContent } from './root-content';
import { childKey, isValid, ppnOf, ROOT_KEY, takeSnapshot, type TableSnapshot } from './snapshot';

/** A table whose frames are looked for. */
export interface OwnedTable {
  readonly id: string;
  readonly label: string;
  readonly root: bigint;
  /** The process that it belongs to. */
  readonly pid?: number | undefined;
  readonly regions: Regions;
}

export interface FrameSources {
  readonly memory: PhysicalMemory;
  readonly layout: KernelLayout;
  readonly tables: readonly OwnedTable[];
  /** The list of free pages; undefined where it is not known. */
  readonly free: { readonly pages: ReadonlySet<number>; readonly broken?: bigint } | undefined;
  /** What the harts have in their registers. */
  readonly registers: readonly bigint[];
}

/** Mappings of one frame that are listed, and of all frames that are looked at. */
const LISTED = 16;
const MOST_MAPPINGS = 1 << 20;
/** Runs of one response. */
const MOST_RUNS = 50_000;
const PAGES = [1, 512, 512 * 512] as const;

interface Frame {
  mappings: (FrameMapping & { vpn: number })[];
  /** All of them. */
  count: number;
  /** Of those with U. */
  pids: Set<number | undefined>;
  table?: FrameRun['table'];
}

/** All of RAM, frame by frame. */
export const framesOf = (sources: FrameSources): FramesModel => new FrameSurvey(sources).model();

class FrameSurvey {
  private readonly frames = new Map<number, Frame>();
  private readonly notes: string[] = [];
  private readonly reached: ReadonlySet<number>;
  private mappings = 0;
  private readonly first: number;
  private readonly end: number;

  constructor(private readonly sources: FrameSources) {
    const { memory, tables, free, layout } = sources;
    this.first = Number(memory.dramBase >> 12n);
    this.end = this.first + Number(memory.dramSize >> 12n);
    for (const table of tables) this.addTable(table);
    this.reached = free ? this.reach() : new Set();
    if (!free) this.notes.push('The kernel has no kmem.freelist, so what is free, allocated or leaked is not known.');
    if (free?.broken !== undefined) {
      this.notes.push(
        `The list of free pages is broken: it leads to ${hex(free.broken)}. What comes after that is not known.`,
      );
    }
    if (!layout.data) this.notes.push('Where the kernel ends is not known.');
  }

  model(): FramesModel {
    const totals: Record<FrameUse, number> = {
      ...{ boot: 0, text: 0, data: 0, free: 0, table: 0, mapped: 0, shared: 0, kernel: 0, leaked: 0, unknown: 0 },
    };
    const runs: FrameRun[] = [];
    let before: { page: number; frame: Frame | undefined; use: FrameUse; problem: string | undefined } | undefined;
    for (let page = this.first; page < this.end; page++) {
      const frame = this.frames.get(page);
      const use = this.useOf(page, frame);
      totals[use]++;
      const problem = this.problemOf(page, frame);
      const run = runs.at(-1);
      const goesOn =
        before?.use === use && before.problem === problem && continues(before.frame, frame, page - before.page);
      if (run && (goesOn || runs.length >= MOST_RUNS)) {
        run.count++;
        continue;
      }
      runs.push(runOf(page, use, frame, problem));
      before = { page, frame, use, problem };
    }
    if (runs.length >= MOST_RUNS) this.notes.push(`Only the first ${MOST_RUNS} runs of frames are told apart.`);
    return { runs, totals, notes: this.notes };
  }

  private useOf(page: number, frame: Frame | undefined): FrameUse {
    const { text, data } = this.sources.layout;
    const kernelStart = text?.start ?? data?.start;
    if (kernelStart !== undefined && page < kernelStart) return 'boot';
    if (text && page >= text.start && page < text.end) return 'text';
    if (data && page >= data.start && page < data.end) return 'data';
    if (frame?.table !== undefined) return 'table';
    if (frame && frame.count > 0) return frame.pids.size > 1 ? 'shared' : 'mapped';
    const { free } = this.sources;
    if (!free) return 'unknown';
    if (free.pages.has(page)) return 'free';
    if (this.reached.has(page)) return 'kernel';
    return free.broken === undefined && data ? 'leaked' : 'unknown';
  }

  private problemOf(page: number, frame: Frame | undefined): string | undefined {
    if (!this.sources.free?.pages.has(page) || !frame) return undefined;
    const uses = [...(frame.table === undefined ? [] : [`part of the page table of ${frame.table.label}`])];
    const [mapping] = frame.mappings;
    if (mapping) uses.push(`mapped at ${mapping.va} by ${mapping.label}`);
    return `on the list of free pages, and ${uses.join(', and ')}`;
  }

  private addTable({ id, label, root, pid, regions }: OwnedTable): void {
    const snapshot = takeSnapshot(root, this.sources.memory);
    if (snapshot.truncated) this.notes.push(`The page table of ${label} is too large: not all of it was looked at.`);
    const met = (page: number, level: number): void => {
      this.frameAt(page).table ??= { label, level };
    };
    for (const { level, vpn, ppn, flags } of leavesOf(snapshot.pages, met)) {
      // The kernel's map of all RAM, and of the devices.
      if (ppn === vpn) continue;
      const { name } = regions.nameAt(vpn, ppn, flags);
      const [from, to] = [Math.max(ppn, this.first), Math.min(ppn + PAGES[level as 0 | 1 | 2], this.end)];
      for (let page = from; page < to; page++) {
        if (++this.mappings > MOST_MAPPINGS) {
          this.notes.push(`There are more than ${MOST_MAPPINGS.toLocaleString('en')} mappings: some are left out.`);
          return;
        }
        const frame = this.frameAt(page);
        frame.count++;
        if (flags & PTE.U) frame.pids.add(pid);
        const at = vpn + page - ppn;
        if (frame.mappings.length < LISTED) {
          frame.mappings.push({
            ...{ root: id, label, va: addressOf(at), vpn: at, flags },
            ...(name !== undefined && { region: name }),
          });
        }
      }
    }
  }

  private frameAt(page: number): Frame {
    let frame = this.frames.get(page);
    if (!frame) this.frames.set(page, (frame = { mappings: [], count: 0, pids: new Set() }));
    return frame;
  }

  /** The frames that words lead to which the kernel has: in its data, its stacks and what they lead to, and in the harts. */
  private reach(): ReadonlySet<number> {
    const { memory, layout, registers, free } = this.sources;
    const begin = layout.data?.end ?? this.end;
    const isAllocated = (page: number): boolean => page >= begin && page < this.end && !free!.pages.has(page);
    const reach = new Reach(memory, (page) => isAllocated(page) && this.frames.get(page)?.table === undefined);
    for (let page = layout.data?.start ?? this.end; page < begin; page++) reach.scan(page);
    for (const [page, { mappings }] of this.frames)
      if (isAllocated(page) && mappings.some(({ flags }) => !(flags & PTE.U))) reach.scan(page);
    registers.forEach((word) => reach.word(word));
    // A table that is being made, or freed, is nobody's yet: what it maps is known by it alone.
    reach.follow((page) => {
      const root = BigInt(page) << 12n;
      if (!isRootByContent(memory, root, false)) return;
      const label = `a table that is no process’s, with its root at ${hex(root)}`;
      this.addTable({
        id: `table:${hex(root)}`,
        label,
        root,
        regions: { nameAt: () => ({ name: undefined, pages: 1 }) },
      });
    });
    return reach.pages;
  }
}

/** The valid leaves of a table; `met` is called for each page of the table itself. */
function* leavesOf(
  pages: TableSnapshot['pages'],
  met: (page: number, level: number) => void,
  level = ROOT_LEVEL,
  key = ROOT_KEY,
  vpn = 0,
): Generator<{ level: number; vpn: number; ppn: number; flags: number }> {
  const table = pages.get(key);
  if (!table) return;
  met(table.page, level);
  for (let index = 0; index < ENTRIES; index++) {
    const [low, high] = [table.words[2 * index]!, table.words[2 * index + 1]!];
    if (!isValid(low)) continue;
    const [at, flags] = [vpn + index * PAGES[level as 0 | 1 | 2], low & PTE_FLAG_BITS];
    if (!isPointer(flags)) yield { level, vpn: at, ppn: ppnOf(low, high), flags };
    else if (level > 0) yield* leavesOf(pages, met, level - 1, childKey(key, index), at);
  }
}

/** Whether a frame `distance` further on is used as the first one of a run. */
function continues(first: Frame | undefined, next: Frame | undefined, distance: number): boolean {
  if (!first || !next) return !first && !next;
  return (
    first.table?.label === next.table?.label &&
    first.table?.level === next.table?.level &&
    first.count === next.count &&
    first.mappings.length === next.mappings.length &&
    first.mappings.every((one, i) => {
      const other = next.mappings[i]!;
      return (
        other.root === one.root &&
        other.vpn === one.vpn + distance &&
        other.flags === one.flags &&
        other.region === one.region
      );
    })
  );
}

function runOf(page: number, use: FrameUse, frame: Frame | undefined, problem: string | undefined): FrameRun {
  const { mappings = [], count = 0, table } = frame ?? {};
  return {
    ...{ pa: hex(BigInt(page) << 12n), count: 1, use },
    mappings: mappings.map(({ vpn: _vpn, ...mapping }) => mapping),
    ...(count > mappings.length && { more: count - mappings.length }),
    ...(table !== undefined && { table }),
    ...(problem !== undefined && { problem }),
  };
}

/** The canonical address of a page. */
const addressOf = (vpn: number): string => hex(BigInt.asUintN(64, BigInt.asIntN(39, BigInt(vpn) << 12n)));
