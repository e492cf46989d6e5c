/** The page tables that a story knows by name, by which it says whose an entry is. */
import { hex } from '../../emulator/isa/hex';
import { frameInteger } from '../evaluation/evaluation';
import { Tables } from '../page-tables/tables';
import type { AskedGuest } from '../questions/occurrence';
import type { Frame } from '../stack/frame';
import { localVariables } from '../stack/variables';
import { isPageTable } from '../xv6/structure';
import { tableName } from '../xv6/tables';
import type { KnownTable } from './entries';

/** The tables of the harts, of the kernel and of the processes. */
export function knownTables(guest: AskedGuest, hart: number): KnownTable[] {
  const all = new Tables(guest, guest.harts[hart]!).all.flatMap(({ root }) => root ?? []);
  return all.map((root) => ({ root, label: labelOf(guest, root) }));
}

/** Tables that variables on the stack lead to. */
export function tablesInHand(guest: AskedGuest, frames: readonly Frame[]): KnownTable[] {
  return frames.toReversed().flatMap((frame) =>
    (frame.isLabel || frame.isUser ? [] : localVariables(frame))
      .filter(({ type }) => isPageTable(type))
      .flatMap((variable) => {
        const root = frameInteger(guest, frame, variable);
        if (root === undefined || root === 0n) return [];
        const owner = tableName(guest.xv6, root);
        const label = owner === undefined ? `the table in “${variable.name}” of ${frame.name}` : labelOf(guest, root);
        return { root, label };
      }),
  );
}

function labelOf(guest: AskedGuest, root: bigint): string {
  const owner = tableName(guest.xv6, root);
  if (owner === undefined) return `the table at ${hex(root)}`;
  return owner.startsWith('pid') ? `the table of ${owner}` : owner;
}
