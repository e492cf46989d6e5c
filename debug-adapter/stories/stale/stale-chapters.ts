/**
 * The story of a stop at a stale translation: what the hart's TLB still held, since when the tables say something else and by
 * which line, and the entry with its walk as the tables are now.
 */
import { hex } from '../../../emulator/isa/hex';
import { type Instant, Phase } from '../../../emulator/history/instant';
import { describeStale, sinceText } from '../../../emulator/strict-tlb/words';
import type { LoggedInput, StaleTranslationEvent } from '../../../emulator/types';
import { kernelPlace } from '../../code/place-names';
import type { StoryLine } from '../../protocol';
import type { Composed } from '../composition';
import type { EntryPlaces } from '../entries';
import { entryAt } from '../found-entries';
import type { StoryGuest, StoryWords } from '../happened';
import { strangeTable } from '../known-tables';
import { entryChapter, leafPage, pageChapter, type Chapter } from '../sections';
import { instantPart, sentence, type Linked, type Part } from '../words';

export function staleComposed(
  guest: StoryGuest,
  { pathOf }: StoryWords,
  places: EntryPlaces,
  event: StaleTranslationEvent,
): Composed {
  const links: Linked[] = [];
  const { time } = guest.machine;
  const link = (one: Linked): string => {
    links.push(one);
    return one.text;
  };
  const place = (_: number, pc: bigint): string => {
    const text = kernelPlace(guest, pc) ?? `the code at ${hex(pc)}`;
    const line = guest.image.contains(pc) ? guest.image.binary.lineAt(guest.image.linked(pc)) : undefined;
    if (line === undefined) return text;
    return link({ text, target: { kind: 'place', path: pathOf(line.file), line: line.line } });
  };
  const table = (root: bigint): string => {
    const { label, id } = places.at(root)?.table ?? strangeTable(root);
    return link({ text: label, target: { kind: 'table', id } });
  };
  const [title, ...rest] = describeStale(event, { place, table, time });
  const { change } = event;
  if (change !== undefined) {
    const instant = instantAt(guest, change.time);
    if (instant) links.push(instantPart(sinceText(time - change.time), instant, change.hart));
  }
  const lines = rest.map((text) => linked(text, links));
  const entry = event.now && entryAt(guest, places, event.now.address, '');
  const page = leafPage(event.used.pte);
  const chapters: Chapter[] = [
    { section: { about: 'address', title: title!, lines, past: 'not asked' } },
    ...(entry ? [entryChapter(guest, entry, true)] : []),
    ...(page === undefined ? [] : [pageChapter(guest, page) ?? []].flat()),
  ];
  return { chapters, first: lines, last: [], entry: undefined, page: undefined, isTrap: false };
}

/** A text with those parts of it that lead somewhere, each where it comes first. */
function linked(text: string, links: readonly Linked[]): StoryLine {
  const parts: Part[] = [];
  let rest = text;
  for (;;) {
    const found = links
      .map((link) => ({ link, at: rest.indexOf(link.text) }))
      .filter(({ at }) => at >= 0)
      .sort((a, b) => a.at - b.at || b.link.text.length - a.link.text.length)[0];
    if (found === undefined) return sentence(...parts, rest);
    parts.push(rest.slice(0, found.at), found.link);
    rest = rest.slice(found.at + found.link.text.length);
  }
}

/** The instant before an instruction of this run, by its time; undefined before the first input that is known. */
function instantAt({ machine }: Pick<StoryGuest, 'machine'>, time: number): Instant | undefined {
  const { inputs } = machine.instant;
  let before: readonly LoggedInput[];
  try {
    before = machine.inputs.through(inputs);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
  // Time begins anew at a reset.
  const boot = before.findLastIndex(({ input }) => input.kind === 'reset') + 1;
  const later = before.slice(boot).findIndex((input) => input.time > time);
  return { inputs: later < 0 ? inputs : boot + later, time, phase: Phase.arrived };
}
