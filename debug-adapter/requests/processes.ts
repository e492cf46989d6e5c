/** The guest's processes, as far as the kernel's own symbols and types tell. */
import type { Debuggee } from '../debuggee';
import { evaluationContext } from '../evaluation';
import { evaluate } from '../expressions/evaluate';
import { numberOf } from '../expressions/value';
import type { RegionProcess } from '../page-tables/regions';

export interface GuestProcess extends RegionProcess {
  /** Physical address of the root of its user table; of its own kernel table, where the kernel has such. */
  table?: bigint;
  kernelTable?: bigint;
  /** Its user stack pointer at the last trap. */
  sp?: bigint;
}

export function processes(_debuggee: Debuggee): GuestProcess[] {
  return [];
}

export function runningOn(debuggee: Debuggee, hart: number): GuestProcess | undefined {
  return processes(debuggee).find(({ slot }) => slot === hart);
}

/** "pid 3 sh". */
export function processOf(debuggee: Debuggee, hart: number): string | undefined {
  const process = runningOn(debuggee, hart);
  return process && `pid ${process.pid} ${process.name}`;
}

/** The kernel's own table, by the variable that holds it. */
export function kernelTable(debuggee: Debuggee): bigint | undefined {
  const hart = debuggee.harts[0]!;
  const context = evaluationContext(debuggee, hart, debuggee.frame(hart));
  try {
    return numberOf(evaluate('kernel_pagetable', context), context) || undefined;
  } catch {
    return undefined;
  }
}
