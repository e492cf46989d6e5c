/** The page tables that a story knows by name, by which it says whose an entry is. */
import { hex } from '../../emulator/isa/hex';
import { PAGE_SIZE } from '../../emulator/isa/sv39';
import { frameInteger } from '../evaluation/evaluation';
import { Tables } from '../page-tables/tables';
import type { AskedGuest } from '../questions/occurrence';
import type { Frame } from '../stack/frame';
import { localVariables } from '../stack/variables';
import { isPageTable } from '../xv6/structure';
import { processes } from '../xv6/processes';
import { kernelTables } from '../xv6/tables';
import { mayBeRoot, type KnownTable } from './entries';

/** The tables of the harts, of the kernel and of the processes. */
export function knownTables(guest: AskedGuest, hart: number): KnownTable[] {
  const all = new Tables(guest, guest.harts[hart]!).all.flatMap(({ root }) => root ?? []);
  return all.map((root) => knownTable(guest, root) ?? strangeTable(root));
}

/** Tables that variables on the stack lead to. */
export function tablesInHand(guest: AskedGuest, frames: readonly Frame[]): KnownTable[] {
  return frames.toReversed().flatMap((frame) =>
    (frame.isLabel || frame.isUser ? [] : localVariables(frame))
      .filter(({ type }) => isPageTable(type))
      .flatMap((variable) => {
        const root = frameInteger(guest, frame, variable);
        if (root === undefined || root === 0n) return [];
        const isOne = root % PAGE_SIZE === 0n && guest.machine.memory.readU64(root) !== undefined;
        if (!isOne) return [];
        const known = knownTable(guest, root);
        if (known !== undefined) return known;
        const label = `the table in “${variable.name}” of ${frame.name}`;
        return mayBeRoot(guest.machine.memory, root) ? { ...strangeTable(root), label } : [];
      }),
  );
}

/** Undefined for a table that is nobody's now. */
function knownTable({ xv6 }: AskedGuest, root: bigint): KnownTable | undefined {
  const found = kernelTables(xv6, processes(xv6)).find((one) => one.root === root);
  if (found === undefined) return undefined;
  const { id, label, owner } = found;
  return { root, id, label: owner === undefined ? label : `the table of ${label}` };
}

export const strangeTable = (root: bigint): KnownTable => ({
  root,
  id: `table:${hex(root)}`,
  label: `the table at ${hex(root)}`,
});
