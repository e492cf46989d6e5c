/** Which of all traps in the past a stop is about. */
import type { Instant } from '../../../emulator/history/instant';
import type { Timeline } from '../../../emulator/history/timeline';
import { Cause } from '../../../emulator/isa/causes';
import { Mode, type TrapEvent } from '../../../emulator/types';
import type { AskedGuest } from '../../questions/occurrence';
import { trapTaken } from '../../run-control/past/questions';
import type { Frame } from '../../stack/frame';

/** Whether a trap is the exception during which the kernel stopped, by its place on the stack; undefined if there is none. */
export function exceptionOnStack(frames: readonly Frame[]): ((event: TrapEvent) => boolean) | undefined {
  const label = frames.findIndex((frame) => frame.isLabel);
  const below = frames[label + 1];
  if (label < 0 || below === undefined) return undefined;
  const { pc } = below.registers;
  return ({ interrupt, cause, epc, to }) =>
    !interrupt && cause !== Cause.userEcall && to === Mode.Supervisor && epc === pc;
}

/** The instant of the first of many alike, of which another one is known. */
export async function firstOfLoop(
  { machine }: AskedGuest,
  timeline: Timeline,
  event: TrapEvent,
  now: Instant,
): Promise<Instant> {
  const isIt = (other: TrapEvent): boolean =>
    other.hart === event.hart && other.epc === event.epc && other.tval === event.tval && other.cause === event.cause;
  let [found, before] = [now, now];
  for (let count = 0; count < 2; count++) {
    const one = await timeline.findLast(before, trapTaken(machine, isIt));
    if (one === undefined) break;
    [found, before] = [one.instant, one.instant];
  }
  return found;
}
