/** What is looked for in the past on behalf of a story: every write of a page-table entry, and the life of a page. */
import { hex } from '../../emulator/isa/hex';
import { PAGE_SIZE, pageOf } from '../../emulator/isa/sv39';
import type { DataEvent, PhysicalMemory, Stop, Watch } from '../../emulator/types';
import { entryText } from '../run-control/stop-text';
import { QueryCondition } from '../questions/condition';
import { beforeInstruction } from '../questions/occurrence';
import { FREED, KEPT, PageHistory } from '../questions/page-history';
import { actor, type Happened, type StoryGuest, type StoryWords } from './happened';
import type { StoryPlace } from '../protocol';
import { fillingByte } from '../xv6/names';
import type { Subject } from './sections';

export interface Search {
  readonly subject: Subject;
  /** Begins to watch the machine where a stretch of the past begins; returns a function that ends that. */
  begin(): () => void;
  /** What the stop that the machine has just come to is to this object. */
  seen(stop: Stop): Happened | undefined;
  /** A stretch of the past has come to its end, and the one before it is next. What that shows to have happened, too. */
  ended?(): readonly Happened[];
  /** Whether what has been found, the latest last, is all that matters. */
  isEnough(found: readonly Happened[]): boolean;
  /** Calls of the allocator are not all seen: it is inlined, or has names that are not known. */
  readonly isPartial?: boolean;
}

/** More is not told of one object. */
export const MOST_EVENTS = 12;
/** Fills in a row after which no write is looked for before them: pages are filled when they are freed, allocated and cleared. */
const FILLS = 3;

export const searchFor = (guest: StoryGuest, words: StoryWords, subject: Subject): Search =>
  subject.kind === 'entry' ? entryWrites(guest, words, subject) : pageLife(guest, words, subject);

function entryWrites(guest: StoryGuest, words: StoryWords, subject: Subject & { kind: 'entry' }): Search {
  const { machine } = guest;
  const { address } = subject;
  const watch: Watch = { address, length: 8, access: 'write' };
  const isOurs = (event: DataEvent): boolean => event.watch === watch && event.by !== 'walk';
  return {
    subject,
    begin: () => {
      const subscription = machine.subscribe({ data: isOurs });
      subscription.setWatches([watch]);
      return () => subscription.end();
    },
    seen: (stop) => {
      const event = stop.kind === 'data' ? stop.events.find(isOurs) : undefined;
      return event && writeOf(event);
    },
    isEnough: (found) =>
      found.length >= MOST_EVENTS ||
      found.filter(({ kind }) => kind === 'fill').length >= FILLS ||
      (found[0]?.kind === 'fill' && found.some(({ kind }) => kind === 'write')),
  };

  function writeOf(event: DataEvent): Happened {
    const after = machine.memory.readU64(address)!;
    const before = withBytes(after, Number(event.address - address), event.before);
    const isFill = event.after.length < 8 || isSweep(machine.memory, address, before, after);
    const kind = event.by === 'device' ? 'device' : isFill ? 'fill' : 'write';
    const hart = event.hart === undefined ? undefined : guest.harts[event.hart];
    const doer =
      hart === undefined || event.pc === undefined
        ? { process: undefined, places: [{ text: `${event.device ?? 'a device'} (DMA)`, function: '' }] }
        : actor(guest, hart, event.pc, words);
    const from = Number(event.address - address);
    return {
      ...{ kind, before, after, ...doer, tick: machine.now, hart: event.hart },
      bytes: [from, from + event.after.length],
      what: changeText(before, after),
      instant: event.by === 'device' ? machine.instant : beforeInstruction(machine.instant),
    };
  }
}

/**
 * Whether the store of an entry is one of many that fill its page from the beginning on: what lies before it is the same already,
 * and, as most entries are 0 anyway, where it is 0 what lies behind it is still what the page was filled with.
 */
export function isSweep(memory: Pick<PhysicalMemory, 'read'>, address: bigint, before: bigint, after: bigint): boolean {
  const page = memory.read(pageOf(address), Number(PAGE_SIZE));
  const at = Number(address % PAGE_SIZE);
  const isFilling = fillingByte(after === 0n ? before : after) !== undefined;
  if (page === undefined || at === 0 || before === after || !isFilling) return false;
  const view = new DataView(page.buffer, page.byteOffset, page.byteLength);
  for (let offset = 0; offset < at; offset += 8) if (view.getBigUint64(offset, true) !== after) return false;
  for (let offset = at + 8; after === 0n && offset < page.length; offset += 8)
    if (view.getBigUint64(offset, true) !== before) return false;
  return true;
}

