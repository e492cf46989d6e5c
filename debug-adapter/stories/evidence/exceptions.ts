/** Which of all traps in the past a stop is about. */
import type { Instant } from '../../../emulator/history/instant';
import type { Timeline } from '../../../emulator/history/timeline';
import { Cause } from '../../../emulator/isa/causes';
import { Mode, type TrapEvent } from '../../../emulator/types';
import type { AskedGuest } from '../../questions/occurrence';
import { trapTaken } from '../../run-control/past/questions';
import type { Frame } from '../../stack/frame';

/**
 * Whether a trap, of whatever kind, is one from which the thread on a stack was to go on where it was interrupted last; undefined
 * if it was not. The latest such trap is what the kernel was handling: an earlier exception of the same instruction is over, and
 * others may run the same program. `pidOn`: the process that a hart runs.
 */
export function trapOnStack(
  frames: readonly Frame[],
  pidOn: (hart: number) => number | undefined,
): ((event: TrapEvent) => boolean) | undefined {
  const label = frames.findIndex((frame) => frame.isLabel);
  const below = frames[label + 1];
  if (label < 0 || below === undefined) return undefined;
  const { isUser, process, hart, registers } = below;
  // A system call goes on after its ECALL, once the kernel has set that.
  const isThere = ({ interrupt, cause, epc }: TrapEvent): boolean =>
    epc === registers.pc || (!interrupt && cause === Cause.userEcall && epc + 4n === registers.pc);
  return (event) => {
    if (event.to !== Mode.Supervisor || !isThere(event)) return false;
    if (event.from === Mode.User) return isUser && pidOn(event.hart) === process?.pid;
    return !isUser && event.hart === hart;
  };
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
