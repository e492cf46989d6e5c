/**
 * The image of a run that can go back: while the machine is in its past, its file keeps what the present has on its disk, and
 * what the guest writes again, or has not written yet there, stays in the machine. The file follows again once the machine is
 * at its present, or begins another future.
 */
import { SECTOR_SIZE } from '../../emulator/devices/disk';
import type { BlockImage } from '../../emulator/types';
import type { OpenDisk } from './files';

export class HeldDisk {
  /** What the machine is given. */
  readonly image: BlockImage;
  /** By sector: what was written since the file was last followed; undefined while it follows. */
  private held: Map<number, Uint8Array> | undefined;

  constructor(private readonly file: OpenDisk) {
    this.image = {
      sectors: file.sectors,
      readOnly: file.readOnly,
      read: (sector, into) => file.read(sector, into),
      written: (sector, bytes) => this.written(sector, bytes),
      flush: () => {
        if (this.held === undefined) file.flush?.();
      },
    };
  }

  /** From now on the file stays as it is. */
  hold(): void {
    this.held ??= new Map();
  }

  /** The file follows the machine again. Throws what a write throws, and keeps what is not written yet. */
  release(): void {
    for (const [sector, bytes] of this.held ?? []) {
      this.file.written?.(sector, bytes);
      this.held!.delete(sector);
    }
    this.held = undefined;
  }

  close(): void {
    this.file.close();
  }

  private written(sector: number, bytes: Uint8Array): void {
    const { held } = this;
    if (held === undefined) {
      this.file.written?.(sector, bytes);
      return;
    }
    for (let at = 0; at < bytes.length; at += SECTOR_SIZE)
      held.set(sector + at / SECTOR_SIZE, bytes.slice(at, at + SECTOR_SIZE));
  }
}
