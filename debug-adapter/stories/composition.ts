/** What a stop is about, as the machine shows it at once: the trap behind it, or what the variables of the panic's own frames are. */
import { hex } from '../../emulator/isa/hex';
import { isCanonical, PAGE_SIZE, pageOf } from '../../emulator/isa/sv39';
import type { StoryLine, StoryPlace } from '../protocol';
import { extendedInt } from '../page-tables/evidence';
import type { Frame } from '../stack/frame';
import { allProcesses } from '../xv6/processes';
import type { EntryPlaces } from './entries';
import { brokenRuleComposed } from './evidence/broken-rule';
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
import { staleComposed } from './stale/stale-chapters';
import { trapBehind } from './trap-chapters';
import { pageContent, placePart, sentence, shown, tellingCalls, type Part } from './words';

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
  readonly callers: readonly Frame[];
  readonly values: readonly FrameValue[];
}

export function composed(guest: StoryGuest, words: StoryWords, places: EntryPlaces, stop: ToldStop): Composed {
  const { stack, report } = stop;
  if (report.cause?.kind === 'stale-translation') return staleComposed(guest, words, places, report.cause.event);
  if (report.cause?.kind === 'ledger') return brokenRuleComposed(guest, places, report.cause.event);
  const isCalled = report.cause?.kind === 'kernel' || report.cause?.kind === 'dead-end';
  const frames = isCalled ? afterPanic(guest, kernelFrames(stack)) : kernelFrames(stack);
  const trap = trapBehind(guest, places, stop, frames);
  const facts = frames.slice(0, FRAMES).map((frame, index): FrameFacts => ({
    frame,
    callers: frames.slice(index + 1),
    values: frameValues(guest, frame),
  }));
  const processes = processChapters(guest, facts);
  if (trap) {
    const { chapters, line, place, entry, page } = trap;
    const last = place === undefined ? [] : raisedLine(stack, place, words);
    return { chapters: [...chapters, ...processes], first: [line], last, entry, page, isTrap: true };
  }
  // A function that a student has made to end the kernel has nothing of its own.
  const at = Math.max(
    0,
    facts.findIndex(({ values }) => values.some(isTelling)),
  );
  const [own, outer] = facts.slice(at);
  if (own === undefined || !isCalled)
    return { chapters: processes, first: [], last: [], entry: undefined, page: undefined, isTrap: false };
  // No kernel of ours has memory there: it is the address that is wrong, whatever its entry.
  const entry = entriesIn(guest, places, own.values).find(({ va }) => extendedInt(va) === undefined);
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
  const chapters = [entryChapter(guest, entry, false), page === undefined ? undefined : pageChapter(guest, page)];
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
  const address = addressOf(guest, values);
  if (address === undefined) return { chapters: [], first: [] };
  const { name, value } = address;
  const isVirtual = values.some(({ kind }) => kind === 'table') && !isCanonical(value);
  const what = extendedInt(value) ?? (isVirtual ? NOT_SV39 : addressText(guest, value));
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
  const chapters = [...(entry ? [entryChapter(guest, entry, false)] : []), page ?? plain];
  return { chapters, first };
}

const NOT_SV39 = 'not an Sv39 address, as bits 63 to 39 must all equal bit 38';

/** What variables are called that hold a virtual address, of which it says nothing what lies at that place in RAM. */
const VIRTUAL = /^\w*v(a\d*|a?_?addr)$/i;

/** The address that a function is about: one that is wrong in itself, or a physical one. */
export function addressOf(guest: StoryGuest, values: readonly FrameValue[]): FrameValue | undefined {
  const hasTable = values.some(({ kind }) => kind === 'table');
  const isWrong = (value: bigint): boolean => hasTable && !isCanonical(value);
  return (
    values.find(({ kind, value }) => kind === 'address' && extendedInt(value) !== undefined) ??
    values.find((one) =>
      VIRTUAL.test(one.name) ? one.kind === 'address' && isWrong(one.value) : isPhysical(guest, one),
    )
  );
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

/** "It was raised by memmove at string.c:48, called by uvmcopy at vm.c:322". */
function raisedLine(stack: readonly Frame[], place: Frame, { pathOf }: StoryWords): StoryLine[] {
  const frames = kernelFrames(stack.slice(stack.indexOf(place)));
  const calls = place.isUser ? [place] : frames.filter(({ image }, index) => index > 0 || image !== undefined);
  return calls.length === 0
    ? []
    : [sentence('It was raised by ', ...chained(tellingCalls(calls.map((one) => placeOf(one, pathOf)))))];
}

const chained = (calls: readonly StoryPlace[]): Part[] =>
  calls.flatMap((one, index) => (index === 0 ? [placePart(one)] : [', called by ', placePart(one)]));

/** A text or a number alone tells nothing of page tables. */
const isTelling = ({ kind, value }: FrameValue): boolean =>
  kind !== 'number' && (kind !== 'address' || value % PAGE_SIZE === 0n);

/** "mappages, now with va = 0x3fffff9000, …, was called by kpt_make at kpt.c:65". */
function callLine({ frame, callers, values }: FrameFacts, { pathOf }: StoryWords): StoryLine[] {
  if (callers.length === 0) return [];
  const given = values.filter(({ isParameter }) => isParameter).map(({ name, value }) => `${name} = ${shown(value)}`);
  const call = given.length === 0 ? frame.name : `${frame.name}, now with ${given.join(', ')},`;
  const [, ...calls] = tellingCalls([frame, ...callers].map((one) => placeOf(one, pathOf)));
  return [sentence(`${call} was called by `, ...chained(calls))];
}

/** The frames below the function that only ends the kernel, and what that has called. */
function afterPanic({ xv6 }: StoryGuest, frames: readonly Frame[]): Frame[] {
  const isEnd = ({ image, lookup }: Frame): boolean =>
    xv6.panic !== undefined && image?.binary.functionAt(lookup)?.low === xv6.panic;
  return frames.slice(frames.findLastIndex(isEnd) + 1);
}
