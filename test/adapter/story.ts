/** The story of a stop, for specs: xv6.story, once the past has been looked through. */
import { strict as assert } from 'node:assert';
import type { Story } from '../../debug-adapter/protocol';
import { storyLead, storyText } from '../../debug-adapter/stories/text';
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

export interface WholeStory {
  /** At once, and once the past has been looked through. */
  first: Story;
  story: Story;
  lead: string;
  text: string;
}

/** The story of a stop, with all that the past has. */
export async function storyOf(session: TestSession): Promise<WholeStory> {
  const told = await toldStory(session);
  assert.ok(told, 'there is no story');
  const { first, story } = told;
  assert.equal(story.past, 'told');
  assert.ok(story.lines.length <= 3);
  return { first, story, lead: storyLead(story), text: storyText(story) };
}
