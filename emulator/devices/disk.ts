/**
 * The disk in the machine: the image that the host gives, and over it the sectors that the guest has written since. The
 * overlay belongs to the machine's state. Saving it costs what was written since the last time, as saved states share the
 * sectors that they have in common; restoring it costs what differs.
 *
 * The host's copy follows the machine, as a console does: each write leaves through the image's `written`, also where a
 * restored state has other sectors than the one before. The image itself reads as it did at first, whatever was written.
 */
import type { BlockImage, DiskContent, State } from '../types';

export const SECTOR_SIZE = 512;

/** Sectors that are saved, and shared between saved states, together. */
const GROUP = 128;

/** By the sector's place in its group. Bytes are never changed in place. */
type Group = Record<number, Uint8Array>;

/** The written sectors by their group. Integer keys come in ascending order, whatever the order of the writes. */
type Overlay = Record<number, Group>;

export class Disk implements DiskContent {
  readonly sectors: number;
  readonly readOnly: boolean;
  private overlay: Overlay = {};
  /** Groups that no saved state shares. */
  private readonly owned = new Set<Group>();

  constructor(private readonly image: BlockImage) {
    this.sectors = image.sectors;
    this.readOnly = image.readOnly;
  }

  /** Reads whole sectors. Throws RangeError beyond the end, and what the image throws. */
  read(sector: number, into: Uint8Array): void {
    const count = this.countFrom(sector, into);
    for (let at = 0; at < count;) {
      const written = this.written(sector + at);
      let end = at + 1;
      if (written !== undefined) {
        into.set(written, at * SECTOR_SIZE);
      } else {
        while (end < count && this.written(sector + end) === undefined) end++;
        this.image.read(sector + at, into.subarray(at * SECTOR_SIZE, end * SECTOR_SIZE));
      }
      at = end;
    }
  }

  /** Writes whole sectors. Throws as `read` does, and then the disk reads as before. */
  write(sector: number, from: Uint8Array): void {
    this.countFrom(sector, from);
    if (this.readOnly) throw new Error('the disk is read-only');
    this.image.written?.(sector, from);
    for (let at = 0; at < from.length; at += SECTOR_SIZE)
      this.ownedGroupOf(sector)[sector++ % GROUP] = from.slice(at, at + SECTOR_SIZE);
  }

  /** Has the host put what was written where it lasts. Throws what the image's `flush` throws. */
  flush(): void {
    this.image.flush?.();
  }

  /** The written sectors. The result is shared, and must not be changed. */
  save(): State {
    this.owned.clear();
    return { ...this.overlay };
  }

  /** Restores what `save` returned, and hands to the image the sectors that are others now. Throws what that throws. */
  restore(saved: State): void {
    const before = this.overlay;
    const after = saved as Overlay;
    const different = [...differences(before, after)];
    for (const { group, at, bytes } of different) this.checkSector(group, at, bytes);
    this.overlay = { ...after };
    this.owned.clear();
    if (this.image.written === undefined) return;
    const bytes = new Uint8Array(SECTOR_SIZE);
    for (const { group, at } of different) {
      const sector = group * GROUP + at;
      this.read(sector, bytes);
      this.image.written(sector, bytes);
    }
  }

  private checkSector(group: number, at: number, bytes: unknown): void {
    const isThere = Number.isInteger(group) && Number.isInteger(at) && group >= 0 && at >= 0 && at < GROUP;
    const isSector = bytes === undefined || (bytes instanceof Uint8Array && bytes.length === SECTOR_SIZE);
    const sector = group * GROUP + at;
    if (!isThere || !isSector || sector >= this.sectors)
      throw new Error(`saved state of the disk: there is no such sector ${sector}`);
  }

  private countFrom(sector: number, bytes: Uint8Array): number {
    const count = bytes.length / SECTOR_SIZE;
    if (!Number.isInteger(count) || sector + count > this.sectors)
      throw new RangeError(`${bytes.length} bytes from sector ${sector} on: the disk has ${this.sectors} sectors`);
    return count;
  }

  private written(sector: number): Uint8Array | undefined {
    return this.overlay[Math.floor(sector / GROUP)]?.[sector % GROUP];
  }

  private ownedGroupOf(sector: number): Group {
    const index = Math.floor(sector / GROUP);
    let group = this.overlay[index];
    if (group === undefined || !this.owned.has(group)) {
      this.overlay[index] = group = { ...group };
      this.owned.add(group);
    }
    return group;
  }
}

/** Sectors that were written in one of two states and not with the same bytes in the other, with the bytes in `after`. */
function* differences(
  before: Overlay,
  after: Overlay,
): Generator<{ group: number; at: number; bytes: Uint8Array | undefined }> {
  for (const index of Object.keys({ ...before, ...after }).map(Number)) {
    const [was = {}, is = {}] = [before[index], after[index]];
    if (was === is) continue;
    for (const at of Object.keys({ ...was, ...is }).map(Number))
      if (was[at] !== is[at]) yield { group: index, at, bytes: is[at] };
  }
}
