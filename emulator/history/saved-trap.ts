/** A trap as it is saved by those who keep traps. */
import type { State, TrapEvent } from '../types';
import type { SavedState } from './saved-state';

export const savedTrap = (event: TrapEvent): State => ({ ...event, source: event.source ?? null });

/** Throws an Error that names the field if it is not what `savedTrap` made. */
export function restoredTrap(saved: SavedState): TrapEvent {
  const source = saved.raw('source');
  return {
    hart: saved.count('hart'),
    interrupt: saved.boolean('interrupt'),
    cause: saved.count('cause'),
    tval: saved.bigint('tval'),
    epc: saved.bigint('epc'),
    from: saved.mode('from'),
    to: saved.mode('to'),
    ...(source !== null && { source: saved.count('source') }),
  };
}
