/**
 * The kernel stores into a page that several programs have and none of them may write, as pages are shared by copy on write: through
 * its own map of RAM, where no missing W stops it. All who have the page see what was meant for one.
 */
import { hex } from '../../../emulator/isa/hex';
import { flagText, PTE } from '../../../emulator/isa/sv39';
import type { NamedLeaf } from './entries';
import { told, type Told } from './rule';

/** Whether a page with these entries is shared so; `flags`: of all of them together. */
export const isSharedUnwritable = (entries: number, flags: number): boolean =>
  entries >= 2 && (flags & PTE.U) !== 0 && (flags & PTE.W) === 0;

/** Entries that are told. */
const MOST = 3;

/** `address`: the physical one of the first byte; `by`: "memmove at string.c:40 (pid 3 sh)". */
export const writtenSharedTold = (address: bigint, by: string, leaves: readonly NamedLeaf[]): Told =>
  told(
    `The kernel writes to the page at PA ${hex(address & ~0xfffn)}, which ${leaves.length} programs share and none may write`,
    `${by} stores at PA ${hex(address)}, and all of them see it: the kernel's own map of RAM asks for no W`,
    ...leaves
      .slice(0, MOST)
      .map(({ table, vpn, flags }) => `${table} has the page at ${hex(BigInt(vpn) << 12n)} (${flagText(flags)})`),
    leaves.length > MOST ? `and ${leaves.length - MOST} more` : undefined,
    'with copy on write, who writes gets a page of its own first: a fault does that for programs, the kernel must do it itself',
  );
