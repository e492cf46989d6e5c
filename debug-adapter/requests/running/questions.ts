/** Questions to the past: each goes to the place that answers it, and ends with a `stopped` event. */
import { SavedState } from '../../../emulator/history/saved-state';
import type { DataEvent } from '../../../emulator/types';
import type { Requests } from '../../protocol';
import { partsOf } from '../../run-control/data-breakpoints';
import type { Destination } from '../../run-control/past/past';
import { printed, written } from '../../run-control/past/questions';
import { requireStopped, type SessionContext } from '../context';
import { depart } from './backward';
import { placeNamed } from './data-breakpoints';

export function whoWrote(
  context: SessionContext,
  args: Requests['xv6.whoWrote']['arguments'],
): Requests['xv6.whoWrote']['response'] {
  const { debuggee, dataLocations, past, stopped } = requireStopped(context);
  const { machine } = debuggee;
  const { timeline } = past;
  const location = dataLocations.placeOf(placeNamed(context, args).dataId);
  const ranges = partsOf(location, machine);
  if (ranges === undefined) throw new Error(`${location.label} is not in RAM now.`);
  const before = machine.instant;
  depart(context, () =>
    past.travel(stopped.report.hart, async (): Promise<Destination> => {
      const found = await timeline.findLast(before, written(machine, ranges));
      if (found === undefined) throw new Error(`${location.label} has never been written since power on.`);
      await timeline.goTo(found.instant);
      const { by, hart } = found.value;
      const description = `Last write of ${location.label}: ${change(location.show, found.value)}`;
      const report = { hart: hart ?? machine.current, reason: 'goto', description } as const;
      const text = `${description}\n${dataLocations.doer(found.value)}`;
      // The instruction that wrote is about to be executed, so that its line and its operands are seen.
      if (by === 'instruction' && hart !== undefined)
        await timeline.goToStep(hart, machine.harts[hart]!.steps - 1, found.instant);
      return { instant: machine.instant, report: { ...report, text } };
    }),
  );
  return {};
}

/** The value before and after, as far as the whole of it was written. */
function change(show: (bytes: Uint8Array) => string, { before, after }: DataEvent): string {
  return `${show(before)} → ${show(after)}`;
}

export function whoPrinted(
  context: SessionContext,
  { line, occurrence = 0 }: Requests['xv6.whoPrinted']['arguments'],
): Requests['xv6.whoPrinted']['response'] {
  const { debuggee, past, stopped } = requireStopped(context);
  const { machine } = debuggee;
  const { timeline } = past;
  const { console } = context;
  const places = console.linesSaying(line);
  const place = places[occurrence];
  if (place === undefined) throw new Error('The console shows no such line that is finished.');
  const { present } = timeline;
  depart(context, () =>
    past.travel(stopped.report.hart, async (): Promise<Destination> => {
      const start = timeline.lastWith(
        (learned) => new SavedState('run', learned).record('console').count('bytes') <= place,
      );
      const found = await timeline.findFirst(
        start,
        present,
        printed(machine, () => console.bytes > place),
      );
      if (found === undefined) throw new Error('The line was printed before the past begins.');
      const { hart } = found.value;
      await timeline.goToStep(hart, machine.harts[hart]!.steps - 1, found.instant);
      const report = { hart, reason: 'goto', description: 'Paused where the line was printed' } as const;
      return { instant: machine.instant, report };
    }),
  );
  return { occurrences: places.length };
}
