/**
 * Computes the rows on the screen from a page-table model and what is unfolded in it. Makes a row only when it is drawn, so
 * that the cost depends on the number of runs, not of leaves. Sv39 as in the RISC-V privileged specification, 10.4.
 */
import type { PteRun } from '../../debug-adapter/protocol';

/**
 * A pointer to a lower table, one leaf, a run of neighbouring leaves folded into one row, or neighbouring pointers whose tables
 * go on one from the other: the kernel's direct map is 64 of them.
 */
export type RowKind = 'table' | 'leaf' | 'run' | 'tables';

export interface TreeRow {
  /** The same for the same entry at every stop. */
  key: string;
  kind: RowKind;
  /** 0 for the root's entries; the leaves of a run are one deeper than the run. */
  depth: number;
  level: number;
  index: number;
  /** Number of entries in the row. */
  count: number;
  va: bigint;
  /** Last address covered. */
  last: bigint;
  pa: bigint;
  pte: bigint;
  pteAddress: bigint;
  flags: number;
  region: string | undefined;
  problem: string | undefined;
  change: PteRun['change'];
  before: bigint | undefined;
  /** Only A or D changed, which the hart sets by itself. */
  touchedOnly: boolean;
  expandable: boolean;
  expanded: boolean;
  /** Position among its siblings, from 1; for assistive technology. */
  position: number;
  siblings: number;
}

/** What the user has unfolded (true) or folded (false), by row key; everything else follows the default. */
export type Unfolded = ReadonlyMap<string, boolean>;

/** Leaves of the longest run that is shown leaf by leaf, and tables, without a row of its own. */
const SHORT = 4;
/** Entries of a table. */
const ENTRIES = 512;
/** The lower tables are unfolded by default if the whole tree then has at most so many rows. */
const SMALL = 200;

/** Neighbouring rows: one row (`count` 1), or the leaves of an unfolded run. */
interface Span {
  /** Rows before this span. */
  from: number;
  count: number;
  run: PteRun;
  kind: RowKind;
  /** The row's key; for leaves, which may be many, the path of their table. */
  key: string;
  depth: number;
  expanded: boolean;
  position: number;
  siblings: number;
  /** Number of tables, of kind `tables`. */
  tables?: number;
}

export class VisibleRows {
  private readonly spans: Span[] = [];
  private size = 0;
  private readonly unfoldTables: boolean;

  /** `unfoldAll` shows every table's entries by default, for a filtered tree. */
  constructor(
    entries: readonly PteRun[],
    private readonly expansion: Unfolded,
    unfoldAll = false,
  ) {
    this.unfoldTables = unfoldAll || countRows(entries) <= SMALL;
    this.addAll(entries, 0, '');
  }

  get length(): number {
    return this.size;
  }

  /** The row at 0 ≤ `at` < length. */
  at(at: number): TreeRow {
    const span = this.spans[this.spanAt(at)]!;
    const offset = at - span.from;
    const { run, key, depth, expanded, position, siblings } = span;
    const step = pageSize(run.level);
    const shift = BigInt(offset);
    const va = BigInt(run.va) + shift * step;
    const count = span.kind === 'leaf' ? 1 : (span.tables ?? run.count);
    // Of several tables, what they lead to is of interest, and not where they lie.
    const leaves = span.kind === 'tables' ? run.children![0]! : run;
    return {
      key: span.kind === 'leaf' ? memberKey(key, run, offset) : key,
      kind: span.kind,
      depth,
      level: run.level,
      index: run.index + offset,
      count,
      va,
      last: va + step * BigInt(count) - 1n,
      pa: BigInt(leaves.pa) + shift * step,
      pte: BigInt(run.pte) + shift * (step >> 2n),
      pteAddress: BigInt(run.pteAddress) + 8n * shift,
      flags: leaves.flags,
      region: run.region ?? (run.children && regionsOf(run.children)),
      problem: run.problem,
      change: run.change,
      before: run.before === undefined || offset > 0 ? undefined : BigInt(run.before),
      touchedOnly: run.touchedOnly ?? false,
      expandable: span.kind !== 'leaf',
      expanded,
      position: position + offset,
      siblings,
    };
  }

