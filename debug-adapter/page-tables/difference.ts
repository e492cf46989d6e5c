/**
 * How a table entry changed between two stops. Compares entries at the same place in the address space rather than runs,
 * which may split differently at every stop.
 */

import { PTE } from '../../emulator/isa/sv39';

/** `touched`: nothing but A or D differs, which hardware sets by itself. */
export type Change = 'added' | 'removed' | 'changed' | 'touched' | undefined;

const HARDWARE_BITS = PTE.A | PTE.D;

/** Compares an entry's two 32-bit halves now and before; a missing entry is 0. */
export function changeOf(low: number, high: number, beforeLow: number, beforeHigh: number): Change {
  if (low === beforeLow && high === beforeHigh) return undefined;
  if ((beforeLow | beforeHigh) === 0) return 'added';
  if ((low | high) === 0) return 'removed';
  return high === beforeHigh && (low & ~HARDWARE_BITS) === (beforeLow & ~HARDWARE_BITS) && (low & PTE.V) !== 0
    ? 'touched'
    : 'changed';
}
