/**
 * A warm start: a machine that begins where an earlier one, with the same kernel and options, stood when its shell first
 * asked for a command. That one's boot depends on nothing but what it read from its disk, so if the same sectors still say
 * the same, booting would lead to the very same state, and need not be done again.
 */
import type { BlockImage, MachineApi, State } from '../types';
import { SECTOR_SIZE } from '../devices/disk';
import { decodeRecording, encodeRecording, hashOf } from './recording';
import { SavedState } from './saved-state';

export { optionsName as warmStartName } from './recording';

const PROMPT = '$ ';
/** Bytes that a boot may write to the console, and sectors that it may read, beyond which it is not kept. */
const MOST_OUTPUT = 65536;
const MOST_SECTORS = 4096;

/** A machine that tells what its run depended on, and what it came by. */
export interface BootingMachine extends MachineApi {
  /** The guest has asked what time of day it is. */
  readonly clockConsulted: boolean;
  /**
   * Which instructions may have been executed: by the physical address of their page, a bit for every two bytes, lowest
   * first.
   */
  reached(): Map<number, Uint8Array>;
}

/** Watches a machine boot, from power on to its first prompt: what it reads of its disk's image, and writes to its console. */
export class BootRecorder {
  /** Hashes of what it read, by sector. The machine's disk asks its image only for what the guest has not written. */
  private readonly read = new Map<number, string>();
  private text = '';
  private recording = true;

  /** The image through which the machine is to reach the one that is given. */
  watch(image: BlockImage): BlockImage {
    return {
      sectors: image.sectors,
      readOnly: image.readOnly,
      read: (sector, into) => {
        image.read(sector, into);
        if (this.recording) this.noteRead(sector, into);
      },
      written: image.written && ((sector, bytes) => image.written?.(sector, bytes)),
      flush: image.flush && (() => image.flush?.()),
    };
  }

  private noteRead(first: number, bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += SECTOR_SIZE) {
      const sector = first + at / SECTOR_SIZE;
      if (!this.read.has(sector)) this.read.set(sector, hashOf(bytes.subarray(at, at + SECTOR_SIZE)));
    }
    if (this.read.size > MOST_SECTORS) this.discard();
  }

  /** What the guest writes to its console. */
  output(bytes: Uint8Array): void {
    if (!this.recording) return;
    for (const byte of bytes) this.text += String.fromCharCode(byte);
    if (this.text.length > MOST_OUTPUT) this.discard();
  }

  /** Something has touched the machine, or it does what it may not do again: this boot is not kept. */
  discard(): void {
    this.recording = false;
    this.read.clear();
  }

  /** The shell has prompted for its first command, and no input has come in before. */
  isComplete(machine: BootingMachine): boolean {
    if (!this.recording || !this.text.endsWith(PROMPT)) return false;
    if (machine.clockConsulted || machine.inputs.count > 0) this.discard();
    return this.recording;
  }

  /** All that a warm start needs, and what a companion of the machine wants kept with it; ends the recording. */
  save(machine: BootingMachine, companion: State = null): Uint8Array {
    const notes: State = {
      text: this.text,
      read: [...this.read].map(([sector, hash]) => [sector, hash]),
      reached: [...machine.reached()].map(([address, bits]) => [address, bits]),
      companion,
    };
    this.discard();
    return encodeRecording(machine.options, { checkpoints: [machine.save()], inputs: [], notes });
  }
}

/** A list of two by their places. */
const pair = (list: State): SavedState => new SavedState('boot', Array.isArray(list) ? { ...list } : list);

/** A boot that has been saved. */
export class SavedBoot {
  private readonly recording: ReturnType<typeof decodeRecording>;
  private readonly notes: SavedState;
  /** Sectors and the hashes of what they held. */
  private readonly read: readonly (readonly [number, string | undefined])[];
  private readonly reached: ReadonlyMap<number, Uint8Array>;

  /** Throws an Error if these are not the bytes that `BootRecorder.save` has made. */
  constructor(saved: Uint8Array) {
    this.recording = decodeRecording(saved);
    this.notes = new SavedState('boot', this.recording.notes);
    this.read = this.notes
      .list('read')
      .map(pair)
      .map((one) => [one.count('0'), one.text('1')]);
    this.reached = new Map(
      this.notes
        .list('reached')
        .map(pair)
        .map((one) => [one.count('0'), one.bytes('1')]),
    );
    if (this.recording.checkpoints.length !== 1) throw new Error('a saved boot has one checkpoint');
  }

  /** Whether the instruction at a physical address may have been executed. */
  mayHaveReached(address: bigint): boolean {
    const page = Number(address & ~0xfffn);
    const index = Number(address & 0xfffn) >> 1;
    return ((this.reached.get(page)?.[index >> 3] ?? 0) & (1 << (index & 7))) !== 0;
  }

  /**
   * Puts a machine at power on where the boot ended. Returns what that wrote to the console, and what was kept for the
   * companion; undefined, and nothing done, if the machine's disk is another one. Throws an Error, and leaves
   * the machine at power on, if the state is not one of such a machine.
   */
  restoreBoot(machine: BootingMachine): { console: Uint8Array; companion: State } | undefined {
    const { notes, recording } = this;
    const { disk } = machine;
    if (!recording.fits(machine.options)) throw new Error('the boot is that of a machine with other options');
    const into = new Uint8Array(SECTOR_SIZE);
    for (const [sector, hash] of this.read) {
      if (disk === undefined || sector >= disk.sectors) return undefined;
      disk.read(sector, into);
      if (hashOf(into) !== hash) return undefined;
    }
    machine.restore(recording.checkpoints[0]!);
    const console = Uint8Array.from(notes.text('text') ?? '', (character) => character.charCodeAt(0));
    return { console, companion: notes.raw('companion') };
  }
}