  keyAt(at: number): string {
    return this.at(at).key;
  }

  /** The index of the row with this key, -1 if no such row is visible. */
  indexOf(key: string): number {
    const slash = key.lastIndexOf('/');
    const table = slash < 0 ? '' : key.slice(0, slash);
    const index = Number(key.slice(slash + 1));
    for (const span of this.spans) {
      if (span.kind !== 'leaf') {
        if (span.key === key) return span.from;
      } else if (span.key === table && index >= span.run.index && index < span.run.index + span.count) {
        return span.from + index - span.run.index;
      }
    }
    return -1;
  }

  /** The index of the parent of the row `at`; -1 for an entry of the root. */
  parentOf(at: number): number {
    const { depth } = this.spans[this.spanAt(at)]!;
    for (let span = this.spanAt(at) - 1; span >= 0; span--)
      if (this.spans[span]!.depth < depth) return this.spans[span]!.from;
    return -1;
  }

  private addAll(entries: readonly PteRun[], depth: number, path: string): void {
    const groups = grouped(entries);
    const siblings = groups.reduce(
      (sum, [run, ...more]) => sum + (more.length > 0 || isFolded(run) ? 1 : run.count),
      0,
    );
    let position = 1;
    for (const group of groups) {
      const [run] = group;
      if (group.length > 1) {
        const key = `${memberKey(path, run, 0)}*`;
        const expanded = this.expansion.get(key) ?? false;
        this.add({
          ...{ run, kind: 'tables', key, depth, expanded, position, siblings, count: 1 },
          tables: group.length,
        });
        if (expanded) group.forEach((table, i) => this.addTable(table, depth + 1, path, i + 1, group.length));
        position++;
      } else if (run.children) {
        this.addTable(run, depth, path, position, siblings);
        position++;
      } else if (isFolded(run)) {
        const runKey = `${memberKey(path, run, 0)}+`;
        const expanded = this.expansion.get(runKey) ?? false;
        this.add({ run, kind: 'run', key: runKey, depth, expanded, position, siblings, count: 1 });
        if (expanded) {
          const { count } = run;
          this.add({
            run,
            kind: 'leaf',
            key: path,
            depth: depth + 1,
            expanded: false,
            position: 1,
            siblings: count,
            count,
          });
        }
        position++;
      } else {
        this.add({ run, kind: 'leaf', key: path, depth, expanded: false, position, siblings, count: run.count });
        position += run.count;
      }
    }
  }

  private addTable(run: PteRun, depth: number, path: string, position: number, siblings: number): void {
    const { level, children = [] } = run;
    const key = memberKey(path, run, 0);
    const expanded = this.expansion.get(key) ?? (this.unfoldTables || level === 2 || hasChange(children));
    this.add({ run, kind: 'table', key, depth, expanded, position, siblings, count: 1 });
    if (expanded) this.addAll(children, depth + 1, key);
  }

  private add(span: Omit<Span, 'from'>): void {
    this.spans.push({ from: this.size, ...span });
    this.size += span.count;
  }

