/**
 * What a page table is compared with in `xv6.pageTable`: any other, or itself, now or at any instant of the run. The machine goes
 * there, the table is copied, and it comes back, as with questions to the past.
 */
import {
  compareInstants,
  instantName,
  instantNamed,
  millisecondsOf,
  type Instant,
} from '../../../emulator/history/instant';
import { UserError } from '../../dap/errors';
import type { ComparedSnapshot } from '../../page-tables/model';
import { takeSnapshot } from '../../page-tables/snapshot';
import { Tables, type Table } from '../../page-tables/tables';
import type { ComparedTable, Requests } from '../../protocol';
import { requireStopped, type SessionContext } from '../context';
import { duration } from '../lifecycle/duration';
import { inProgress } from '../lifecycle/progress';

/** Instants that are told, the last ones. */
const MOST = 200;

/** The table to compare with. Throws an Error where there is none, then or now. */
export async function comparedTable(
  context: SessionContext,
  tables: Tables,
  shown: Table,
  { root = shown.id, instant: name }: ComparedTable,
): Promise<ComparedSnapshot> {
  const { debuggee, past } = requireStopped(context);
  const { machine } = debuggee;
  if (name === undefined) return copyOf(tables.named(root), machine.memory, '');
  const instant = instantNamed(name);
  const { beginning, present } = past.timeline;
  if (!instant || compareInstants(instant, beginning) < 0 || compareInstants(instant, present) > 0)
    throw new UserError('There is no such instant in this run.');
  const hart = debuggee.harts[context.stopped!.report.hart]!;
  return context.snapshots.at(`${root} ${name}`, () =>
    inProgress(
      context,
      'Reading the page table in the past',
      () =>
        past.inquire(async (timeline) => {
          await timeline.goTo(instant);
          const then = new Tables(debuggee, hart);
          return copyOf(then.named(root), machine.memory, `, at ${duration(millisecondsOf(instant))}`);
        }),
      () => past.cancel(),
    ),
  );
}

function copyOf(table: Table, memory: Parameters<typeof takeSnapshot>[1], when: string): ComparedSnapshot {
  const { label, root, whyNone } = table;
  if (root === undefined) throw new UserError(`${label} has no page table${when}: ${whyNone}.`);
  return { label: `${label}${when}`, snapshot: takeSnapshot(root, memory) };
}

export function instants(context: SessionContext): Requests['xv6.instants']['response'] {
  const { past } = requireStopped(context);
  const { timeline } = past;
  const here = past.instant;
  const known: { instant: Instant; what: string }[] = [
    { instant: timeline.beginning, what: 'The beginning of the past' },
    ...past.stops.all.map(({ instant, text }) => ({ instant, what: text })),
    ...past.bookmarks.list.flatMap(({ instant, name, future }) =>
      future === undefined ? [{ instant, what: name }] : [],
    ),
    { instant: timeline.present, what: 'The present' },
  ];
  const text = (instant: Instant, what: string): string => {
    const distance = millisecondsOf(instant) - millisecondsOf(here);
    return `${what.split('\n')[0]!}, ${duration(Math.abs(distance))} ${distance > 0 ? 'later' : 'ago'}`;
  };
  return {
    instants: known
      .filter(({ instant }) => compareInstants(instant, here) !== 0)
      .sort((a, b) => compareInstants(b.instant, a.instant))
      .slice(0, MOST)
      .map(({ instant, what }) => ({ instant: instantName(instant), text: text(instant, what) })),
  };
}
