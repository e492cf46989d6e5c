/** What lies behind the stop: the request `xv6.story`, and `$why` in the debug console. The machine looks through its past and comes back. */
import { instantName } from '../../../emulator/history/instant';
import { Cancelled } from '../../../emulator/history/timeline';
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Requests } from '../../protocol';
import { Story } from '../../stories/story';
import { requireStopped, type Body, type SessionContext } from '../context';
import { duration } from '../lifecycle/duration';
import { inProgress } from '../lifecycle/progress';
import { sourceOf } from '../inspection/source';
import { describe } from './exceptions';

/** Ticks of virtual time in a millisecond. */
const TICKS = 10_000;
/** Milliseconds for a story that nobody has asked for. */
const PATIENCE = 3000;
/** Requests for which the machine has to go: a story that nobody has asked for ends then. */
const GOING: ReadonlySet<string> = new Set([
  ...['continue', 'next', 'stepIn', 'stepOut', 'stepBack', 'reverseContinue', 'goto', 'restart', 'terminate'],
  ...['disconnect', 'xv6.goTo', 'xv6.whoWrote', 'xv6.query', 'evaluate'],
]);

type StopStory = Requests['xv6.story']['response'];

export async function story(
  context: SessionContext,
  { unasked = false }: Requests['xv6.story']['arguments'],
): Promise<StopStory> {
  const { debuggee, past, stopped } = requireStopped(context);
  const { report } = stopped;
  const { machine } = debuggee;
  const { now } = machine;
  const { description, text } = describe(debuggee, report);
  const title = description ?? text ?? report.reason;
  const frames = stopped.stack({ kind: 'hart', hart: report.hart });
  let telling: Story | undefined;
  let cut: string | undefined;
  const tell = (): Promise<void> =>
    past.inquire(async (timeline) => {
      telling = new Story(debuggee, timeline, report.hart, frames);
      try {
        await telling.tell(report);
      } catch (error) {
        if (!(error instanceof Cancelled)) throw error;
        cut = 'There is more in the past: $why in the debug console looks through all of it.';
      }
    });
  const cancel = (): void => past.cancel();
  if (unasked) {
    const callOff = context.host.clock.later(PATIENCE, cancel);
    context.connection.whenFollowed((command) => GOING.has(command) && cancel());
    await tell().finally(callOff);
  } else {
    await inProgress(context, 'Looking for what led here', tell, cancel);
  }
  const lines = (telling?.lines ?? []).map(({ text: words, seen }) => {
    if (seen === undefined) return { text: words };
    const { instant, tick, hart, place } = seen;
    return {
      text: words,
      instant: instantName(instant),
      ago: `${duration((now - tick) / TICKS)} ago`,
      number: context.answers.push(seen),
      ...(hart !== undefined && { hart }),
      ...(place?.file !== undefined && { path: sourceOf(debuggee, place.file).path ?? place.file }),
      ...(place?.line !== undefined && { line: place.line }),
    };
  });
  const walk = telling?.walk;
  return { title, lines, ...(walk && { walk }), ...(cut !== undefined && { cut }) };
}

/** `$why`; undefined for anything else. */
export const consoleStory = (
  context: SessionContext,
  { expression }: DebugProtocol.EvaluateArguments,
): Promise<Body<DebugProtocol.EvaluateResponse>> | undefined =>
  isWhy(expression) ? story(context, {}).then((told) => ({ result: asText(told), variablesReference: 0 })) : undefined;

export const isWhy = (text: string): boolean => /^\s*\$why\s*$/.test(text);

function asText({ title, lines, cut }: StopStory): string {
  const told = lines.map(({ text, ago, number }) => (number === undefined ? text : `${text} (${ago}: $go(${number}))`));
  if (told.length === 0) told.push('There is nothing more to be told of this stop.');
  return [title, ...told, ...(cut === undefined ? [] : [cut])].join('\n');
}
