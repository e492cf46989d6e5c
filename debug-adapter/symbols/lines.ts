/**
 * Source lines and addresses, from the line tables of all units. Breakpoints go where gdb puts them, which students know: at
 * the start of every copy of a line (function, inlined call, block), and for a function's opening line after the prologue,
 * where the frame is complete and its variables can be read.
 */
import type { BreakLocation, LineEntry } from './api';
import type { LineRow, LineSequence } from './dwarf/line-table';
import { compareAddresses, countWhile } from './search';

interface Sequence extends LineSequence {
  files: readonly (string | undefined)[];
}

/** The parts of a function that lines need. */
export interface CodeBlock {
  low: bigint;
  high: bigint;
  bodyStart: bigint;
}

/** What lines need to know about functions. */
export interface Blocks {
  functionAt(address: bigint): CodeBlock | undefined;
  /** The innermost block or inlined call around an address; always the same object for the same block. */
  blockAt(address: bigint): object | undefined;
  isInlined(address: bigint): boolean;
  /** The places of the calls that are inlined around an address. */
  inlinedCallsAt(address: bigint): readonly { callFile: string | undefined; callLine: number | undefined }[];
}

interface FoundRow {
  row: LineRow;
  index: number;
  end: bigint;
  sequence: Sequence;
}

export class Lines {
  readonly files: readonly string[];
  private readonly sequences: readonly Sequence[];
  /** Statements of each file, by rising address. */
  private readonly statements = new Map<string, BreakLocation[]>();

  constructor(sequences: readonly Sequence[]) {
    this.sequences = [...sequences].sort((a, b) => compareAddresses(a.low, b.low));
    for (const { rows, files } of this.sequences) {
      for (const { address, file, line, column, isStatement } of rows) {
        const name = files[file];
        if (name !== undefined && line > 0 && isStatement) {
          const list = this.statements.get(name);
          const location = { address, file: name, line, column };
          if (list === undefined) this.statements.set(name, [location]);
          else list.push(location);
        }
      }
    }
    this.files = [...this.statements.keys()].sort();
  }

  lineAt(address: bigint): LineEntry | undefined {
    return this.entryOf(this.rowAt(address));
  }

  callLineAt(address: bigint): LineEntry | undefined {
    return this.entryOf(this.lastRowAt(address));
  }

  private entryOf(found: FoundRow | undefined): LineEntry | undefined {
    const file = found?.sequence.files[found.row.file];
    if (found === undefined || file === undefined || found.row.line === 0) return undefined;
    const { row, end } = found;
    const { line, column, isStatement } = row;
    return { address: row.address, end, file, line, column, isStatement };
  }

  breakLocations(file: string, line: number, column: number | undefined, blocks: Blocks): BreakLocation[] {
    const locations = this.matching(file).flatMap((name) => {
      const statements = this.statements.get(name)!;
      for (let wanted = this.nextLine(statements, line); wanted; wanted = this.nextLine(statements, wanted + 1)) {
        const shown = statements.filter((statement) => statement.line === wanted && this.isShown(statement, blocks));
        if (shown.length > 0) return shown;
      }
      return [];
    });
    const chosen = column === undefined ? locations : atColumn(locations, column);
    const copies = new Map<object, BreakLocation>();
    for (const location of chosen) {
      const block = blocks.blockAt(location.address) ?? location;
      const known = copies.get(block);
      if (known === undefined || location.address < known.address) copies.set(block, location);
    }
    const placed = [...copies.values()].map((location) => this.behindPrologue(location, blocks));
    return unique(placed, ({ address }) => address).sort((a, b) => compareAddresses(a.address, b.address));
  }

  locationsBetween(file: string, firstLine: number, lastLine: number, blocks: Blocks): BreakLocation[] {
    const locations = this.matching(file)
      .flatMap((name) => this.statements.get(name)!)
      .filter((location) => firstLine <= location.line && location.line <= lastLine && this.isShown(location, blocks))
      .sort((a, b) => a.line - b.line || a.column - b.column || compareAddresses(a.address, b.address));
    return unique(locations, (location) => `${location.line}:${location.column}`);
  }

