/** The history of a machine that nobody debugs, in the memory that a session has for it by default. */
import { Timeline } from '../../../emulator/history/timeline';
import type { Machine } from '../../../emulator/machine';

const BYTES = 512 * 2 ** 20;

export function historyOf(machine: Machine): Timeline {
  const companion = { save: () => null, restore: () => undefined, passed: () => undefined };
  const clock = { now: () => performance.now(), soon: (action: () => void) => setImmediate(action) };
  return new Timeline(machine, companion, clock, BYTES);
}
