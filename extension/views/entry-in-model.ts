/** Finds an entry of a page table in what the debugger has said of the table. */
import type { PteRun } from '../../debug-adapter/protocol';

export interface EntryInModel {
  level: number;
  index: number;
  va: bigint;
}

/** The entry at a physical address; undefined if the table has none there. */
export function entryAt(entries: readonly PteRun[], pteAddress: bigint): EntryInModel | undefined {
  for (const { level, index, count, va, pteAddress: first, children } of entries) {
    const offset = pteAddress - BigInt(first);
    if (offset >= 0n && offset < BigInt(8 * count) && offset % 8n === 0n) {
      const after = offset / 8n;
      return { level, index: index + Number(after), va: BigInt(va) + (after << BigInt(12 + 9 * level)) };
    }
    const below = children && entryAt(children, pteAddress);
    if (below) return below;
  }
  return undefined;
}

/** "entry 5 of level 0 of pid 3 sh, for 0x5000". */
export const entryLabel = ({ level, index, va }: EntryInModel, table: string): string =>
  `entry ${index} of level ${level} of ${table}, for 0x${va.toString(16)}`;
