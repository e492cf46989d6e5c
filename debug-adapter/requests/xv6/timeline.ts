/** Our own request `xv6.timeline`: what happened in a stretch of the run, for whoever draws it. */
import { instantName } from '../../../emulator/history/instant';
import type { Requests, TimelineMark, TimelineModel, TimelineSpan } from '../../protocol';
import type { Past } from '../../run-control/past/past';
import type { LoggedStop } from '../../run-control/past/stop-log';
import { LANES } from '../../survey/happened';
import { stateText } from '../../survey/hart-watch';
import type { Column, Seen } from '../../survey/survey';
import { requireSession, type SessionContext } from '../context';

const COLUMNS = 400;
const MOST_COLUMNS = 800;
/** Of a column that a hart spends in many states, only the most of it is told. */
const MOST_SHARES = 4;
/** Stops that are told; of more, the last ones. */
const MOST_STOPS = 800;

export function timeline(context: SessionContext, args: Requests['xv6.timeline']['arguments']): TimelineModel {
  const { survey, past, debuggee } = requireSession(context);
  const { from = 0, to = Number.MAX_SAFE_INTEGER, columns = COLUMNS, read = 'on' } = args;
  const look = { from, to, columns: Math.min(Math.max(columns, 1), MOST_COLUMNS) };
  if (read !== 'on') survey.stop(read === 'done');
  else if (context.stopped) survey.read(look);
  const seen = survey.see(look);
  const { axis } = seen;
  const { instant } = debuggee.machine;
  const states = survey.states.all;
  return {
    ...{ start: axis.start.time, present: axis.end.time },
    ...(axis.has(instant) && { here: instant.time }),
    ...{ from: seen.from, to: seen.to, column: seen.bucket, harts: debuggee.harts.length },
    states: states.map((state) => ({
      ...{ text: stateText(state), does: state.does },
      ...(state.process && { pid: state.process.pid }),
    })),
    spans: spansOf(seen.columns, debuggee.harts.length),
    marks: [...seen.columns.flatMap(marksOf), ...stopsIn(past.stops.all, seen), ...bookmarksOn(past, seen)],
    read: seen.read.map((one) => [one.from, one.to]),
    samples: seen.samples.map(({ time, states: all }) => ({ time, states: [...all] })),
    ...{ reading: survey.reading, long: seen.isLong },
  };
}

function spansOf(columns: readonly Column[], harts: number): TimelineSpan[] {
  const spans: TimelineSpan[] = [];
  for (let hart = 0; hart < harts; hart++) {
    let last: TimelineSpan | undefined;
    for (const { from, to, happened } of columns) {
      const shares = sharesOf(happened.spent[hart]!);
      if (shares.length === 0) continue;
      const isSame =
        last?.to === from && shares.length === 1 && last.shares.length === 1 && last.shares[0]![0] === shares[0]![0];
      if (isSame) last!.to = to;
      else spans.push((last = { hart, from, to, shares }));
    }
  }
  return spans;
}

function sharesOf(spent: ReadonlyMap<number, number>): [number, number][] {
  const all = [...spent].sort((a, b) => b[1] - a[1]);
  const total = all.reduce((sum, [, time]) => sum + time, 0);
  return all.slice(0, MOST_SHARES).map(([state, time]) => [state, time / total]);
}

const marksOf = ({ happened }: Column): TimelineMark[] =>
  LANES.flatMap((lane): TimelineMark[] => {
    const tally = happened.tallies[lane];
    if (tally === undefined) return [];
    const { first, count, kinds } = tally;
    const { instant, hart } = first;
    const most = [...kinds].sort((a, b) => b[1] - a[1]);
    return [{ lane, time: instant.time, instant: instantName(instant), hart, text: first.words(), count, kinds: most }];
  });

/** Those of this run, and where others were left that have one. */
function bookmarksOn({ bookmarks, timeline: { futures } }: Past, { axis }: Seen): TimelineMark[] {
  return bookmarks.list.flatMap(({ name, instant, future }): TimelineMark[] => {
    const shared = future === undefined ? instant : futures.get(future)?.shared;
    if (shared === undefined || !axis.has(shared)) return [];
    const [kind, text] = future === undefined ? ['bookmark', name] : ['future', `Another future began here: ${name}`];
    return [
      {
        ...{ lane: 'bookmarks', time: shared.time, instant: instantName(shared), hart: 0, text },
        ...{ count: 1, kinds: [[kind, 1]] },
      },
    ];
  });
}

function stopsIn(stops: readonly LoggedStop[], { axis, from, to }: Seen): TimelineMark[] {
  return stops
    .filter(({ instant }) => axis.has(instant) && instant.time >= from && instant.time <= to)
    .slice(-MOST_STOPS)
    .map(({ instant, hart, reason, text }) => ({
      ...{ lane: 'stops' as const, time: instant.time, instant: instantName(instant), hart, text },
      ...{ count: 1, kinds: [[reason, 1]] as [string, number][] },
    }));
}
