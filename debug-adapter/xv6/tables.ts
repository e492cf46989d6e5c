/** The kernel's page tables: its own, and each process's. */
import { hex } from '../../emulator/isa/hex';
import { alignedWord, type Xv6 } from './kernel';
import { named, processes, type Process } from './processes';

export interface KernelTable {
  /** `kernel`, `pid:3` for a process's user table, `pid:3:kernel` for its own kernel table; further ones by their member. */
  id: string;
  /** "kernel_pagetable", "pid 3 sh", "pid 3 sh, kpagetable". */
  label: string;
  /** Its address space, as named in memory references: "user:3". */
  space: string;
  /** Physical address of the root page; undefined before the table is made. */
  root: bigint | undefined;
  /** Its process, if it belongs to one. */
  owner?: Process;
  /** Whether user programs run on it. */
  isUsers: boolean;
}

/** The global kernel page table's root; undefined before it is made. */
export const kernelRoot = (xv6: Xv6): bigint | undefined =>
  xv6.kernelPagetable === undefined ? undefined : alignedWord(xv6, xv6.kernelPagetable) || undefined;

/** The kernel's table, then those of the processes. */
export function kernelTables(xv6: Xv6, used: readonly Process[]): KernelTable[] {
  const known = xv6.kernelPagetable !== undefined;
  const kernel = { id: 'kernel', label: 'kernel_pagetable', space: 'kernel', root: kernelRoot(xv6), isUsers: false };
  return [
    ...(known ? [kernel] : []),
    ...used.flatMap((owner): KernelTable[] => {
      const { pid, pagetable } = owner;
      const label = named(owner);
      return [
        ...(pagetable === undefined
          ? []
          : [{ id: `pid:${pid}`, label, space: `user:${pid}`, root: pagetable, owner, isUsers: true }]),
        ...owner.kernelTables.map(({ member, root }, i) => ({
          id: `pid:${pid}:${i === 0 ? 'kernel' : member}`,
          label: `${label}, ${member}`,
          space: i === 0 ? `kernel:${pid}` : `table:${hex(root)}`,
          ...{ root, owner, isUsers: false },
        })),
      ];
    }),
  ];
}

/** Roots of all tables that exist now. */
export const tableRoots = (xv6: Xv6): bigint[] => kernelTables(xv6, processes(xv6)).flatMap(({ root }) => root ?? []);

/** "pid 3 sh": whose table has this root; undefined for one that is nobody's now. */
export const tableName = (xv6: Xv6, root: bigint): string | undefined =>
  kernelTables(xv6, processes(xv6)).find((one) => one.root === root)?.label;
