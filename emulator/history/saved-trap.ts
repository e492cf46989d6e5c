/** A trap as it is saved by those who keep traps. */
import { Mode, type State, type TrapEvent } from '../types';
import type { SavedState } from './saved-state';

const MODES: readonly Mode[] = [Mode.User, Mode.Supervisor, Mode.Machine];

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
    from: saved.oneOf('from', MODES),
    to: saved.oneOf('to', MODES),
    ...(source !== null && { source: saved.count('source') }),
  };
}
