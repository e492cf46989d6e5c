/** The rows of the physical view: frames of RAM that follow one another and are used alike, and the search among them. */
import type { FrameMapping, FrameRun, FramesModel, FrameUse } from '../../debug-adapter/protocol';
import { numberIn } from './filter';
import type { Rows } from './virtual-list';

/** In words. */
export const USE_TEXT: Record<FrameUse, string> = {
  boot: 'RAM below the kernel',
  text: 'kernel text',
  data: 'kernel data',
  free: 'free',
  table: 'page table',
  mapped: 'mapped',
  shared: 'shared',
  kernel: 'allocated by the kernel',
  leaked: 'leaked',
  unknown: 'not known',
};
/** The most telling first: of many frames in one cell of a map, this is what it shows. */
const TELLING: readonly FrameUse[] = [
  ...(['leaked', 'shared', 'mapped', 'table', 'kernel', 'text', 'data', 'boot', 'unknown', 'free'] as const),
];
/** Cells of a map. */
const CELLS = 1024;

export class FrameRows implements Rows {
  constructor(readonly runs: readonly FrameRun[]) {}

  get length(): number {
    return this.runs.length;
  }

  keyAt(at: number): string {
    return this.runs[at]!.pa;
  }

  indexOf(key: string): number {
    return this.runs.findIndex(({ pa }) => pa === key);
  }
}

/** Those that all words of a text match. */
export function framesMatching(runs: readonly FrameRun[], text: string): readonly FrameRun[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return words.length === 0 ? runs : runs.filter((run) => words.every((word) => matches(run, word)));
}

function matches(run: FrameRun, word: string): boolean {
  const { pa, count, mappings } = run;
  const texts = [
    USE_TEXT[run.use],
    run.table?.label,
    run.problem,
    ...mappings.flatMap(({ label, region }) => [label, region]),
  ];
  if (texts.some((text) => text?.toLowerCase().includes(word))) return true;
  const { space, address } = numberIn(word);
  if (address === undefined) return false;
  const covers = (start: string): boolean =>
    address >= BigInt(start) && address < BigInt(start) + 4096n * BigInt(count);
  return (space !== 'va' && covers(pa)) || (space !== 'pa' && mappings.some(({ va }) => covers(va)));
}

/** "user stack", "page table, level 0". */
export function usedFor({ use, table, mappings, problem }: FrameRun): string {
  const [first] = mappings;
  if (problem !== undefined) return problem;
  if (table !== undefined) return `page table, level ${table.level}`;
  if (use === 'leaked') return 'leaked: allocated, and nothing leads to it';
  if (first?.region === undefined || use === 'text' || use === 'data') return USE_TEXT[use];
  return first.region;
}

/** "0x3000 of pid 2 sh, 0x3000 of pid 3 ls and 4 more". */
export function mappedAt({ mappings, more = 0, table }: FrameRun): string {
  if (table !== undefined && mappings.length === 0) return `of ${table.label}`;
  const [shown, others] = [mappings.slice(0, 2), Math.max(0, mappings.length - 2) + more];
  return [...shown.map(whereText), ...(others > 0 ? [`${others} more`] : [])].join(', ');
}

export const whereText = ({ va, label }: FrameMapping): string => `${va} of ${label}`;

/** Of each cell of a map of RAM, in order of address, the most telling use; and how many frames a cell stands for. */
export function mapOf({ runs }: Pick<FramesModel, 'runs'>): { cells: FrameUse[]; frames: number } {
  const total = runs.reduce((sum, { count }) => sum + count, 0);
  const frames = Math.max(1, Math.ceil(total / CELLS));
  const ranks = new Array<number>(Math.ceil(total / frames)).fill(TELLING.length - 1);
  let at = 0;
  for (const { count, use, problem } of runs) {
    const rank = problem === undefined ? TELLING.indexOf(use) : 0;
    const last = Math.floor((at + count - 1) / frames);
    for (let cell = Math.floor(at / frames); cell <= last; cell++) ranks[cell] = Math.min(ranks[cell]!, rank);
    at += count;
  }
  return { cells: ranks.map((rank) => TELLING[rank]!), frames };
}
