/**
 * Whether a process was ended for an exception that the kernel should have resolved, or for one by which a test tries the
 * kernel out: usertests has dozens of children killed on purpose. Two things tell. Whether anybody asks how it ended: a shell
 * waits with wait(0), a test with wait(&status), and complains if it does not like the answer. And what the kernel itself says of
 * the address, by p->sz and by the entry of the page table: it has promised this access, or not.
 */
import { denials, PTE, pteFlags, type Walk } from '../../../emulator/isa/sv39';
import { ACCESS_FAULTS, PAGE_FAULTS } from '../../../emulator/isa/causes';
import { Mode, type TrapEvent } from '../../../emulator/types';

export type Verdict =
  /** The access would get through now: whatever ended the process, it was something else. */
  | 'resolved'
  /** A test may have wanted it. */
  | 'open'
  | 'unresolved';

export interface Victim {
  readonly name: string;
  /** p->sz: below it, the kernel has promised memory. */
  readonly size?: bigint | undefined;
  /** The name of the process that made it: another one, once it has called exec. */
  readonly parentName?: string | undefined;
  /** Whether its parent is in wait with a place for the status; undefined if it is not in wait. */
  readonly statusAsked?: boolean | undefined;
  /** Whether the kernel has no free page left; undefined where that is not known. */
  readonly outOfMemory?: boolean | undefined;
}

/** `walk` is that of the address in the victim's table; undefined if that cannot be walked. */
export function verdictOn(event: Pick<TrapEvent, 'cause' | 'tval'>, victim: Victim, walk: Walk | undefined): Verdict {
  // No table of a sound kernel leads a program to where nothing answers.
  if (ACCESS_FAULTS.has(event.cause)) return 'unresolved';
  const access = PAGE_FAULTS.get(event.cause);
  if (access === undefined) return victim.statusAsked === true ? 'open' : 'unresolved';
  const flags = walk?.leaf && pteFlags(walk.leaf.pte);
  const denied = flags === undefined ? undefined : denials(flags, access, { mode: Mode.User, sum: false, mxr: false });
  if (denied?.length === 0) return 'resolved';
  // A test forks a child that is to fail, and need not ask: usertests has some that give back memory and then use it.
  if (victim.statusAsked !== true && victim.name !== victim.parentName) return 'unresolved';
  if (victim.size === undefined || event.tval >= victim.size) return 'open';
  // Promised, and not there, or wrong in itself: the kernel's fault, unless no page was left for it.
  if (flags === undefined)
    return walk === undefined || (walk.error === 'not-valid' && victim.outOfMemory !== false) ? 'open' : 'unresolved';
  // Data to which nothing but copy-on-write forbids a store; code is read-only for good, in kernels that make it so.
  const isMarked = (flags & PTE.RSW) !== 0;
  if (isMarked && victim.outOfMemory === true) return 'open';
  const isShared = (flags & PTE.X) === 0 || isMarked;
  return access === 'store' && (flags & PTE.U) !== 0 && isShared ? 'unresolved' : 'open';
}
