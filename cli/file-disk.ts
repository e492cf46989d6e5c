/**
 * Disk images as raw files. FileDisk writes through to the file as QEMU does; MemoryDisk keeps a copy in memory, for the
 * sample's disk and for snapshots.
 */
import * as fs from 'node:fs';
import type { BlockImage } from '../emulator/types';
import { UsageError } from './options';
import { reason } from './reason';

const SECTOR = 512;

function checkedSize(path: string, descriptor: number): number {
  const status = fs.fstatSync(descriptor);
  if (!status.isFile()) throw new UsageError(`${path}: a disk image must be a regular file`);
  if (status.size === 0 || status.size % SECTOR !== 0) {
    throw new UsageError(
      `${path}: ${status.size} bytes are not a whole number of ${SECTOR}-byte sectors; is this a disk image? (make fs.img makes one)`,
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

/** An image file. Errors of the system are thrown, and the guest sees them as failed requests. */
export class FileDisk implements BlockImage {
  readonly sectors: number;
  private readonly descriptor: number;

  constructor(
    readonly path: string,
    readonly readOnly: boolean,
  ) {
    this.descriptor = open(path, !readOnly);
    try {
      this.sectors = checkedSize(path, this.descriptor) / SECTOR;
    } catch (error) {
      fs.closeSync(this.descriptor);
      throw error;
    }
  }

  read(sector: number, into: Uint8Array): void {
    const count = fs.readSync(this.descriptor, into, 0, into.length, sector * SECTOR);
    if (count !== into.length) throw new Error(`${this.path}: ends at sector ${sector}; was it cut short?`);
  }

  write(sector: number, from: Uint8Array): void {
    if (this.readOnly) throw new Error(`${this.path}: is read-only`);
    for (let done = 0; done < from.length;) {
      done += fs.writeSync(this.descriptor, from, done, from.length - done, sector * SECTOR + done);
    }
  }

  flush(): void {
    if (!this.readOnly) fs.fdatasyncSync(this.descriptor);
  }

  close(): void {
    fs.closeSync(this.descriptor);
  }
}

/** An image in memory; what it began with is copied. */
export class MemoryDisk implements BlockImage {
  readonly sectors: number;
  private readonly bytes: Uint8Array;

  constructor(
    content: Uint8Array,
    readonly readOnly = false,
  ) {
    this.bytes = content.slice();
    this.sectors = Math.floor(content.length / SECTOR);
  }

  /** A copy of an image file. */
  static of(path: string, readOnly: boolean): MemoryDisk {
    const descriptor = open(path, false);
    try {
      checkedSize(path, descriptor);
      return new MemoryDisk(fs.readFileSync(descriptor), readOnly);
    } finally {
      fs.closeSync(descriptor);
    }
  }

  read(sector: number, into: Uint8Array): void {
    into.set(this.bytes.subarray(sector * SECTOR, sector * SECTOR + into.length));
  }

  write(sector: number, from: Uint8Array): void {
    if (this.readOnly) throw new Error('the disk is read-only');
    this.bytes.set(from, sector * SECTOR);
  }

  flush(): void {
    // Memory has nothing to flush.
  }
}
