/**
 * The page tables that the functions on a stack have in hand: in `copyout(pagetable, dstva, …)`, `walk` and `uvmunmap` an address
 * is one of that table, whatever satp says. They are found by the types of variables (`pagetable_t`, `pte_t *`, `uint64 *`) and
 * by what lies there, never by their names: walk's own variable leads to lower tables as it goes on.
 */
import { isInteger, isSigned, plain, sizeOf } from '../expressions/types';
import { isRootByContent } from '../page-tables/root-content';
import { takeSnapshot } from '../page-tables/snapshot';
import type { HandedTable } from '../page-tables/tables';
import type { Frame } from '../stack/frame';
import { localVariables } from '../stack/variables';
import type { Type } from '../symbols/api';
import { isPageTable } from '../xv6/structure';
import { tableName, tableRoots } from '../xv6/tables';
import { frameInteger, type EvaluationGuest } from './evaluation';

/** Functions of a stack that are looked at. */
const DEEPEST = 32;

/** A table that a function has in hand, with the function's place on the stack. */
export interface TableInHand extends HandedTable {
  readonly frame: Frame;
}

/** Those of a stack, innermost function first. */
export function rootsInHand(guest: EvaluationGuest, stack: readonly Frame[]): TableInHand[] {
  const { memory } = guest.machine;
  const known = new Set(tableRoots(guest.xv6));
  const lower = new LowerTables(memory, known);
  const found: TableInHand[] = [];
  // From the outermost on: what a caller has as a root is none of the lower tables that its callees walk through.
  for (const frame of stack.slice(0, DEEPEST).toReversed()) {
    if (frame.isLabel || frame.isUser) continue;
    for (const variable of localVariables(frame)) {
      if (!leadsToEntries(variable.type)) continue;
      const root = frameInteger(guest, frame, variable);
      if (root === undefined || root === 0n) continue;
      const isRoot = known.has(root) || (!lower.has(root) && isRootByContent(memory, root, isPageTable(variable.type)));
      if (!isRoot) continue;
      lower.below(root);
      const owner = tableName(guest.xv6, root);
      const whose = owner === undefined ? 'no process’s' : owner;
      found.unshift({
        id: `frame:${frame.name}:${variable.name}`.slice(0, 64),
        label: `${variable.name} of ${frame.name} (${whose})`,
        ...{ root, frame },
      });
    }
  }
  return found;
}

/**
 * Those that an address in a frame may be meant for: the frame's own, or where it only has lower tables in hand, as walk
 * does, its nearest caller's.
 */
export function rootsMeantIn(guest: EvaluationGuest, stack: readonly Frame[]): TableInHand[] {
  const [frame] = stack;
  if (!frame || frame.isLabel || frame.isUser) return [];
  if (!localVariables(frame).some(({ type }) => isPageTable(type))) return [];
  const until = stack.findIndex(({ isLabel }) => isLabel);
  const all = rootsInHand(guest, until < 0 ? stack : stack.slice(0, until));
  return all.filter((table) => table.frame === all[0]?.frame);
}

function leadsToEntries(type: Type): boolean {
  if (isPageTable(type)) return true;
  const bare = plain(type);
  const target = bare.kind === 'pointer' ? plain(bare.target) : undefined;
  return target?.kind === 'base' && isInteger(target) && !isSigned(target) && sizeOf(target) === 8;
}

/** The pages of tables that are not roots. They are looked for only when something may be one of them. */
class LowerTables {
  private readonly pages = new Set<number>();
  private readonly waiting: bigint[];

  constructor(
    private readonly memory: EvaluationGuest['machine']['memory'],
    roots: Iterable<bigint>,
  ) {
    this.waiting = [...roots];
  }

  below(root: bigint): void {
    this.waiting.push(root);
  }

  has(page: bigint): boolean {
    for (const root of this.waiting.splice(0)) {
      const own = Number(root >> 12n);
      for (const { page: one } of takeSnapshot(root, this.memory).pages.values()) if (one !== own) this.pages.add(one);
    }
    return this.pages.has(Number(page >> 12n));
  }
}
