/** A story as text, for clients that do not draw it: the exception box, the debug console. */
import type { Story, StoryEvent, StorySection, StoryStep } from '../protocol';
import { named } from '../xv6/processes';

/** What is said first, a line each. */
export const storyLead = ({ lines }: Pick<Story, 'lines'>): string => lines.map(({ text }) => text).join('\n');

/** All of it. `numberOf` gives an event the number by which one goes there. */
export const storyText = (story: Story, numberOf?: (event: StoryEvent) => number): string =>
  [
    story.title,
    storyLead(story),
    ...story.sections.map((section) => sectionText(section, numberOf)),
    ...(story.past === 'told' ? [] : [UNFINISHED]),
  ]
    .filter((text) => text !== '')
    .join('\n');

const UNFINISHED = '\nThe past has not been looked through to its end.';

function sectionText(
  { title, lines, walk, events = [] }: StorySection,
  numberOf: ((event: StoryEvent) => number) | undefined,
): string {
  const way = (event: StoryEvent): string => (numberOf === undefined ? '' : `: $go(${numberOf(event)})`);
  return [
    `\n${title}`,
    ...[
      ...lines.map(({ text }) => text),
      ...(walk?.steps ?? []).map(stepText),
      ...events.map((event) => `${eventText(event)}${way(event)}`),
    ].map((text) => `  ${text}`),
  ].join('\n');
}

function stepText({ level, index, pte = '(not in RAM)', flags, meaning, decides }: StoryStep): string {
  const mark = decides === undefined ? '' : `  ← decides${decides.length > 0 ? ` (${decides.join(', ')})` : ''}`;
  return `level ${level} [${index}] ${pte} ${flags}: ${meaning}${mark}`;
}

/** Callers that are told. */
const CALLERS = 4;

function eventText({ what, ago, places, process, hart }: StoryEvent): string {
  const who = [...(process === undefined ? [] : [named(process)]), ...(hart === undefined ? [] : [`hart ${hart}`])];
  const by = places
    .slice(0, CALLERS)
    .map(({ text }) => text)
    .join(' < ');
  return `${ago}: ${what}${by === '' ? '' : ` by ${by}`}${who.length === 0 ? '' : ` (${who.join(', ')})`}`;
}
