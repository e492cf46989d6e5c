/** A disk image that lives as long as its session: the built-in sample's, which is never written to. */
import type { SessionDisk } from './files';

const SECTOR = 512;

export class MemoryDisk implements SessionDisk {
  readonly readOnly = false;
  readonly sectors: number;

  constructor(private readonly bytes: Uint8Array) {
    this.sectors = Math.floor(bytes.length / SECTOR);
  }

  read(sector: number, into: Uint8Array): void {
    into.set(this.bytes.subarray(sector * SECTOR, sector * SECTOR + into.length));
  }

  write(sector: number, from: Uint8Array): void {
    this.bytes.set(from, sector * SECTOR);
  }

  flush(): void {
    // There is nowhere to put it.
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