  private spanAt(at: number): number {
    let low = 0;
    let high = this.spans.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.spans[middle]!.from <= at) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** Keys of everything that can be unfolded, for "unfold all" and "fold all"; what stands for many like it only if `runs`. */
export function expandableKeys(entries: readonly PteRun[], runs: boolean, path = ''): string[] {
  const groups = grouped(entries).filter((group) => group.length > 1);
  return [...(runs ? groups.map(([run]) => `${memberKey(path, run, 0)}*`) : []), ...keysOf(entries, runs, path)];
}

function keysOf(entries: readonly PteRun[], runs: boolean, path: string): string[] {
  return entries.flatMap((run) => {
    const key = memberKey(path, run, 0);
    if (run.children) return [key, ...expandableKeys(run.children, runs, key)];
    return runs && isFolded(run) ? [`${key}+`] : [];
  });
}

/** The keys of the rows on the way to the entry for an address, with those that are in its way while folded. */
export function pathTo(entries: readonly PteRun[], va: bigint, path = ''): string[] {
  const run = entries.find((one) => va >= BigInt(one.va) && va < endOf(one));
  if (run === undefined) return [];
  const first = memberKey(path, run, 0);
  if (run.children) {
    const group = grouped(entries).find((one) => one.includes(run))!;
    const above = group.length > 1 ? [`${memberKey(path, group[0], 0)}*`] : [];
    return [...above, first, ...pathTo(run.children, va, first)];
  }
  const offset = Number((va - BigInt(run.va)) / pageSize(run.level));
  return [...(isFolded(run) ? [`${first}+`] : []), memberKey(path, run, offset)];
}

const endOf = ({ va, level, count }: PteRun): bigint => BigInt(va) + pageSize(level) * BigInt(count);

/** How an entry differs from the stop before, or from `compared`; undefined if it does not. */
export function changeText(
  { change, touchedOnly }: Pick<TreeRow, 'change' | 'touchedOnly'>,
  compared?: string,
): string | undefined {
  const only = touchedOnly ? ': only A or D' : '';
  if (change === undefined || compared === undefined) return change && `${change} since the last stop${only}`;
  if (change === 'changed') return `differs from ${compared}${only}`;
  return change === 'added' ? `not in ${compared}` : `only in ${compared}`;
}

/** Bytes that an entry of a level maps: 4 KiB, 2 MiB, 1 GiB. */
export function pageSize(level: number): bigint {
  return 4096n << BigInt(9 * level);
}

/** Key of the entry `offset` places into a run whose table has the path `path`: the indices down to it. */
function memberKey(path: string, run: PteRun, offset: number): string {
  return path === '' ? `${run.index + offset}` : `${path}/${run.index + offset}`;
}

/** Neighbouring entries, alone but for tables of which each goes on where the one before ends. */
function grouped(entries: readonly PteRun[]): [PteRun, ...PteRun[]][] {
  const groups: [PteRun, ...PteRun[]][] = [];
  for (const run of entries) {
    const group = groups.at(-1);
    if (group && goesOn(group.at(-1)!, run)) group.push(run);
    else groups.push([run]);
  }
  return groups.flatMap((group) => (group.length > SHORT ? [group] : group.map((run): [PteRun] => [run])));
}

function goesOn(table: PteRun, next: PteRun): boolean {
  const [leaves, following] = [wholeOf(table), wholeOf(next)];
  return (
    leaves !== undefined &&
    following !== undefined &&
    next.index === table.index + 1 &&
    following.flags === leaves.flags &&
    following.region === leaves.region &&
    BigInt(following.pa) === BigInt(leaves.pa) + pageSize(table.level)
  );
}

/** The only run of a table that is full of it, where there is nothing else to be said of either. */
function wholeOf({ children, problem, change }: PteRun): PteRun | undefined {
  const run = children?.length === 1 ? children[0]! : undefined;
  const isPlain = [problem, change, run?.problem, run?.change].every((one) => one === undefined);
  return run?.count === ENTRIES && run.children === undefined && isPlain ? run : undefined;
}

function isFolded(run: PteRun): boolean {
  return run.children === undefined && run.count > SHORT;
}

/** The regions below a table, each once; only the first few by name. */
function regionsOf(entries: readonly PteRun[]): string | undefined {
  const names = new Set<string>();
  collectRegions(entries, names);
  const [first, second, ...others] = names;
  if (second === undefined) return first;
  return others.length === 0 ? `${first}, ${second}` : `${first}, ${second} and ${others.length} more`;
}

function collectRegions(entries: readonly PteRun[], into: Set<string>): void {
  for (const { region, children } of entries) {
    if (region !== undefined) into.add(region);
    if (children) collectRegions(children, into);
  }
}

function hasChange(entries: readonly PteRun[]): boolean {
  return entries.some((run) => run.change !== undefined || (run.children !== undefined && hasChange(run.children)));
}

function countRows(entries: readonly PteRun[]): number {
  let rows = 0;
  for (const [run, ...more] of grouped(entries)) {
    rows += isFolded(run) || run.children ? 1 : run.count;
    if (run.children && more.length === 0) rows += countRows(run.children);
  }
  return rows;
}
