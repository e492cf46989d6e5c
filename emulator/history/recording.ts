/**
 * A recording: checkpoints of a machine and the inputs that came in after the first of them, as bytes. A machine with the
 * same options can be put where the recorded one stood, and do again what it did. The bytes begin with their own hash, and
 * name the format and the options that they are for: damaged ones, and those of another version, are refused.
 *
 * 16 hexadecimal digits of the hash, a u32 with the length of the text, the text (see encoding/state-text.ts), and the pages of all
 * checkpoints (see encoding/page-codec.ts): every page of the first one, and of each later one those that differ from the one before.
 */
import { PAGE } from '../layout';
import { type Checkpoint, type LoggedInput, type MachineInput, type MachineOptions, type State } from '../types';
import { type BeforeTrap, type ExecutionAt, type Instant, type Moment, Phase } from './instant';
import { type MemoryImage, memoryImage, PAGES_SHARED, type PageImage } from './memory-image';
import { EncodedPages, encodePages } from './encoding/page-codec';
import { savedBootOptions } from './recorded-boot';
import { SavedState } from './saved-state';
import { StateHash } from './state-hash';
import { stateFromText, stateToText } from './encoding/state-text';

/** Changes with whatever is kept, or with how a machine runs. */
export const FORMAT = 'xv6-debug recording 9';
/** Bytes of the hash with which a recording begins; and those before its text, whose length comes in between. */
const HASH = 16;
const HEAD = HASH + 4;

export interface Recording {
  /** In the order of their instants. */
  readonly checkpoints: readonly Checkpoint[];
  /** The inputs after the first checkpoint, or from power on. */
  readonly inputs: readonly LoggedInput[];
  /** Whatever else its maker keeps. */
  readonly notes: State;
}

/** A name for all machines with these options and disks of this size: 16 hexadecimal digits. */
export function optionsName(options: MachineOptions): string {
  const hash = new StateHash();
  const { harts, memory, legacyVirtio, seed, kernel, boot, disk, diskSlot = 0, tlb, network } = options;
  const image = disk === undefined ? null : { sectors: disk.sectors, readOnly: disk.readOnly, slot: diskSlot };
  const strict = tlb && { tlb: { cards: [...tlb.cards].sort(), seed: tlb.seed } };
  const card = network && { network: true };
  const beside = boot && savedBootOptions(boot);
  const booted = beside && { boot: beside.state };
  hash.state({ FORMAT, harts, memory, legacyVirtio, seed: seed ?? 0, image, ...strict, ...card, ...booted });
  [kernel, ...(beside?.files ?? [])].forEach((file) => hash.bytes(file));
  return hash.hex;
}

export const hashOf = (bytes: Uint8Array): string => {
  const hash = new StateHash();
  hash.bytes(bytes);
  return hash.hex;
};

/** A recording of a machine with these options. */
export function encodeRecording(options: MachineOptions, { checkpoints, inputs, notes }: Recording): Uint8Array {
  const pages: PageImage[] = [];
  const kept = checkpoints.map(({ memory, instant, state, stoppedAt, announced, traps }, index): State => {
    const changed = changedPages(memoryPages(options), memory, checkpoints[index - 1]?.memory);
    for (const page of changed) pages.push(pageOf(memory, page));
    return {
      instant: { ...instant },
      state,
      changed: index === 0 ? null : changed,
      stoppedAt: stoppedAt === undefined ? null : { ...stoppedAt },
      announced: announced.map((one) => ({ ...one })),
      traps: traps.map((one) => ({ ...one })),
    };
  });
  const head: State = {
    format: FORMAT,
    options: optionsName(options),
    inputs: savedInputs(inputs),
    checkpoints: kept,
    pages: pages.length,
    notes,
  };
  return recordingOf(head, encodePages(wordsOf(pages)));
}

/** The bytes of a recording with this text and these encoded pages. */
export function recordingOf(head: State, memory: Uint8Array): Uint8Array {
  const text = new TextEncoder().encode(stateToText(head));
  const bytes = new Uint8Array(HEAD + text.length + memory.length);
  new DataView(bytes.buffer).setUint32(HASH, text.length, true);
  bytes.set(text, HEAD);
  bytes.set(memory, HEAD + text.length);
  bytes.set(new TextEncoder().encode(hashOf(bytes.subarray(HASH))));
  return bytes;
}

