/**
 * A run in one file: the machine as it was at power on, kernel and disk by content, and all that came in since. Whoever has the
 * file does the run again, exactly, and needs nothing else. It names no folder and no person: docs/recordings.md says what is
 * in it.
 *
 * The bytes are a line that names the version (`FORMAT`), a u32 with the length of the content, the content as zlib compresses
 * it (encoding/deflate.ts), and 16 hexadecimal digits of the hash of all before them. The content is a u32 with the length of its head,
 * the head (text, see encoding/state-text.ts), and the parts whose lengths the head tells: kernel, disk, recording (recording.ts), the
 * files that lie in memory at power on (recorded-boot.ts), and the files that the sharer includes, in their order.
 */
import { SECTOR_SIZE } from '../devices/disk';
import { TLB_CARDS } from '../strict-tlb/event';
import type { BlockImage, LoggedInput, MachineOptions, State, StrictTlbOptions } from '../types';
import type { Kept } from './checkpoints';
import { deflate, inflate } from './encoding/deflate';
import { compareInstants, type Instant } from './instant';
import type { Future } from './futures';
import { countOfFiles, restoredBootOptions, savedBootOptions } from './recorded-boot';
import {
  FORMAT,
  decodeRecording,
  encodeRecording,
  hashOf,
  restoredInstant,
  restoredLoggedInput,
  savedInputs,
} from './recording';
import { SavedState } from './saved-state';
import { stateFromText, stateToText } from './encoding/state-text';

/** What decides how a machine runs. Which tier runs it does not, and is for whoever runs it again. */
export type RecordedOptions = Pick<
  MachineOptions,
  | 'harts'
  | 'memory'
  | 'kernel'
  | 'boot'
  | 'legacyVirtio'
  | 'disk'
  | 'diskSlot'
  | 'seed'
  | 'rtcEpoch'
  | 'tlb'
  | 'network'
>;

export interface Bookmark {
  readonly name: string;
  readonly instant: Instant;
  /** Index of the future in which it lies; undefined if it lies in the run itself. */
  readonly future: number | undefined;
  /** It is where that future was left, and nobody has set it. */
  readonly isEnd: boolean;
}

