/**
 * Which page-table entry lies at a physical address, and for which virtual address it is: by all tables that are known now, those
 * of the harts, of the kernel and of the processes, and those that variables on the stack lead to, which may be nobody's yet or
 * nobody's any more.
 */
import {
  flagText,
  indexOf,
  isPointer,
  PAGE_SIZE,
  PTE,
  pteFlags,
  ptePhysical,
  pteProblem,
  ROOT_LEVEL,
  spanOf,
  toCanonical,
} from '../../emulator/isa/sv39';
import { hex } from '../../emulator/isa/hex';
import { problemText } from '../page-tables/translation';
import type { PhysicalMemory } from '../../emulator/types';

/** A root, and whose table that is: "the table of pid 3 sh", "kernel_pagetable". */
export interface KnownTable {
  readonly root: bigint;
  readonly label: string;
  /** As `xv6.pageTable` names it: "pid:3", "table:0x87f65000". */
  readonly id: string;
}

export interface Entry {
  readonly address: bigint;
  readonly table: KnownTable;
  /** 2, 1 or 0, as Sv39 counts them. */
  readonly level: number;
  readonly index: number;
  /** The first virtual address that it is for. */
  readonly va: bigint;
}

interface TablePage {
  readonly table: KnownTable;
  readonly level: number;
  readonly va: bigint;
}

/** Pages of tables that are looked at; a damaged table may lead anywhere. */
const MOST_PAGES = 20_000;

export class EntryPlaces {
  private readonly pages = new Map<bigint, TablePage>();

  /** The first table in which a page is found is the one that is named. */
  constructor(
    private readonly memory: Pick<PhysicalMemory, 'read'>,
    readonly tables: readonly KnownTable[],
  ) {
    for (const table of tables) this.addPage(table.root, { table, level: ROOT_LEVEL, va: 0n });
  }

  at(address: bigint): Entry | undefined {
    const start = address - (address % PAGE_SIZE);
    const page = this.pages.get(start);
    if (page === undefined) return undefined;
    const index = Number((address - start) / 8n);
    const { table, level, va } = page;
    return {
      address: start + BigInt(index * 8),
      table,
      level,
      index,
      va: toCanonical(va + BigInt(index) * spanOf(level)),
    };
  }

  /** Those that are meant, as they are now. */
  entries(isMeant: (pte: bigint, level: number) => boolean): Entry[] {
    return [...this.pages].flatMap(([page, { level }]) =>
      (this.validIn(page) ?? []).flatMap(({ index, pte }) =>
        isMeant(pte, level) ? (this.at(page + BigInt(8 * index)) ?? []) : [],
      ),
    );
  }

  private addPage(address: bigint, page: TablePage): void {
    if (this.pages.has(address) || this.pages.size >= MOST_PAGES || address % PAGE_SIZE !== 0n) return;
    const entries = this.validIn(address);
    if (entries === undefined) return;
    this.pages.set(address, page);
    if (page.level === 0) return;
    for (const { index, pte } of entries) {
      if (!isPointer(pteFlags(pte))) continue;
      const va = page.va + BigInt(index) * spanOf(page.level);
      this.addPage(ptePhysical(pte), { table: page.table, level: page.level - 1, va });
    }
  }

  /** Most entries are empty. Undefined of what is no memory. */
  private validIn(page: bigint): { index: number; pte: bigint }[] | undefined {
    const bytes = this.memory.read(page, Number(PAGE_SIZE));
    if (bytes === undefined) return undefined;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const valid: { index: number; pte: bigint }[] = [];
    for (let index = 0; index < bytes.length / 8; index++)
      if (view.getUint8(index * 8) & PTE.V) valid.push({ index, pte: view.getBigUint64(index * 8, true) });
    return valid;
  }
}

/**
 * Whether a page may be the root of a table, and not one of its lower pages, whose leaves would be superpages then: these must be
 * aligned.
 */
export function mayBeRoot(memory: Pick<PhysicalMemory, 'read'>, root: bigint): boolean {
  const isGood = (page: bigint, level: number): boolean => {
    const bytes = level === 0 ? undefined : memory.read(page, Number(PAGE_SIZE));
    if (bytes === undefined) return true;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let index = 0; index < bytes.length / 8; index++) {
      const entry = view.getBigUint64(index * 8, true);
      if ((pteFlags(entry) & PTE.V) === 0) continue;
      if (pteProblem(level, entry) === 'misaligned-superpage') return false;
      if (isPointer(pteFlags(entry)) && ptePhysical(entry) !== root && !isGood(ptePhysical(entry), level - 1))
        return false;
    }
    return true;
  };
  return isGood(root, ROOT_LEVEL);
}

/** "the entry for 0x4000 in the table of pid 3 sh (level 0, index 4)". */
export const entryName = ({ va, table, level }: Entry): string =>
  `the entry for ${hex(va)} in ${table.label} (level ${level}, index ${indexOf(va, level)})`;

/** "maps PA 0x87f53000, V R W U", "leads to the next table, at 0x87f54000", "is 0: nothing is mapped". */
export function entryMeaning(value: bigint, level: number): string {
  const flags = pteFlags(value);
  if (value === 0n) return 'is 0: nothing is mapped there';
  if (!(flags & PTE.V)) return `is ${hex(value)}, with V=0: not valid`;
  const problem = pteProblem(level, value);
  if (problem !== undefined) return `is ${hex(value)}, which is not valid: ${problemText(problem, level)}`;
  if (isPointer(flags)) return `leads to the next table, at ${hex(ptePhysical(value))}`;
  return `maps PA ${hex(ptePhysical(value))} (${flagText(flags)})`;
}