/** Throws an Error if these are not the bytes of a recording; `fits` tells which machines it is for. */
export function decodeRecording(bytes: Uint8Array): Recording & { fits(options: MachineOptions): boolean } {
  const text = (from: number, to: number): string => new TextDecoder().decode(bytes.subarray(from, to));
  if (bytes.length < HEAD || text(0, HASH) !== hashOf(bytes.subarray(HASH)))
    throw new Error('the recording is damaged');
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(HASH, true);
  const head = new SavedState('recording', stateFromText(text(HEAD, HEAD + length)));
  if (head.text('format') !== FORMAT) throw new Error('the recording was made by another version');
  const count = head.count('pages');
  if (count > bytes.length) throw new Error('the recording is damaged: it has fewer pages than it says');
  const encoded = new EncodedPages(bytes.subarray(HEAD + length), count);
  const kept = head.records('checkpoints');
  const changes = kept.map((one) => (one.raw('changed') === null ? undefined : one.numbers('changed')));
  const total = count - changes.reduce((sum, changed) => sum + (changed?.length ?? 0), 0);
  if (changes.some((changed) => changed?.some((page) => !(page >= 0 && page < total))))
    throw new Error('the recording is damaged: it changes pages that it does not have');
  let memory: MemoryImage = encoded.parts(total);
  let next = total;
  const checkpoints = kept.map((one, index): Checkpoint => {
    const changed = new Map(changes[index]?.map((page) => [page, encoded.image(next++)]));
    const before = memory;
    if (index > 0) memory = memoryImage(total, before, (page) => changed.get(page) ?? pageOf(before, page));
    return {
      instant: restoredInstant(one.record('instant')),
      state: one.raw('state'),
      memory,
      stoppedAt: one.raw('stoppedAt') === null ? undefined : restoredExecution(one.record('stoppedAt')),
      announced: one.records('announced').map(restoredExecution),
      traps: one.records('traps').map(restoredTrap),
    };
  });
  const name = head.text('options');
  return {
    checkpoints,
    inputs: head.records('inputs').map(restoredLoggedInput),
    notes: head.raw('notes'),
    fits: (options) => optionsName(options) === name && (kept.length === 0 || total === memoryPages(options)),
  };
}

const PHASES = [Phase.arrived, Phase.chosen, Phase.interrupted, Phase.fetched, Phase.attempted];

/** Throws an Error that names the field if it is none. */
export const restoredInstant = (saved: SavedState): Instant => ({
  ...restoredMoment(saved),
  inputs: saved.count('inputs'),
});

const restoredMoment = (saved: SavedState): Moment => ({
  time: saved.count('time'),
  phase: saved.oneOf('phase', PHASES),
});

export const savedInputs = (inputs: readonly LoggedInput[]): State =>
  inputs.map(({ time, phase, input }) => ({ time, phase, input: { ...input } }));

/** Throws an Error that names the field if it is none. */
export const restoredLoggedInput = (saved: SavedState): LoggedInput => ({
  ...restoredMoment(saved),
  input: restoredInput(saved.record('input')),
});

function restoredInput(saved: SavedState): MachineInput {
  const kind = saved.text('kind') as MachineInput['kind'] | undefined;
  switch (kind) {
    case 'console':
    case 'frame':
      return { kind, bytes: saved.bytes('bytes') };
    case 'reset':
      return { kind };
    case 'idle':
      return { kind, until: saved.tick('until') };
    case 'pc':
      return { kind, hart: saved.count('hart'), value: saved.bigint('value') };
    case 'register':
    case 'float':
      return { kind, hart: saved.count('hart'), register: saved.index('register', 32), value: saved.bigint('value') };
    case 'csr':
      return { kind, hart: saved.count('hart'), csr: saved.index('csr', 4096), value: saved.bigint('value') };
    case 'mode':
      return { kind, hart: saved.count('hart'), mode: saved.mode('mode') };
    case 'memory':
      return { kind, address: saved.bigint('address'), bytes: saved.bytes('bytes') };
    case undefined:
  }
  throw new Error('the recording is damaged: it has an input of no kind');
}

const restoredExecution = (saved: SavedState): ExecutionAt => ({
  hart: saved.count('hart'),
  pc: saved.bigint('pc'),
  steps: saved.count('steps'),
});

const restoredTrap = (saved: SavedState): BeforeTrap => ({
  ...restoredExecution(saved),
  interrupt: saved.boolean('interrupt'),
  cause: saved.count('cause'),
});

const memoryPages = ({ memory }: MachineOptions): number => memory / PAGE;

/** Indices of the pages that are others than in the image before. */
function changedPages(pages: number, memory: MemoryImage, before: MemoryImage | undefined): number[] {
  const changed: number[] = [];
  for (let page = 0; page < pages; page++) {
    const index = Math.floor(page / PAGES_SHARED);
    if (memory[index] !== before?.[index] && (before === undefined || pageOf(memory, page) !== pageOf(before, page)))
      changed.push(page);
  }
  return changed;
}

const pageOf = (memory: MemoryImage, page: number): PageImage =>
  memory[Math.floor(page / PAGES_SHARED)]!.page(page % PAGES_SHARED);

function* wordsOf(pages: readonly PageImage[]): Generator<Int32Array> {
  const bytes = new Uint8Array(PAGE);
  const words = new Int32Array(bytes.buffer);
  for (const image of pages) {
    image.read(bytes);
    yield words;
  }
}
