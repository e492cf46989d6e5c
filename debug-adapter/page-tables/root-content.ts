/**
 * Whether a page holds the root of a page table, judged by its entries (Sv39, RISC-V privileged specification 1.12, section
 * 4.4): tables that are being built or freed are no process's, and are known only by variables that lead to them.
 */
import {
  ENTRIES,
  isPointer,
  PAGE_SIZE,
  PTE,
  pteFlags,
  pteProblem,
  ptePhysical,
  ROOT_LEVEL,
} from '../../emulator/isa/sv39';
import type { PhysicalMemory } from '../../emulator/types';

/** Lower tables that are looked at below each page. */
const MOST_BELOW = 16;

type Memory = Pick<PhysicalMemory, 'read'>;

/** The entries of a table's page that are not 0; undefined where there is no RAM. */
function entriesOf(memory: Memory, page: bigint): bigint[] | undefined {
  const bytes = memory.read(page, Number(PAGE_SIZE));
  if (!bytes) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return Array.from({ length: ENTRIES }, (_, i) => view.getBigUint64(8 * i, true)).filter((pte) => pte !== 0n);
}

/** Whether all entries may be those of a root. A page of zeroes is one only where `mayBeEmpty`: it is a table just made. */
export function isRootByContent(memory: Memory, page: bigint, mayBeEmpty: boolean): boolean {
  const entries = page !== 0n && page % PAGE_SIZE === 0n ? entriesOf(memory, page) : undefined;
  if (!entries) return false;
  return entries.length === 0 ? mayBeEmpty : isTable(memory, entries, ROOT_LEVEL);
}

function isTable(memory: Memory, entries: readonly bigint[], level: number): boolean {
  let below = 0;
  for (const pte of entries) {
    const flags = pteFlags(pte);
    // A leaf that was cleared in part may be left in a lower table; at the root there are none.
    if (!(flags & PTE.V)) {
      if (level === ROOT_LEVEL) return false;
      continue;
    }
    if (pteProblem(level, pte)) return false;
    if (!isPointer(flags) || ++below > MOST_BELOW) continue;
    const lower = entriesOf(memory, ptePhysical(pte));
    if (!lower || !isTable(memory, lower, level - 1)) return false;
  }
  return true;
}

/** Whether a table maps anything that user mode may use. */
export function hasUserPages(memory: Memory, page: bigint, level = ROOT_LEVEL): boolean {
  let below = 0;
  return (entriesOf(memory, page) ?? []).some((pte) => {
    const flags = pteFlags(pte);
    if (!(flags & PTE.V)) return false;
    if (!isPointer(flags)) return (flags & PTE.U) !== 0;
    return level > 0 && ++below <= MOST_BELOW && hasUserPages(memory, ptePhysical(pte), level - 1);
  });
}