/** Adds what has happened next; stores of bytes in a row by one function are told as one. */
export function appended(found: Happened[], next: Happened): void {
  const last = found.at(-1);
  const isOne =
    last?.kind === 'fill' &&
    next.kind === 'fill' &&
    last.hart === next.hart &&
    last.bytes![1] === next.bytes![0] &&
    last.places[0]?.function === next.places[0]?.function;
  if (!isOne) {
    found.push(next);
    return;
  }
  const bytes = [last.bytes![0], next.bytes![1]] as const;
  found[found.length - 1] = { ...last, bytes, after: next.after!, what: changeText(last.before!, next.after!) };
}

export const changeText = (before: bigint, after: bigint): string =>
  before === after ? `${valueText(after)}, as it was` : `${valueText(before)} → ${valueText(after)}`;

/** An entry, or what a page is filled with that is no table: that has no flags. */
function valueText(value: bigint): string {
  const byte = fillingByte(value);
  return byte === undefined ? entryText(value) : `bytes of ${byte}`;
}

function withBytes(word: bigint, offset: number, bytes: Uint8Array): bigint {
  let value = word;
  bytes.forEach((byte, index) => {
    const shift = BigInt(8 * (offset + index));
    value = (value & ~(0xffn << shift)) | (BigInt(byte) << shift);
  });
  return value;
}

function pageLife(guest: StoryGuest, words: StoryWords, subject: Subject & { kind: 'page' }): Search {
  const query = new PageHistory(guest, subject.page, new QueryCondition(guest, undefined));
  return {
    subject,
    begin: () => query.begin(),
    isPartial: query.remark() !== undefined,
    seen: (stop) => {
      const found = query.seen(stop)?.occurrence();
      const id = stop.kind === 'data' ? stop.events[0]!.hart : found?.hart;
      const hart = id === undefined ? undefined : guest.harts[id];
      if (found === undefined || hart === undefined) return undefined;
      const { what, instant, tick, parts } = found;
      // The kernel maps all of RAM at its own addresses.
      if (parts.some(({ name, value }) => name === 'va' && value === hex(subject.page))) return undefined;
      const kind =
        stop.kind === 'tableStore' ? 'mapped' : what === FREED ? 'freed' : what === KEPT ? 'kept' : 'allocated';
      // Where a call has returned, it is the instruction before.
      const pc = stop.kind === 'tableStore' ? (stop.event.pc ?? hart.pc) : kind === 'kept' ? hart.pc - 1n : hart.pc;
      const { process, places } = actor(guest, hart, pc, words);
      return { ...{ kind, what, instant, tick, hart: hart.id, process }, places: callersOf(guest, kind, places) };
    },
    ended: () =>
      query.ended().flatMap((one) => {
        const { what, instant, tick, hart, place } = one.occurrence()!;
        const places = place === undefined ? [] : [{ text: place.text, function: '' }];
        return { ...{ kind: 'freed', what, instant, tick, hart, process: undefined }, places } as const;
      }),
    isEnough: (found) => {
      const life = found.filter(({ kind }) => kind === 'allocated' || kind === 'freed');
      const first = life.findIndex(({ kind }) => kind === 'allocated');
      // A page that two have allocated was freed twice before.
      const wanted = !subject.isReused ? 0 : life[first + 1]?.kind === 'allocated' ? 2 : 1;
      return found.length >= MOST_EVENTS || first >= wanted;
    },
  };
}

/** Of the allocator's own functions it is told who called them. */
function callersOf({ xv6 }: StoryGuest, kind: Happened['kind'], places: readonly StoryPlace[]): readonly StoryPlace[] {
  if (kind === 'allocated') return places.slice(1);
  const isOwn = ({ function: name }: StoryPlace): boolean => xv6.allocators.some(({ free }) => free === name);
  return kind === 'freed' ? places.slice(places.findIndex(isOwn) + 1) : places;
}
