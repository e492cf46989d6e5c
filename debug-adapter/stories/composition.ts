/** What a stop is about, as the machine shows it at once: the trap behind it, or what the variables of the panic's own frames are. */
import { hex } from '../../emulator/isa/hex';
import { PAGE_SIZE } from '../../emulator/isa/sv39';
import type { StoryLine } from '../protocol';
import type { Frame } from '../stack/frame';
import { allProcesses } from '../xv6/processes';
import type { EntryPlaces } from './entries';
import { entriesIn, entryLeadingTo, type FoundEntry } from './found-entries';
import { frameValues, type FrameValue } from './frame-values';
import { kernelFrames, placeOf, type StoryGuest, type StoryWords, type ToldStop } from './happened';
import {
  entryChapter,
  entryState,
  leafPage,
  pageChapter,
  processChapter,
  tablePart,
  type Chapter,
  type Subject,
} from './sections';
import { trapBehind } from './trap-chapters';
import { pageContent, pageOf, placePart, sentence, shown } from './words';

/** Frames from the innermost outwards whose objects are told. */
const FRAMES = 4;

export interface Composed {
  readonly chapters: readonly Chapter[];
  /** What is said before the past is known, and what where there is room after it. */
  readonly first: readonly StoryLine[];
  readonly last: readonly StoryLine[];
  /** The entry that it is about, and the page. */
  readonly entry: Subject | undefined;
  readonly page: Subject | undefined;
  readonly isTrap: boolean;
}

/** What a frame is about. */
interface FrameFacts {
  readonly frame: Frame;
  readonly caller: Frame | undefined;
  readonly values: readonly FrameValue[];
}

export function composed(guest: StoryGuest, words: StoryWords, places: EntryPlaces, stop: ToldStop): Composed {
  const { stack, report } = stop;
  const isCalled = report.cause?.kind === 'kernel' || report.cause?.kind === 'dead-end';
  const frames = isCalled ? afterPanic(guest, kernelFrames(stack)) : kernelFrames(stack);
  const trap = trapBehind(guest, places, stop, frames);
  const facts = frames
    .slice(0, FRAMES)
    .map((frame, index): FrameFacts => ({ frame, caller: frames[index + 1], values: frameValues(guest, frame) }));
  const processes = processChapters(guest, facts);
  if (trap) {
    const { chapters, line, place, entry, page } = trap;
    const last = place === undefined ? [] : [sentence('It was raised at ', placePart(placeOf(place, words.pathOf)))];
    return { chapters: [...chapters, ...processes], first: [line], last, entry, page, isTrap: true };
  }
  const [own, outer] = facts;
  if (own === undefined || !isCalled)
    return { chapters: processes, first: [], last: [], entry: undefined, page: undefined, isTrap: false };
  const [entry] = entriesIn(guest, places, own.values);
  const about = entry ? ofEntry(guest, entry) : ofAddress(guest, places, own, outer);
  return {
    ...{ chapters: [...about.chapters, ...processes], first: about.first, isTrap: false },
    last: callLine(own, words),
    entry: about.chapters.find(({ subject }) => subject?.kind === 'entry')?.subject,
    page: about.chapters.find(({ subject }) => subject?.kind === 'page')?.subject,
  };
}

type About = Pick<Composed, 'chapters' | 'first'>;

function ofEntry(guest: StoryGuest, entry: FoundEntry): About {
  const { table, va, by, pte } = entry;
  const page = leafPage(pte);
  const chapters = [entryChapter(guest, entry), page === undefined ? undefined : pageChapter(guest, page)];
  const first = sentence(`${by}: the entry for ${hex(va)} in `, tablePart(table), ` ${entryState(guest, entry)}`);
  return { chapters: chapters.filter((one) => one !== undefined), first: [first] };
}

/** A function that has been given an address, and the entry by which its caller has come to it. */
function ofAddress(
  guest: StoryGuest,
  places: EntryPlaces,
  { values, frame }: FrameFacts,
  outer: FrameFacts | undefined,
): About {
  const address = values.find((one) => isPhysical(guest, one));
  if (address === undefined) return { chapters: [], first: [] };
  const { name, value } = address;
  const what = addressText(guest, value);
  const first = [sentence(`${name} of ${frame.name} is ${hex(value)}: ${what}`)];
  const entry = outer && entryLeadingTo(guest, places, outer.values, pageOf(value));
  if (entry) {
    const by = ` (${entry.by} of ${outer.frame.name})`;
    first.push(sentence(`It is where the entry for ${hex(entry.va)} in `, tablePart(entry.table), ` leads${by}`));
  }
  const page = pageChapter(guest, value);
  const plain: Chapter = {
    section: { about: 'address', title: `${name} = ${hex(value)}`, lines: [sentence(what)], past: 'not asked' },
  };
  const chapters = [...(entry ? [entryChapter(guest, entry)] : []), page ?? plain];
  return { chapters, first };
}

/** Whether a value may be meant as a physical address; texts and functions lie in the kernel, too. */
function isPhysical(guest: StoryGuest, { kind, value, isPointer }: FrameValue): boolean {
  if (kind !== 'address' || value < PAGE_SIZE || value >= 1n << 56n) return false;
  return value % PAGE_SIZE === 0n || (isPointer && pageContent(guest, value)?.startsWith('kernel') !== true);
}

function addressText(guest: StoryGuest, address: bigint): string {
  const content = pageContent(guest, address);
  if (content === undefined) return 'neither RAM nor a device lies there';
  if (content !== 'RAM') return content;
  return address % PAGE_SIZE === 0n ? 'a page of RAM' : 'RAM, but not the beginning of a page';
}

function processChapters(guest: StoryGuest, facts: readonly FrameFacts[]): Chapter[] {
  const all = allProcesses(guest.xv6);
  const addresses = facts.flatMap(({ values }) =>
    values.flatMap(({ kind, value }) => (kind === 'process' ? value : [])),
  );
  return [...new Set(addresses)].flatMap((address) => {
    const process = all.find((one) => one.used && one.address === address);
    return process ? [processChapter(process)] : [];
  });
}

/** "mappages(va = 0x3fffff9000, …) was called by kpt_make at kpt.c:65". */
function callLine({ frame, caller, values }: FrameFacts, { pathOf }: StoryWords): StoryLine[] {
  if (caller === undefined) return [];
  const given = values.filter(({ isParameter }) => isParameter).map(({ name, value }) => `${name} = ${shown(value)}`);
  const call = given.length === 0 ? frame.name : `${frame.name}, now with ${given.join(', ')},`;
  return [sentence(`${call} was called by `, placePart(placeOf(caller, pathOf)))];
}

/** The frames below the function that only ends the kernel, and what that has called. */
function afterPanic({ xv6 }: StoryGuest, frames: readonly Frame[]): Frame[] {
  const isEnd = ({ image, lookup }: Frame): boolean =>
    xv6.panic !== undefined && image?.binary.functionAt(lookup)?.low === xv6.panic;
  return frames.slice(frames.findLastIndex(isEnd) + 1);
}
