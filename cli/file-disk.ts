/** Disk images as raw files, of which only the sectors that the guest reads are read. */
import * as fs from 'node:fs';
import { SECTOR_SIZE } from '../emulator/devices/disk';
import type { BlockImage } from '../emulator/types';
import { UsageError } from './option-values';
import { reason } from './reason';

function checkedSize(path: string, descriptor: number): number {
  const status = fs.fstatSync(descriptor);
  if (!status.isFile()) throw new UsageError(`${path}: a disk image must be a regular file`);
  if (status.size === 0 || status.size % SECTOR_SIZE !== 0) {
    throw new UsageError(
      `${path}: ${status.size} bytes are not a whole number of ${SECTOR_SIZE}-byte sectors; is this a disk image? (make fs.img makes one)`,
    );
  }
  return status.size;
}

function open(path: string, writable: boolean): number {
  try {
    return fs.openSync(path, writable ? 'r+' : 'r');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT') throw new UsageError(`${path}: no such disk image; make fs.img makes one`);
    if (writable && (code === 'EACCES' || code === 'EROFS' || code === 'EPERM')) {
      throw new UsageError(
        `${path}: the disk image cannot be written (${code}); chmod u+w it, or add snapshot=on or readonly=on to -drive`,
      );
    }
    throw new UsageError(`${path}: the disk image cannot be opened (${reason(error)})`);
  }
}

/**
 * An image file, written through as in QEMU: the guest's writes are in the file at once, even if this process dies. Throws
 * the system's errors, which the guest sees as failed requests.
 */
export class FileDisk implements BlockImage {
  readonly sectors: number;
  readonly readOnly: boolean;
  private readonly descriptor: number;
  private readonly keepsWrites: boolean;
  /** The original contents of changed sectors. */
  private readonly originals = new Map<number, Uint8Array>();

  /** With `snapshot` the file does not change, and the guest's writes are lost at the end. */
  constructor(
    readonly path: string,
    { readOnly = false, snapshot = false },
  ) {
    this.readOnly = readOnly;
    this.keepsWrites = !readOnly && !snapshot;
    this.descriptor = open(path, this.keepsWrites);
    try {
      this.sectors = checkedSize(path, this.descriptor) / SECTOR_SIZE;
    } catch (error) {
      fs.closeSync(this.descriptor);
      throw error;
    }
  }

  read(sector: number, into: Uint8Array): void {
    const count = fs.readSync(this.descriptor, into, 0, into.length, sector * SECTOR_SIZE);
    if (count !== into.length) throw new Error(`${this.path}: ends at sector ${sector}; was it cut short?`);
    for (let at = 0; at < into.length; at += SECTOR_SIZE) {
      const original = this.originals.get(sector++);
      if (original !== undefined) into.set(original, at);
    }
  }

  written(sector: number, bytes: Uint8Array): void {
    if (!this.keepsWrites) return;
    this.keepOriginals(sector, bytes.length / SECTOR_SIZE);
    for (let done = 0; done < bytes.length;)
      done += fs.writeSync(this.descriptor, bytes, done, bytes.length - done, sector * SECTOR_SIZE + done);
  }

  flush(): void {
    if (this.keepsWrites) fs.fdatasyncSync(this.descriptor);
  }

  close(): void {
    fs.closeSync(this.descriptor);
  }

  private keepOriginals(first: number, count: number): void {
    for (let sector = first; sector < first + count; sector++) {
      if (this.originals.has(sector)) continue;
      const original = new Uint8Array(SECTOR_SIZE);
      this.read(sector, original);
      this.originals.set(sector, original);
    }
  }
}