/** A file that the sharer includes, such as a user program or a source. */
export interface RecordedFile {
  /** A relative path with slashes, in which no part is `..`. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** The harts' steps are in the machine that it restores. */
export type RecordedCheckpoint = Omit<Kept, 'steps'>;

export interface RecordedRun {
  /** The disk as it was at power on, not as the run left it: of a machine that has run, `machine.options` will do. */
  readonly options: RecordedOptions;
  /** All inputs from power on up to the end: `machine.inputs.since(0)` where the machine stands at the end. */
  readonly inputs: readonly LoggedInput[];
  /** How far the run goes, and what `stateHash` gives there; undefined if that was not asked for. */
  readonly end: Instant;
  readonly hash: string | undefined;
  /** Where the reader is to stand when the file is opened. */
  readonly at: Instant;
  readonly bookmarks: readonly Bookmark[];
  /** Those that were left in the past for another one. */
  readonly futures: readonly Future[];
  /** In the order of their instants; none are needed, and each makes the file larger and the way to some instants shorter. */
  readonly checkpoints: readonly RecordedCheckpoint[];
  readonly files: readonly RecordedFile[];
  /** Whatever else its maker keeps. */
  readonly notes: State;
}

/** Why a file cannot be made or read, in words for the user that go on after its name: "is damaged: ...". */
export class RecordingError extends Error {}

/** Bytes of the largest content, in making and in reading. */
const LARGEST = 512 * 2 ** 20;
/** What every version's first line begins with, and bytes of the longest such line. */
const KIND = /^xv6-debug recording (\d+)$/;
const LONGEST_LINE = 40;
const HASH = 16;
/** No longer name can be a file's everywhere. */
const LONGEST_NAME = 1000;
const MOST_SECTORS_READ = 128;

/** Whether a file that begins with these bytes is a recorded run of this or another version. */
export const isRecordedRun = (start: Uint8Array): boolean => KIND.test(firstLine(start));

/** Throws RecordingError if the run is too large or a file's name is no relative path, and what reading the disk throws. */
export async function encodeRun(run: RecordedRun): Promise<Uint8Array> {
  const { options, inputs, end, hash, at, bookmarks, futures, checkpoints, files, notes } = run;
  const { harts, memory, kernel, boot, legacyVirtio, disk, diskSlot, seed, rtcEpoch, tlb, network } = options;
  for (const { name } of files)
    if (!isRelative(name)) throw new RecordingError(`cannot be made: "${name}" is no relative path`);
  const recording = encodeRecording(options, {
    ...{ checkpoints: checkpoints.map(({ machine }) => machine), inputs, notes },
  });
  const beside = boot && savedBootOptions(boot);
  const image = disk === undefined ? new Uint8Array() : contentOf(disk);
  const parts = [kernel, image, recording, ...(beside?.files ?? []), ...files.map(bytesOf)];
  const head: State = {
    machine: {
      ...{ harts, memory, legacyVirtio, diskSlot: diskSlot ?? 0, seed: seed ?? 0, rtcEpoch: rtcEpoch ?? null },
      network: network !== undefined,
      tlb: tlb === undefined ? null : { cards: [...tlb.cards], seed: tlb.seed },
      ...(beside && { boot: beside.state }),
    },
    disk: disk === undefined ? null : { readOnly: disk.readOnly },
    end: { ...end },
    hash: hash ?? null,
    at: { ...at },
    bookmarks: bookmarks.map(({ name, instant, future, isEnd }) => ({
      ...{ name, instant: { ...instant }, future: future ?? null, isEnd },
    })),
    futures: futures.map((future) => ({
      ...{ shared: { ...future.shared }, end: { ...future.end }, inputs: savedInputs(future.inputs) },
    })),
    learned: checkpoints.map(({ learned, executed, cost }) => ({ learned, executed, cost: Math.round(cost) })),
    files: files.map(({ name }) => name),
    lengths: parts.map(({ length }) => length),
  };
  const text = new TextEncoder().encode(stateToText(head));
  const content = joined([u32(text.length), text, ...parts]);
  const whole = joined([new TextEncoder().encode(`${FORMAT}\n`), u32(content.length), await deflate(content)]);
  return joined([whole, new TextEncoder().encode(hashOf(whole))]);
}

/**
 * Throws RecordingError if these are not the bytes of a recorded run, or of one of another version of the machine. The kernel
 * and the options are as they were in the file: making a machine of them may throw KernelError or RangeError.
 */
export async function decodeRun(bytes: Uint8Array): Promise<RecordedRun> {
  const line = firstLine(bytes);
  const version = KIND.exec(line)?.[1];
  if (version === undefined) throw new RecordingError('is no recording of a run');
  if (line !== FORMAT) {
    const own = KIND.exec(FORMAT)![1];
    throw new RecordingError(
      `was made by another version of the machine, which runs otherwise (it is of kind ${version}, and this version reads ${own})`,
    );
  }
  try {
    return runOf(await contentIn(bytes, line.length + 1));
  } catch (error) {
    throw new RecordingError(`is damaged: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function contentIn(bytes: Uint8Array, start: number): Promise<Uint8Array> {
  const end = bytes.length - HASH;
  if (end < start + 4) throw new Error('it is cut short');
  if (new TextDecoder('latin1').decode(bytes.subarray(end)) !== hashOf(bytes.subarray(0, end)))
    throw new Error('its hash is not that of its content');
  const length = viewOf(bytes).getUint32(start, true);
  if (length > LARGEST) throw new Error(tooLarge(length));
  return inflate(bytes.slice(start + 4, end), length);
}

function runOf(content: Uint8Array): RecordedRun {
  const headEnd = 4 + (content.length < 4 ? Infinity : viewOf(content).getUint32(0, true));
  if (headEnd > content.length) throw new Error('it is cut short');
  const head = new SavedState('run', stateFromText(new TextDecoder().decode(content.subarray(4, headEnd))));
  const names = head.texts('files');
  const machine = head.record('machine');
  const beside = machine.raw('boot') === null ? undefined : machine.record('boot');
  const count = beside ? countOfFiles(beside) : 0;
  const lengths = head.numbers('lengths', 3 + count + names.length);
  const wrong = names.find((name) => !isRelative(name));
  if (wrong !== undefined) throw new Error(`"${wrong.slice(0, 100)}" is no relative path`);
  if (lengths.some((length) => length < 0) || lengths.reduce((sum, length) => sum + length, headEnd) !== content.length)
    throw new Error('its parts are not as long as it says');
  let from = headEnd;
  const [kernel, image, encoded, ...others] = lengths.map((length) => content.subarray(from, (from += length)));
  const options: RecordedOptions = { ...optionsIn(machine), kernel: kernel! };
  if (beside) options.boot = restoredBootOptions(beside, others.slice(0, count));
  const files = others.slice(count);
  if (head.raw('disk') !== null) options.disk = diskOf(image!, head.record('disk').boolean('readOnly'));
  const { checkpoints, inputs, notes, fits } = decodeRecording(encoded!);
  if (!fits(options)) throw new Error('its checkpoints are those of another machine');
  const learned = head.records('learned', checkpoints.length);
  const [end, at] = [restoredInstant(head.record('end')), restoredInstant(head.record('at'))];
  const futures = head.records('futures').map(restoredFuture);
  const bookmarks = head.records('bookmarks').map((saved) => restoredBookmark(saved, futures.length));
  if (end.inputs !== inputs.length) throw new Error('its log is not as long as its run');
  const endOf = (future: number | undefined): Instant => (future === undefined ? end : futures[future]!.end);
  const isLate = bookmarks.some(({ instant, future }) => compareInstants(instant, endOf(future)) > 0);
  if (isLate || [at, ...futures.map(({ shared }) => shared)].some((instant) => compareInstants(instant, end) > 0))
    throw new Error('it names an instant after its end');
  return {
    ...{ options, inputs, end, at, bookmarks, futures },
    hash: head.text('hash'),
    checkpoints: checkpoints.map((machine, index) => ({
      machine,
      learned: learned[index]!.raw('learned'),
      executed: learned[index]!.count('executed'),
      cost: learned[index]!.count('cost'),
    })),
    files: names.map((name, index) => ({ name, bytes: files[index]! })),
    notes,
  };
}

function restoredFuture(saved: SavedState): Future {
  const [shared, end] = [restoredInstant(saved.record('shared')), restoredInstant(saved.record('end'))];
  const inputs = saved.records('inputs').map(restoredLoggedInput);
  if (end.inputs !== shared.inputs + inputs.length || compareInstants(end, shared) < 0)
    throw new Error('the log of a future is not as long as that');
  return { shared, end, inputs };
}

const restoredBookmark = (saved: SavedState, futures: number): Bookmark => ({
  name: saved.text('name') ?? '',
  instant: restoredInstant(saved.record('instant')),
  future: saved.raw('future') === null ? undefined : saved.index('future', futures),
  isEnd: saved.boolean('isEnd'),
});

/** Of a strict TLB. */
const savedTlb = (saved: SavedState): StrictTlbOptions => ({
  cards: TLB_CARDS.filter((card) => saved.texts('cards').includes(card)),
  seed: saved.count('seed'),
});

function optionsIn(saved: SavedState): Omit<RecordedOptions, 'kernel' | 'boot' | 'disk'> {
  const rtcEpoch = saved.raw('rtcEpoch') === null ? undefined : saved.number('rtcEpoch');
  return {
    harts: saved.count('harts'),
    memory: saved.count('memory'),
    legacyVirtio: saved.boolean('legacyVirtio'),
    diskSlot: saved.count('diskSlot'),
    seed: saved.count('seed'),
    ...(saved.boolean('network') && { network: {} }),
    ...(rtcEpoch !== undefined && { rtcEpoch }),
    ...(saved.raw('tlb') !== null && { tlb: savedTlb(saved.record('tlb')) }),
  };
}

/** Every sector of an image, which reads as it did at first, whatever the guest has written. */
function contentOf(disk: BlockImage): Uint8Array {
  const length = disk.sectors * SECTOR_SIZE;
  if (length > LARGEST) throw new RecordingError(`cannot be made: with its disk ${tooLarge(length)}`);
  const bytes = new Uint8Array(length);
  for (let sector = 0; sector < disk.sectors; sector += MOST_SECTORS_READ) {
    const end = Math.min(sector + MOST_SECTORS_READ, disk.sectors);
    disk.read(sector, bytes.subarray(sector * SECTOR_SIZE, end * SECTOR_SIZE));
  }
  return bytes;
}

function diskOf(bytes: Uint8Array, readOnly: boolean): BlockImage {
  if (bytes.length === 0 || bytes.length % SECTOR_SIZE !== 0) throw new Error('its disk has no whole sectors');
  return {
    sectors: bytes.length / SECTOR_SIZE,
    readOnly,
    read: (sector, into) => into.set(bytes.subarray(sector * SECTOR_SIZE, sector * SECTOR_SIZE + into.length)),
  };
}

/** On every system, also where `\` and `C:` mean something. */
function isRelative(name: string): boolean {
  const hasOddCharacters = [...name].some((character) => character < ' ' || '\\:'.includes(character));
  const parts = name.split('/');
  return name.length <= LONGEST_NAME && !hasOddCharacters && !parts.some((part) => ['', '.', '..'].includes(part));
}

function joined(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  if (length > LARGEST) throw new RecordingError(`cannot be made: ${tooLarge(length)}`);
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

const tooLarge = (length: number): string => `it has ${length} bytes; recordings have at most ${LARGEST / 2 ** 20} MiB`;

const bytesOf = ({ bytes }: RecordedFile): Uint8Array => bytes;

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  viewOf(bytes).setUint32(0, value, true);
  return bytes;
}

function firstLine(bytes: Uint8Array): string {
  const end = bytes.subarray(0, LONGEST_LINE).indexOf(10);
  return new TextDecoder('latin1').decode(bytes.subarray(0, Math.max(end, 0)));
}
