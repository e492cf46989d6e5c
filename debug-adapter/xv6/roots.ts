/**
 * The page tables that can be shown: those in satp, the kernel's, each process's; and the names of what is in each.
 */
import { kernelLayout, kernelRegions, userRegions, type Regions } from '../page-tables/regions';
import type { PhysicalRange } from '../page-tables/memory-map';
import type { TableSnapshot } from '../page-tables/snapshot';
import { hex, satpFields } from '../page-tables/walk';
import type { PageTableRoot } from '../protocol';
import { readWord, type Xv6 } from './kernel';
import { processes, trapFrameRegisters, type Process } from './processes';

export interface HartTable {
  hart: number;
  satp: bigint;
}

/** The global kernel page table's root; undefined before it is made. */
export const kernelRoot = (xv6: Xv6): bigint | undefined =>
  xv6.kernelPagetable === undefined ? undefined : readWord(xv6, xv6.kernelPagetable) || undefined;

/** Roots of the tables that the kernel knows: its own, and each process's. */
export function tableRoots(xv6: Xv6): bigint[] {
  const kernel = kernelRoot(xv6);
  const own = processes(xv6).flatMap(({ pagetable, kernelTables }) => [
    ...(pagetable === undefined ? [] : [pagetable]),
    ...kernelTables.map(({ root }) => root),
  ]);
  return kernel === undefined ? own : [kernel, ...own];
}

/**
 * All tables. `satp` is that of the hart `current`, those of the others are `satp:N`; then `kernel`, and for each process
 * `pid:3`, `pid:3:kernel` (a second table of its own goes by its member's name).
 */
export function pageTableRoots(
  xv6: Xv6 | undefined,
  harts: readonly HartTable[],
  current: number,
  used: readonly Process[],
): PageTableRoot[] {
  const kernel = xv6 && kernelRoot(xv6);
  const roots: PageTableRoot[] = [];
  const ordered = [...harts.filter(({ hart }) => hart === current), ...harts.filter(({ hart }) => hart !== current)];
  for (const { hart, satp } of ordered) {
    const { mode, root } = satpFields(satp);
    const owner = mode === 8 ? tableName(root, kernel, used) : 'paging is off';
    roots.push({
      id: hart === current ? 'satp' : `satp:${hart}`,
      label: `satp of hart ${hart}${owner === undefined ? '' : ` (${owner})`}`,
      ...(mode === 8 && { root: hex(root) }),
    });
  }
  if (xv6?.kernelPagetable !== undefined) {
    roots.push({ id: 'kernel', label: 'kernel_pagetable', ...(kernel !== undefined && { root: hex(kernel) }) });
  }
  for (const process of used) {
    const label = `pid ${process.pid} ${process.name}`.trim();
    if (process.pagetable !== undefined) {
      roots.push({ id: `pid:${process.pid}`, label, root: hex(process.pagetable) });
    }
    process.kernelTables.forEach(({ member, root }, i) => {
      const id = `pid:${process.pid}:${i === 0 ? 'kernel' : member}`;
      roots.push({ id, label: `${label}, ${member}`, root: hex(root) });
    });
  }
  return roots;
}

/** Whose table a root page belongs to. */
function tableName(root: bigint, kernel: bigint | undefined, used: readonly Process[]): string | undefined {
  if (root === kernel) return 'kernel_pagetable';
  for (const process of used) {
    const label = `pid ${process.pid} ${process.name}`.trim();
    if (process.pagetable === root) return label;
    const own = process.kernelTables.find((table) => table.root === root);
    if (own) return `${label}, ${own.member}`;
  }
  return undefined;
}

/** The names for a table, by whose it is. A table that belongs to no process is taken for the kernel's. */
export function regionsOfTable(
  xv6: Xv6,
  physical: readonly PhysicalRange[],
  root: bigint,
  all: readonly Process[],
  snapshot: TableSnapshot,
): Regions {
  const layout = kernelLayout(xv6.binary, physical);
  const user = all.find((process) => process.used && process.pagetable === root);
  if (user) return userRegions(layout, user, snapshot, trapFrameRegisters(xv6, user)?.x[2]);
  const owner = all.find((process) => process.used && process.kernelTables.some((table) => table.root === root));
  return kernelRegions(layout, all, owner);
}
