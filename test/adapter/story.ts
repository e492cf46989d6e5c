/** The story of a stop, for specs: xv6.story, once the past has been looked through. */
import type { Story } from '../../debug-adapter/protocol';
import type { TestSession } from './support';

/** What is said at once, and in the end; undefined where there is nothing to tell. */
export async function toldStory(session: TestSession): Promise<{ first: Story; story: Story } | undefined> {
  let last: Story | undefined;
  session.on('xv6.story', ({ body }: { body: Story }) => (last = body));
  const { story: first } = await session.ask('xv6.story', {});
  if (first === undefined) return undefined;
  while ((last ?? first).past === 'looking') await new Promise((resolve) => setTimeout(resolve, 10));
  if (last?.past !== 'given up') return { first, story: last ?? first };
  // A busy host was too slow for what is done unasked. Whoever asks is told all.
  await session.evaluateRequest({ expression: '$why', context: 'repl' });
  return { first, story: (await session.ask('xv6.story', {})).story! };
}
