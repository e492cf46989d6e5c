/** The way through a page table as a table, a row a level, with the entry and the bits that decide marked. */
import type { StoryStep, StoryTarget, StoryWalk } from '../../debug-adapter/protocol';
import { element } from '../element';

/** The flags of an entry in the order in which they are written; what follows them is written as it is. */
const BITS = ['V', 'R', 'W', 'X', 'U', 'G', 'A', 'D'];

export function walkTable(
  { va, id, table, steps, pa }: StoryWalk,
  link: (target: StoryTarget, text: string) => HTMLElement,
): HTMLElement {
  const box = element('table', { className: 'walk' });
  const caption = element('caption', {});
  caption.append(`Walk of ${va} in `, link({ kind: 'table', id }, table), pa === undefined ? '' : `, to PA ${pa}`);
  const head = element('tr', {});
  for (const title of ['Level', 'Index', 'Entry', 'Flags'])
    head.append(element('th', { scope: 'col', textContent: title }));
  const header = element('thead', {});
  header.append(head);
  box.append(caption, header, ...steps.map(stepRows));
  return box;
}

/** A row for what the entry is, and one for what it means: the view is narrow. */
function stepRows({ level, index, pte, flags, meaning, decides }: StoryStep): HTMLElement {
  const rows = element('tbody', { className: decides ? 'decides' : '' });
  const [facts, words] = [element('tr', {}), element('tr', { className: 'meaning' })];
  for (const content of [[String(level)], [String(index)], [pte ?? 'not in RAM'], flagsOf(flags, decides ?? [])]) {
    const cell = element('td', {});
    cell.append(...content);
    facts.append(cell);
  }
  const meant = element('td', { colSpan: 4, textContent: meaning });
  if (decides) meant.append(element('strong', { textContent: ' – this entry decides' }));
  words.append(meant);
  rows.append(facts, words);
  return rows;
}

/** Each flag, or a dash where it is 0; those that decide are named and marked, also where they are 0. */
export function flagTexts(flags: string, decides: readonly string[]): { text: string; decides: boolean }[] {
  return flags
    .split(' ')
    .filter((one) => one !== '')
    .map((text, index) => {
      const bit = BITS[index] ?? text;
      return decides.includes(bit)
        ? { text: text === '-' ? `${bit}=0` : `${bit}=1`, decides: true }
        : { text, decides: false };
    });
}

const flagsOf = (flags: string, decides: readonly string[]): Node[] =>
  flagTexts(flags, decides).flatMap(({ text, decides: isMarked }, index) => [
    document.createTextNode(index === 0 ? '' : ' '),
    isMarked ? element('mark', { textContent: text }) : document.createTextNode(text),
  ]);
