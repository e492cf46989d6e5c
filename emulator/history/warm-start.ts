/**
 * A warm start: a machine that begins where an earlier one, with the same kernel and options, stood when its shell first
 * asked for a command. That one's boot depends on nothing but what it read from its disk, so if the same sectors still say
 * the same, booting would lead to the very same state, and need not be done again.
 */
import type { Machine } from '../machine';
import type { BlockImage, MachineOptions, State } from '../types';
import { SECTOR_SIZE } from '../devices/disk';
import { SavedState } from './saved-state';
import { StateHash } from './state-hash';
import { stateFromText, stateToText } from './state-text';

/** Changes with whatever is kept, or with how a machine runs. */
const FORMAT = 'xv6-debug warm start 3';
const PROMPT = '$ ';
/** Bytes of the hash with which a saved boot begins; and those before its text, whose length comes in between. */
const HASH = 16;
const HEAD = HASH + 4;
/** Bytes that a boot may write to the console, and sectors that it may read, beyond which it is not kept. */
const MOST_OUTPUT = 65536;
const MOST_SECTORS = 4096;

/** A name for the boots of one kernel with these options on disks of this size: 16 hexadecimal digits. */
export function warmStartName(options: MachineOptions): string {
  const hash = new StateHash();
  const { harts, memory, legacyVirtio, seed, kernel, disk } = options;
  const image = disk === undefined ? null : { sectors: disk.sectors, readOnly: disk.readOnly };
  hash.state({ FORMAT, harts, memory, legacyVirtio, seed: seed ?? 0, image });
  hash.bytes(kernel);
  return hash.hex;
}

const hashOf = (bytes: Uint8Array): string => {
  const hash = new StateHash();
  hash.bytes(bytes);
  return hash.hex;
};

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
      flush: image.flush && ((now) => image.flush?.(now)),
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

  /** The shell has asked for its first command, and nothing has come in between. */
  isComplete(machine: Machine): boolean {
    if (!this.recording || !this.text.endsWith(PROMPT)) return false;
    if (machine.clockConsulted || machine.inputs.count > 0) this.discard();
    return this.recording;
  }

  /** All that a warm start needs, and what a companion of the machine wants kept with it; ends the recording. */
  save(machine: Machine, companion: State = null): Uint8Array {
    const { state, memory } = machine.save();
    const head: State = {
      format: FORMAT,
      text: this.text,
      read: [...this.read].map(([sector, hash]) => [sector, hash]),
      reached: [...machine.reached()].map(([address, bits]) => [address, bits]),
      machine: state,
      companion,
    };
    this.discard();
    const text = new TextEncoder().encode(stateToText(head));
    const bytes = new Uint8Array(HEAD + text.length + memory.length);
    new DataView(bytes.buffer).setUint32(HASH, text.length, true);
    bytes.set(text, HEAD);
    bytes.set(memory, HEAD + text.length);
    bytes.set(new TextEncoder().encode(hashOf(bytes.subarray(HASH))));
    return bytes;
  }
}

/** A boot that has been saved. */
export class SavedBoot {
  private readonly head: SavedState;
  private readonly memory: Uint8Array;
  private readonly reached: ReadonlyMap<number, Uint8Array>;

  /** Throws an Error if these are not the bytes that `BootRecorder.save` has made. */
  constructor(saved: Uint8Array) {
    const text = (from: number, to: number): string => new TextDecoder().decode(saved.subarray(from, to));
    if (saved.length < HEAD || text(0, HASH) !== hashOf(saved.subarray(HASH)))
      throw new Error('the saved boot is damaged');
    const length = new DataView(saved.buffer, saved.byteOffset).getUint32(HASH, true);
    this.memory = saved.subarray(HEAD + length);
    this.head = new SavedState('boot', stateFromText(text(HEAD, HEAD + length)));
    if (this.head.text('format') !== FORMAT) throw new Error('the boot was saved by another version');
    this.reached = new Map(this.head.list('reached') as [number, Uint8Array][]);
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
  restoreBoot(machine: Machine): { console: Uint8Array; companion: State } | undefined {
    const { head, memory } = this;
    const { disk } = machine;
    const into = new Uint8Array(SECTOR_SIZE);
    for (const [sector, hash] of head.list('read') as [number, string][]) {
      if (disk === undefined || sector >= disk.sectors) return undefined;
      disk.read(sector, into);
      if (hashOf(into) !== hash) return undefined;
    }
    machine.restore({ state: head.raw('machine'), memory });
    const console = Uint8Array.from(head.text('text') ?? '', (character) => character.charCodeAt(0));
    return { console, companion: head.raw('companion') };
  }
}
