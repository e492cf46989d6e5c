/**
 * What the handler of a program's exception did to the program's page table before the program went on, or the kernel gave up: a
 * handler that maps another page than the one that was missing, or with other flags than are needed, shows so.
 */
import type { Instant } from '../../../emulator/history/instant';
import type { Probe, Timeline } from '../../../emulator/history/timeline';
import { hex } from '../../../emulator/isa/hex';
import { isPointer, PTE, pteFlags, spanOf } from '../../../emulator/isa/sv39';
import { Mode, type TableStoreEvent, type TrapEvent } from '../../../emulator/types';
import { executedScene, type AskedGuest, type Occurrence } from '../../questions/occurrence';
import { entryText } from '../../run-control/stop-text';
import { processOn } from '../../xv6/cpus';
import { named } from '../../xv6/processes';

/** Instructions in which a handler is expected to be done. */
const LONGEST = 20_000_000;

/** Leaves that it makes, of which the first few are looked at. */
const MOST = 64;

interface Made {
  readonly event: TableStoreEvent;
  readonly seen: Occurrence;
}

/** The leaf that it made or changed, in a sentence; undefined if it did not. The machine stands anywhere afterwards. */
export async function handlerStore(
  guest: AskedGuest,
  timeline: Timeline,
  trap: TrapEvent,
  at: Instant,
): Promise<{ text: string; seen: Occurrence } | undefined> {
  await timeline.goTo(at);
  const root = guest.userRoot(guest.harts[trap.hart]!);
  if (trap.from !== Mode.User || root === undefined) return undefined;
  const made: Made[] = [];
  const owner = processOn(guest.xv6, guest.harts[trap.hart]!);
  await timeline.findFirst(at, timeline.present, leavesMade(guest, root, owner && named(owner), at, made));
  const isFor = ({ event }: Made): boolean => trap.tval >= event.maps && trap.tval - event.maps < spanOf(event.level);
  const own = made.find(isFor);
  // It may be among those that were not looked at.
  if (own === undefined && made.length >= MOST) return undefined;
  const one = own ?? made[0];
  if (one === undefined) return undefined;
  const { event, seen } = one;
  const which = own ? 'this entry' : `the entry for ${hex(event.maps)}, and none for ${hex(trap.tval)}`;
  const by = seen.place === undefined ? '' : `, by ${seen.place.text}`;
  return {
    text: `Its handler then wrote ${which}${by}: ${entryText(event.before)} → ${entryText(event.after)}.`,
    seen,
  };
}

/** Finds where the handler is done, with what it has made on the way. `owner`: the root may be another process's by then. */
function leavesMade(
  guest: AskedGuest,
  root: bigint,
  owner: string | undefined,
  at: Instant,
  made: Made[],
): Probe<true> {
  const { machine } = guest;
  const isLeaf = ({ root: own, after, by }: TableStoreEvent): boolean =>
    own === root && by !== 'walk' && (pteFlags(after) & PTE.V) !== 0 && !isPointer(pteFlags(after));
  const add = (event: TableStoreEvent): void => {
    const hart = event.hart === undefined ? undefined : guest.harts[event.hart];
    if (hart === undefined || event.pc === undefined) return;
    const scene = executedScene(guest, hart, event.pc);
    if (scene.process === owner) made.push({ event, seen: { ...scene, what: 'written', parts: [] } });
  };
  return {
    isDone: true,
    watch: () => {
      const subscription = machine.subscribe({
        tableStore: isLeaf,
        trapReturn: ({ to, hart }) =>
          to === Mode.User && (guest.userRoot(guest.harts[hart]!) === root || machine.instant.time - at.time > LONGEST),
      });
      subscription.followTables([root]);
      return () => subscription.end();
    },
    found: (stop) => {
      if (stop.kind === 'tableStore' && isLeaf(stop.event)) add(stop.event);
      return stop.kind === 'trapReturn' || made.length >= MOST ? true : undefined;
    },
  };
}
