/**
 * Searches a page table by a text. A number matches entries that map it or map to it, and the tables and entries at that
 * address; with `va:` or `pa:` before it only what it says. Letters of flags (`rwu`) match entries with just these permissions, one
 * letter with `+` or `-` before it (`+u`, `-w`) those that have it or not. Any other word must occur in an entry's region, which
 * says whose it is, its problem or its change. All words must match.
 */
import { PTE, type AddressArea, type PteRun } from '../../debug-adapter/protocol';
import { pageSize } from './rows';

/** The entries that match, with the tables that lead to them. An empty text matches everything. */
export function filterEntries(entries: PteRun[], text: string): PteRun[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return words.length === 0 ? entries : entries.flatMap((run) => filterRun(run, words));
}

/** The entries that differ from what the table is compared with, but for A and D alone, and the tables that lead there. */
export function differing(entries: readonly PteRun[]): PteRun[] {
  return entries.flatMap((run) => {
    const children = run.children && differing(run.children);
    if (children && children.length > 0) return [{ ...run, children }];
    return run.change === undefined || run.touchedOnly === true ? [] : [run];
  });
}

/** How many entries differ: of tables, only those that are there in one alone. */
export const countDifferences = (entries: readonly PteRun[]): number =>
  entries.reduce(
    (sum, { children, count, change, touchedOnly }) =>
      sum + (children ? countDifferences(children) : change === undefined || touchedOnly === true ? 0 : count),
    0,
  );

function filterRun(run: PteRun, words: string[]): PteRun[] {
  if (run.children) {
    const children = run.children.flatMap((child) => filterRun(child, words));
    if (children.length > 0) return [{ ...run, children }];
    return words.every((word) => matchesTable(run, word)) ? [run] : [];
  }
  let leaves: PteRun[] = [run];
  for (const word of words) leaves = leaves.flatMap((leaf) => narrow(leaf, word));
  return leaves;
}

/** The part of a run that a word matches: all of it, the leaves that contain an address, or nothing. */
function narrow(run: PteRun, word: string): PteRun[] {
  if (matchesText(run, word)) return [run];
  const { space, address } = numberIn(word);
  if (address === undefined) return [];
  const size = pageSize(run.level);
  const offsets = new Set<number>();
  const note = (start: bigint, step: bigint) => {
    const distance = address - start;
    if (distance >= 0n && distance < step * BigInt(run.count)) offsets.add(Number(distance / step));
  };
  if (space !== 'pa') note(BigInt(run.va), size);
  if (space !== 'va') note(BigInt(run.pa), size);
  if (space === undefined) note(BigInt(run.pteAddress), 8n);
  return [...offsets].sort((a, b) => a - b).map((offset) => leafOf(run, offset));
}

function leafOf(run: PteRun, offset: number): PteRun {
  if (run.count === 1) return run;
  const shift = BigInt(offset) * pageSize(run.level);
  return {
    ...run,
    index: run.index + offset,
    count: 1,
    va: hexadecimal(BigInt(run.va) + shift),
    pa: hexadecimal(BigInt(run.pa) + shift),
    pte: hexadecimal(BigInt(run.pte) + (shift >> 2n)),
    pteAddress: hexadecimal(BigInt(run.pteAddress) + 8n * BigInt(offset)),
    before: offset === 0 ? run.before : undefined,
  };
}

/** A pointer matches an address in the table that it points to, and its own address. */
function matchesTable(run: PteRun, word: string): boolean {
  if (matchesText(run, word)) return true;
  const { space, address } = numberIn(word);
  if (address === undefined || space === 'va') return false;
  return address >> 12n === BigInt(run.pa) >> 12n || address === BigInt(run.pteAddress);
}

function matchesText(run: PteRun, word: string): boolean {
  const texts = [run.region, run.problem, run.change];
  if (texts.some((text) => text?.toLowerCase().includes(word))) return true;
  return run.children === undefined && matchesFlags(run.flags, word);
}

function matchesFlags(flags: number, word: string): boolean {
  if (/^[rwxu]{2,4}$/.test(word)) return permissions(flags) === word;
  const [, sign, letter] = /^([+-])([vrwxugad])$/.exec(word) ?? [];
  if (letter === undefined) return false;
  return ((flags & PTE[letter.toUpperCase() as keyof typeof PTE]) !== 0) === (sign === '+');
}

/** Whether a box of a drawing is one that a text searches for. */
export function areaMatches(area: AddressArea, text: string): boolean {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return (area.parts?.some((part) => areaMatches(part, text)) ?? false) || words.every((word) => areaHas(area, word));
}

function areaHas({ va, last, pa, flags, region, problem }: AddressArea, word: string): boolean {
  if ([region, problem].some((text) => text?.toLowerCase().includes(word))) return true;
  if (flags & PTE.V && matchesFlags(flags, word)) return true;
  const { space, address } = numberIn(word);
  if (address === undefined) return false;
  const length = BigInt(last) - BigInt(va);
  const covers = (start: string | undefined): boolean =>
    start !== undefined && address >= BigInt(start) && address - BigInt(start) <= length;
  return (space !== 'pa' && covers(va)) || (space !== 'va' && covers(pa));
}

function permissions(flags: number): string {
  return (['R', 'W', 'X', 'U'] as const)
    .filter((flag) => flags & PTE[flag])
    .join('')
    .toLowerCase();
}

/** A hexadecimal number, with or without 0x. Without 0x and `va:` or `pa:` it needs at least three digits, to be no word. */
export function numberIn(word: string): { space?: 'va' | 'pa'; address?: bigint } {
  const [, space, prefix, digits] = /^(?:(va|pa):)?(0x)?([\da-f]{1,16})$/.exec(word) ?? [];
  if (digits === undefined || (space === undefined && prefix === undefined && digits.length < 3)) return {};
  return { ...(space !== undefined && { space: space as 'va' | 'pa' }), address: BigInt(`0x${digits}`) };
}

function hexadecimal(value: bigint): string {
  return `0x${value.toString(16)}`;
}
