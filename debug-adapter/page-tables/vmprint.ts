/**
 * Page tables as the course's labs have them printed, by year, and the check of what a student's function has printed against the
 * table that was there. The formats are those of the lab texts and their graders: 2020; 2021 to 2023, with a space in front; 2024 and
 * 2025, by virtual address; and the course's lecture, which prints the flags as well.
 */
import { hex } from '../../emulator/isa/hex';
import {
  ENTRIES,
  isPointer,
  PTE,
  pteFlags,
  ptePhysical,
  ROOT_LEVEL,
  spanOf,
  toCanonical,
} from '../../emulator/isa/sv39';
import type { PhysicalMemory } from '../../emulator/types';
import type { VmprintFormat, VmprintProblem } from '../protocol';

/** A valid entry, in the order in which a walk over the whole table comes to it. */
export interface PrintedEntry {
  readonly level: number;
  readonly index: number;
  /** The first virtual address that it is for, as a number of 39 bits. */
  readonly va: bigint;
  readonly pte: bigint;
}

/** Lines of the largest dump; a damaged table may have any number. */
const MOST = 20_000;

/** The valid entries of a table, each before those of the table that it leads to. */
export function validEntries(memory: Pick<PhysicalMemory, 'read'>, root: bigint): PrintedEntry[] {
  const entries: PrintedEntry[] = [];
  const visit = (table: bigint, level: number, start: bigint): void => {
    const page = memory.read(table, ENTRIES * 8);
    if (page === undefined) return;
    const view = new DataView(page.buffer, page.byteOffset, page.byteLength);
    for (let index = 0; index < ENTRIES && entries.length < MOST; index++) {
      const pte = view.getBigUint64(index * 8, true);
      const flags = pteFlags(pte);
      if (!(flags & PTE.V)) continue;
      const va = start + BigInt(index) * spanOf(level);
      entries.push({ level, index, va, pte });
      if (isPointer(flags) && level > 0) visit(ptePhysical(pte), level - 1, va);
    }
  };
  visit(root, ROOT_LEVEL, 0n);
  return entries;
}

const word = (value: bigint): string => `0x${value.toString(16).padStart(16, '0')}`;

/** The lines of a dump, the line with the root included. */
export function vmprint(root: bigint, entries: readonly PrintedEntry[], format: VmprintFormat): string[] {
  return [`page table ${word(root)}`, ...entries.map((entry) => lineOf(entry, format))];
}

function lineOf({ level, index, va, pte }: PrintedEntry, format: VmprintFormat): string {
  const depth = Array.from({ length: ROOT_LEVEL - level + 1 }, () => '..').join(' ');
  const name = format === '2024 and 2025' ? word(va) : String(index);
  const flags = format === 'lecture' ? ` fl ${word(BigInt(pteFlags(pte)))}` : '';
  return `${format === '2020' ? '' : ' '}${depth}${name}: pte ${word(pte)} pa ${word(ptePhysical(pte))}${flags}`;
}

/** A dump in a text: the root that it names, and its lines. */
export interface Dump {
  readonly root: bigint;
  readonly lines: readonly string[];
}

const HEADING = /^\s*page ?table:? +(?:0x)?([0-9a-f]+)\s*$/i;
const LINE =
  /^\s*((?:\.\.\s*)+)\s*(0x[0-9a-f]+|\d+):?\s+pte:?\s+(?:0x)?([0-9a-f]+)\s+pa:?\s+(?:0x)?([0-9a-f]+)(?:\s+fl:?\s+(?:0x)?([0-9a-f]+))?\s*$/i;

/** The last dump in a text; undefined if there is none. */
export function lastDump(text: string): Dump | undefined {
  const lines = text.replace(/\r/g, '').split('\n');
  const start = lines.findLastIndex((line) => HEADING.test(line));
  const heading = HEADING.exec(lines[start] ?? '');
  if (heading === null) return undefined;
  const rest = lines.slice(start + 1);
  const end = rest.findIndex((line) => !/^\s*\.\./.test(line));
  return { root: BigInt(`0x${heading[1]}`), lines: rest.slice(0, end < 0 ? rest.length : end) };
}

/** Compares a dump with the table that it is of, in whatever year's format it is. Lines that are missing come last. */
export function checkDump(dump: Dump, entries: readonly PrintedEntry[]): VmprintProblem[] {
  const problems: VmprintProblem[] = [];
  const open = new Map(entries.map((entry) => [keyOf(entry.level, entry.va), entry]));
  /** Start of the address range of the line before, of each level. */
  const starts: bigint[] = [];
  let expected = 0;
  let byAddress = false;
  for (const line of dump.lines) {
    const wrong = (what: string): number => problems.push({ line, what });
    const [, dots, name, pte, pa, flags] = LINE.exec(line) ?? [];
    if (dots === undefined || name === undefined || pte === undefined || pa === undefined) {
      wrong('is no line of a dump: it should have an index or an address, pte and pa');
      continue;
    }
    const level = ROOT_LEVEL + 1 - (dots.match(/\./g)?.length ?? 0) / 2;
    byAddress = name.startsWith('0x');
    const places = level >= 0 ? placesOf(level, name, starts) : [];
    const isKnown = (va: bigint): boolean => entries.some((entry) => entry.level === level && entry.va === va);
    const place = places.find(isKnown) ?? places[0];
    const found = place === undefined ? undefined : open.get(keyOf(level, place));
    if (place === undefined || found === undefined) {
      const known = place !== undefined && isKnown(place);
      wrong(known ? 'was printed before' : `has no valid entry in the table: ${whyNone(level, name)}`);
      continue;
    }
    open.delete(keyOf(level, place));
    starts[level] = place;
    // One that follows a line that is missing is where it should be.
    const index = entries.indexOf(found);
    if (index < expected) wrong('is not where it should be in the order');
    expected = index + 1;
    if (BigInt(`0x${pte}`) !== found.pte) wrong(`has another pte than the table, which has ${word(found.pte)}`);
    const right = ptePhysical(BigInt(`0x${pte}`));
    if (BigInt(`0x${pa}`) !== right) wrong(`has another pa than its pte, which leads to ${word(right)}`);
    if (flags !== undefined && BigInt(`0x${flags}`) !== BigInt(pteFlags(BigInt(`0x${pte}`))))
      wrong(`has other flags than its pte, which has ${word(BigInt(pteFlags(BigInt(`0x${pte}`))))}`);
  }
  for (const entry of open.values())
    problems.push({ line: lineOf(entry, byAddress ? '2024 and 2025' : '2020'), what: 'is missing' });
  return problems;
}

const keyOf = (level: number, va: bigint): string => `${level} ${va}`;

/**
 * The first address of an entry that a line names by its index in the table that the line before it led to, or by its address. The
 * lab of 2024 shows the address of index 255 with all upper bits set, as if it were of the upper half.
 */
function placesOf(level: number, name: string, starts: readonly bigint[]): bigint[] {
  if (name.startsWith('0x')) return [39, 38].map((bits) => BigInt.asUintN(bits, BigInt(name)));
  const above = level === ROOT_LEVEL ? 0n : starts[level + 1];
  return above === undefined ? [] : [above + BigInt(name) * spanOf(level)];
}

const whyNone = (level: number, name: string): string =>
  level < 0
    ? 'it is deeper than three levels'
    : name.startsWith('0x')
      ? `none at level ${level} for ${hex(toCanonical(BigInt(name)))}`
      : `none with index ${name} at level ${level} there`;
