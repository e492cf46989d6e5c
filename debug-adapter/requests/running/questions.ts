/** Questions to the past: each goes to the place that answers it, and ends with a `stopped` event. */
import type { Found, Timeline } from '../../../emulator/history/timeline';
import { SavedState } from '../../../emulator/history/saved-state';
import { hex } from '../../../emulator/isa/hex';
import type { BreakpointOrigin } from '../../code/mapped-program';
import { instructionText } from '../../code/place-names';
import { evaluate } from '../../expressions/evaluate';
import type { Debuggee } from '../../launch/debuggee';
import type { Requests } from '../../protocol';
import { bytesAt, spotOf, type NamedSpot } from '../../questions/spots';
import { Writers } from '../../questions/writers';
import type { Destination } from '../../run-control/past/past';
import { printed } from '../../run-control/past/questions';
import { requireSession, requireStopped, type SessionContext } from '../context';
import { viewFor } from '../inspection/view';
import { depart } from './backward';

/** The last write of a place, or, with `again`, the one before of what was asked for last. */
export function whoWrote(
  context: SessionContext,
  args: Requests['xv6.whoWrote']['arguments'],
): Requests['xv6.whoWrote']['response'] {
  const { debuggee, dataLocations, past, stopped } = requireStopped(context);
  const { machine } = debuggee;
  const { timeline } = past;
  const named = args.again === true ? context.asked : spotOfArguments(context, args);
  if (named === undefined) throw new Error('Nothing has been asked for yet.');
  context.asked = named;
  const { spot, label, show } = named;
  const before = machine.instant;
  const now = bytesAt(machine, spot);
  depart(context, `Looking for the last write of ${label}`, () =>
    past.travel(stopped.report.hart, async (): Promise<Destination> => {
      const found = await new Writers(debuggee, timeline).last(spot, before);
      if (found === undefined) throw new Error(`${label} has never been written since power on.`);
      const event = found.by === 'instruction' || found.by === 'device' ? found.event : undefined;
      const hart = found.by === 'trap' ? found.event.hart : 'hart' in found ? found.hart : machine.current;
      const old = event?.before ?? bytesAt(machine, spot);
      const change = [old, event?.after ?? now].map((bytes) => (bytes === undefined ? '?' : show(bytes))).join(' → ');
      const description = `Last write of ${label}: ${change}`;
      const text = `${description}\n${doer()}`;
      const origin = found.by === 'instruction' ? lineOf(debuggee, hart) : undefined;
      return {
        instant: machine.instant,
        report: { hart, reason: 'goto', description, text, ...(origin && { origin }) },
      };

      function doer(): string {
        if (event !== undefined) return dataLocations.doer(event);
        if (found?.by === 'debugger') return 'by the debugger';
        if (found?.by === 'trap') return `by the trap that is taken at ${hex(found.event.epc)}`;
        const here = debuggee.harts[hart]!;
        return `by ${instructionText(debuggee, here, found?.by === 'instruction' ? found.pc : here.pc)}`;
      }
    }),
  );
  return {};
}

/** The line of the instruction that a hart is about to execute; a call inlined there that begins with it counts as made. */
function lineOf({ steps, harts }: Debuggee, id: number): BreakpointOrigin | undefined {
  const hart = harts[id]!;
  const image = steps.imageAt(hart);
  const line = image?.binary.lineAt(image.linked(hart.pc));
  return line && { kind: 'line', file: line.file, line: line.line };
}

/** What a client names, as in `dataBreakpointInfo`: a variable of a container, an expression in a frame. */
function spotOfArguments(
  context: SessionContext,
  { name, variablesReference, frameId }: Requests['xv6.whoWrote']['arguments'],
): NamedSpot {
  const { stopped, debuggee } = requireStopped(context);
  const label = name?.trim() ?? '';
  if (variablesReference) {
    const found = stopped.container(variablesReference).find?.(label);
    if (!found) throw new Error(`${label} has no place that is written.`);
    return spotOf(debuggee.machine, found.evaluateName ?? label, found.value, found.evaluation);
  }
  const { evaluation } = viewFor(context, frameId ?? stopped.frame().id);
  return spotOf(debuggee.machine, label, evaluate(label, evaluation), evaluation);
}

/** Where the guest has just written the byte at a place of its output, counted from power on; undefined before the past begins. */
export function findOutput(
  context: SessionContext,
  timeline: Timeline,
  place: number,
  present = timeline.present,
): Promise<Found<{ hart: number }> | undefined> {
  const { debuggee } = requireSession(context);
  const start = timeline.lastWith(
    (learned) => new SavedState('run', learned).record('console').count('bytes') <= place,
  );
  return timeline.findFirst(
    start,
    present,
    printed(debuggee.machine, () => context.console.bytes > place),
  );
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
  depart(context, 'Looking for where the line was printed', () =>
    past.travel(stopped.report.hart, async (): Promise<Destination> => {
      const found = await findOutput(context, timeline, place, present);
      if (found === undefined) throw new Error('The line was printed before the past begins.');
      const { hart } = found.value;
      await timeline.goToStep(hart, machine.harts[hart]!.steps - 1, found.instant);
      const report = { hart, reason: 'goto', description: 'Paused where the line was printed' } as const;
      return { instant: machine.instant, report };
    }),
  );
  return { occurrences: places.length };
}