  /**
   * The first address after a function's prologue, by the rule of gdb's skip_prologue_using_sal: the second row begins there.
   * If two rows begin at the function's start, the compiler marks that there is no prologue. Rows of lower lines of the same
   * function still belong to the prologue, into which the compiler has moved them.
   */
  endOfPrologue({ low, high }: { low: bigint; high: bigint }, blocks: Blocks): bigint {
    const start = this.rowAt(low);
    if (start === undefined || start.row.line === 0) return low;
    const { rows } = start.sequence;
    const first = rows.findIndex((row) => row.address === start.row.address && row.file === start.row.file);
    const second = rows[first + 1];
    if (second?.address === low && second.file === start.row.file) return low;
    let prologue = start;
    while (prologue.end < high) {
      const next = this.rowAt(prologue.end);
      const isBody =
        next === undefined ||
        next.row.line === 0 ||
        next.row.line >= prologue.row.line ||
        next.row.file !== prologue.row.file ||
        blocks.isInlined(prologue.end);
      if (isBody) break;
      prologue = next;
    }
    if (start.end >= high) return low;
    return prologue.end < high ? prologue.end : prologue.row.address;
  }

  /** The row that covers an address. If several begin at one address: the last, preferring those that start a statement. */
  private rowAt(address: bigint): FoundRow | undefined {
    const last = this.lastRowAt(address);
    if (last === undefined || last.row.isStatement) return last;
    const { rows } = last.sequence;
    let { index } = last;
    while (!rows[index]!.isStatement && rows[index - 1]?.address === last.row.address) index--;
    return rows[index]!.isStatement ? { ...last, row: rows[index]! } : last;
  }

  private lastRowAt(address: bigint): FoundRow | undefined {
    const sequence = this.sequenceAt(address);
    if (sequence === undefined) return undefined;
    const { rows } = sequence;
    const next = countWhile(rows, (row) => row.address <= address);
    return { row: rows[next - 1]!, index: next - 1, end: rows[next]?.address ?? sequence.high, sequence };
  }

  private sequenceAt(address: bigint): Sequence | undefined {
    const { sequences } = this;
    const sequence = sequences[countWhile(sequences, ({ low }) => low <= address) - 1];
    return sequence !== undefined && address < sequence.high ? sequence : undefined;
  }

  /**
   * Whether a hart that stops there is shown in the same function. It is not where the optimizer has left nothing of an
   * inlined function but a mark: a row of no length, which a row of what is around it follows at the same address.
   */
  private isShown({ address, file, line }: BreakLocation, blocks: Blocks): boolean {
    const here = this.lineAt(address);
    const calls = blocks.inlinedCallsAt(address);
    if (calls.length === 0) return here?.file === file;
    if (here?.file === file && here.line >= line) return true;
    return calls.some(({ callFile, callLine = 0 }) => callFile === file && callLine >= line);
  }

  private nextLine(statements: readonly BreakLocation[], line: number): number | undefined {
    let next: number | undefined;
    for (const statement of statements)
      if (statement.line >= line && (next === undefined || statement.line < next)) next = statement.line;
    return next;
  }

  private behindPrologue(location: BreakLocation, blocks: Blocks): BreakLocation {
    const around = blocks.functionAt(location.address);
    if (around === undefined || location.address >= around.bodyStart || blocks.isInlined(location.address))
      return location;
    const body = this.lineAt(around.bodyStart);
    const { line, column } = body?.file === location.file ? body : location;
    return { ...location, address: around.bodyStart, line, column };
  }

  /**
   * The recorded paths that match a path: that path itself, else those that share the most parts with it, counted from the
   * end. If both have several parts, sharing only the last is not a match: kernel/printf.c is not user/printf.c.
   */
  private matching(file: string): string[] {
    const wanted = file.replaceAll('\\', '/');
    if (this.statements.has(wanted)) return [wanted];
    const parts = pathParts(wanted);
    let best = 1;
    let names: string[] = [];
    for (const name of this.files) {
      const recorded = pathParts(name);
      const common = commonSuffix(parts, recorded);
      const isWhole = common > 0 && (common === parts.length || common === recorded.length);
      if (common > best || (isWhole && common === best && names.length === 0)) {
        best = common;
        names = [name];
      } else if (common === best && (common > 1 || isWhole)) {
        names.push(name);
      }
    }
    return names;
  }
}

/** Statements at the column, else at the nearest one after it, else before it. */
function atColumn(locations: readonly BreakLocation[], column: number): BreakLocation[] {
  const columns = locations.map((location) => location.column);
  const behind = columns.filter((candidate) => candidate >= column);
  const chosen = behind.length > 0 ? Math.min(...behind) : Math.max(...columns);
  return locations.filter((location) => location.column === chosen);
}

function pathParts(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}

function commonSuffix(a: readonly string[], b: readonly string[]): number {
  let common = 0;
  while (common < a.length && common < b.length && a.at(-1 - common) === b.at(-1 - common)) common++;
  return common;
}

function unique<T>(items: readonly T[], key: (item: T) => unknown): T[] {
  const seen = new Set<unknown>();
  return items.filter((item) => {
    const value = key(item);
    const fresh = !seen.has(value);
    seen.add(value);
    return fresh;
  });
}
