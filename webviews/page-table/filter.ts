/**
 * Filters a page table by a text. A number matches entries that map it or map to it, and the tables and entries at that
 * address; any other word must occur in an entry's region, problem, change or permissions. All words must match.
 */
import { PTE, type PteRun } from '../../debug-adapter/protocol';
import { pageSize } from './rows';

/** The entries that match, with the tables that lead to them. An empty text matches everything. */
export function filterEntries(entries: PteRun[], text: string): PteRun[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return words.length === 0 ? entries : entries.flatMap((run) => filterRun(run, words));
}

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
  const address = addressIn(word);
  if (address === undefined) return [];
  const size = pageSize(run.level);
  const offsets = new Set<number>();
  const note = (start: bigint, step: bigint) => {
    const distance = address - start;
    if (distance >= 0n && distance < step * BigInt(run.count)) offsets.add(Number(distance / step));
  };
  note(BigInt(run.va), size);
  note(BigInt(run.pa), size);
  note(BigInt(run.pteAddress), 8n);
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
  const address = addressIn(word);
  if (address === undefined) return false;
  return address >> 12n === BigInt(run.pa) >> 12n || address === BigInt(run.pteAddress);
}

function matchesText(run: PteRun, word: string): boolean {
  const texts = [run.region, run.problem, run.change];
  if (texts.some((text) => text?.toLowerCase().includes(word))) return true;
  return /^[rwxu]{2,4}$/.test(word) && permissions(run.flags) === word;
}

function permissions(flags: number): string {
  return (['R', 'W', 'X', 'U'] as const)
    .filter((flag) => flags & PTE[flag])
    .join('')
    .toLowerCase();
}

/** A hexadecimal number, with or without 0x. Without 0x it needs at least three digits, to be no word. */
function addressIn(word: string): bigint | undefined {
  return /^(0x[\da-f]{1,16}|[\da-f]{3,16})$/.test(word)
    ? BigInt(word.startsWith('0x') ? word : `0x${word}`)
    : undefined;
}

function hexadecimal(value: bigint): string {
  return `0x${value.toString(16)}`;
}
