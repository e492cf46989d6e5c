/** What the debugger shows of a planted bug: boots its kernel, comes to the symptom, and reads the stop as a student would. */
import { plantedKernel } from '../adapter/planted';
import { toldStory } from '../adapter/story';
import { TestSession } from '../adapter/support';
import type { Row, Where } from './row';

/** The filters that are on by default. */
export const DEFAULTS = ['kernel-trap', 'unresolved', 'panic', 'stale-translation'];

export interface Shown {
  /** What the exception box and the Stop view say first. */
  readonly stop: string;
  /** What one question more brings: all of the story, or what the command returns. */
  readonly click: string;
}

/** Milliseconds: one row looks through its whole past, on a machine that may be busy. */
const PATIENCE = 90_000;

/** Runs a row on its own kernel. */
export async function shownOf(row: Row): Promise<Shown> {
  const session = await TestSession.open();
  session.defaultTimeout = PATIENCE;
  try {
    await session.boot({
      kernel: plantedKernel(String(row.number)),
      harts: row.harts ?? 1,
      ...(row.tlb && { tlb: row.tlb }),
      filters: [...DEFAULTS, ...(row.filters ?? [])],
    });
    if (row.run !== undefined || row.question !== undefined) await session.written('$ ');
    const from = row.run === undefined ? 0 : await session.type(row.run);
    if (row.question === undefined) return await atStop(session, row);
    if (row.run !== undefined) await session.written('\n$ ', from);
    return { stop: '', click: await asked(session, row.question) };
  } finally {
    await session.stop();
  }
}

/** Stops that are gone on from in search of the one that a row means. */
const MOST_STOPS = 6;

async function atStop(session: TestSession, { at }: Row): Promise<Shown> {
  let { description, threadId } = await session.stopped();
  for (let stops = 1; at && !at.test(description ?? '') && stops < MOST_STOPS; stops++)
    ({ description, threadId } = await session.goOn());
  const first = (await toldStory(session))?.story.lines.map(({ text }) => text) ?? [];
  const { body } = await session.exceptionInfoRequest({ threadId: threadId ?? 1 });
  const { result } = (await session.evaluateRequest({ expression: '$why', context: 'repl' })).body;
  const box = (body.description ?? description ?? '').split('\n');
  return { stop: [...box, ...first.filter((line) => !box.includes(line))].join('\n'), click: result };
}

/** What is told of a kernel that runs on. */
async function asked(session: TestSession, question: string): Promise<string> {
  await session.pauseRequest({ threadId: 1 });
  await session.stopped();
  if (question === 'Check vmprint') {
    const { problems } = await session.ask('xv6.checkVmprint', {});
    return problems.map(({ line, what }) => `${line} ${what}`).join('\n');
  }
  const { title, rows } = await session.ask('xv6.query', { query: question });
  return [title, ...rows.map(({ what, place }) => `${what}${place === undefined ? '' : `, by ${place}`}`)].join('\n');
}

/** Where all of the evidence is. What must be ticked or set first is a click. */
export function whereShown({ shown, filters, tlb }: Row, { stop, click }: Shown): Where {
  if (shown.length === 0) return 'not';
  const isIn = (text: string): boolean => shown.every((pattern) => pattern.test(text));
  if (isIn(stop)) return filters === undefined && tlb === undefined ? 'stop' : 'click';
  return isIn(`${stop}\n${click}`) ? 'click' : 'not';
}
