/**
 * A disk image as a raw file, written in place as QEMU does: what the guest has been told is on its disk is in the file,
 * even if this process dies at once.
 *
 * While a kernel runs, a build may make the image anew, in place or under its name. Then what the kernel still writes
 * belongs to a disk that is gone, and would spoil the new one: from there on the file is left alone.
 */
import * as fs from 'node:fs';
import { SECTOR_SIZE } from '../emulator/devices/disk';
import type { BlockImage } from '../emulator/types';
import { FileError } from './file-error';
import { lockImage } from './image-lock';
import { openRegular } from './regular-file';

/** Bytes of the largest image that is read when it is opened. Of a larger one, only what the guest reads is. */
const LARGEST_WHOLE = 64 * 1024 ** 2;

/** Bytes of a piece of such an image: of those that hold only zeroes, as most of a new image does, nothing is kept. */
const PIECE = 64 * 1024;

export interface ImageUse {
  /** The guest may not write. */
  readOnly?: boolean;
  /** The guest's writes do not go to the file. */
  snapshot?: boolean;
  /** Receives what the user should know: the file cannot be locked, cannot be written, has been made anew. */
  tell(problem: string): void;
}

const sameFile = (a: fs.Stats, b: fs.Stats): boolean =>
  a.ino === b.ino && a.dev === b.dev && a.size === b.size && a.mtimeMs === b.mtimeMs;

export class FileDisk implements BlockImage {
  readonly sectors: number;
  readonly readOnly: boolean;
  /** `name` without symbolic links. */
  private readonly path: string;
  private readonly descriptor: number;
  /** Undefined of a large image, and before `ready`. */
  private pieces: (Uint8Array | undefined)[] | undefined;
  /** Of a large image: the original contents of changed sectors. */
  private readonly originals = new Map<number, Uint8Array>();
  private keepsWrites: boolean;
  /** The file as this machine last saw or wrote it. */
  private seen: fs.Stats;
  private told: string | undefined;
  private isClosed = false;

  /**
   * Opens the file; a machine can be built with it, and may run once `ready` has resolved. Throws a FileError if the file cannot
   * be used.
   */
  constructor(
    private readonly name: string,
    private readonly use: ImageUse,
  ) {
    const { readOnly = false, snapshot = false } = use;
    this.readOnly = readOnly;
    this.keepsWrites = !readOnly && !snapshot;
    const { descriptor, status } = openRegular(name, this.keepsWrites);
    this.descriptor = descriptor;
    try {
      this.path = fs.realpathSync(name);
      // Root may write any file, but one that is read-only is meant to stay as it is.
      if (this.keepsWrites && (status.mode & 0o222) === 0)
        throw new FileError(name, 'forbidden', 'it is read-only', 'cannot be opened to write');
      this.seen = status;
      this.sectors = sectorsOf(name, status.size);
    } catch (error) {
      fs.closeSync(descriptor);
      throw error;
    }
  }

  /**
   * Locks the file if it is to be written, and has it read. Rejects, and has closed the file, if another machine writes to it (with
   * a FileError), or if it cannot be read.
   */
  async ready(): Promise<void> {
    try {
      const problem = this.keepsWrites ? await lockImage(this.name, this.descriptor) : undefined;
      if (this.isClosed) return;
      this.tell(problem);
      // Whoever had the lock may have written until now.
      this.seen = fs.fstatSync(this.descriptor);
      if (this.seen.size !== this.sectors * SECTOR_SIZE)
        throw new FileError(this.name, 'other', 'it was rebuilt while it was opened; start again');
      if (this.seen.size <= LARGEST_WHOLE) this.pieces = this.allPieces();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  read(sector: number, into: Uint8Array): void {
    if (this.pieces !== undefined) {
      const start = sector * SECTOR_SIZE;
      for (let done = 0, length; done < into.length; done += length) {
        const offset = (start + done) % PIECE;
        length = Math.min(into.length - done, PIECE - offset);
        const piece = this.pieces[Math.floor((start + done) / PIECE)];
        if (piece === undefined) into.fill(0, done, done + length);
        else into.set(piece.subarray(offset, offset + length), done);
      }
      return;
    }
    // What has been read of an image made anew goes together with nothing that was read before.
    if (!sameFile(fs.fstatSync(this.descriptor), this.seen))
      throw new FileError(this.path, 'other', 'it was rebuilt while the kernel ran on it');
    this.fromFile(sector, into);
    for (let at = 0; at < into.length; at += SECTOR_SIZE) {
      const original = this.originals.get(sector++);
      if (original !== undefined) into.set(original, at);
    }
  }

  written(sector: number, bytes: Uint8Array): void {
    if (!this.stillKeepsWrites()) return;
    if (this.pieces === undefined) this.keepOriginals(sector, bytes.length / SECTOR_SIZE);
    try {
      this.orTold(() => {
        for (let done = 0; done < bytes.length;)
          done += fs.writeSync(this.descriptor, bytes, done, bytes.length - done, sector * SECTOR_SIZE + done);
      });
    } finally {
      this.seen = fs.fstatSync(this.descriptor);
    }
  }

  flush(): void {
    if (this.keepsWrites) this.orTold(() => fs.fdatasyncSync(this.descriptor));
  }

  /** Gives up the file and its lock. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    fs.closeSync(this.descriptor);
  }

  /** Whether what the guest writes goes to the file: no longer once that is not the one it was, of which the user is told. */
  private stillKeepsWrites(): boolean {
    if (!this.keepsWrites) return false;
    const now = fs.statSync(this.path, { throwIfNoEntry: false });
    if (now && sameFile(now, this.seen)) return true;
    this.keepsWrites = false;
    this.tell(
      `${this.path} was ${now ? 'rebuilt' : 'removed'} while the kernel ran on it; what the kernel writes since is not saved.`,
    );
    return false;
  }

  private allPieces(): (Uint8Array | undefined)[] {
    const zeroes = new Uint8Array(PIECE);
    const pieces: (Uint8Array | undefined)[] = [];
    let buffer = new Uint8Array(PIECE);
    for (let start = 0; start < this.seen.size; start += PIECE) {
      const piece = buffer.subarray(0, Math.min(PIECE, this.seen.size - start));
      this.fromFile(start / SECTOR_SIZE, piece);
      const isEmpty = Buffer.compare(piece, zeroes.subarray(0, piece.length)) === 0;
      pieces.push(isEmpty ? undefined : piece);
      if (!isEmpty) buffer = new Uint8Array(PIECE);
    }
    return pieces;
  }

  private fromFile(sector: number, into: Uint8Array): Uint8Array {
    const start = sector * SECTOR_SIZE;
    for (let done = 0; done < into.length;) {
      const count = fs.readSync(this.descriptor, into, done, into.length - done, start + done);
      if (count === 0) {
        const end = Math.floor((start + done) / SECTOR_SIZE);
        throw new FileError(this.path, 'other', `it ends at sector ${end}; was it cut short?`);
      }
      done += count;
    }
    return into;
  }

  private keepOriginals(first: number, count: number): void {
    for (let sector = first; sector < first + count; sector++) {
      if (this.originals.has(sector)) continue;
      const original = new Uint8Array(SECTOR_SIZE);
      this.read(sector, original);
      this.originals.set(sector, original);
    }
  }

  /** A guest that goes on writing may meet the same problem again and again. */
  private tell(problem: string | undefined): void {
    if (problem === undefined || problem === this.told) return;
    this.told = problem;
    this.use.tell(problem);
  }

  /** The guest is told of a failure by a status, and the user in words. */
  private orTold(action: () => void): void {
    try {
      action();
    } catch (error) {
      const problem = FileError.from(this.path, error, 'cannot be written');
      this.tell(problem.message);
      throw problem;
    }
  }
}

function sectorsOf(path: string, size: number): number {
  if (size === 0 || size % SECTOR_SIZE !== 0) {
    throw new FileError(
      path,
      'no disk',
      `it has ${size} bytes, which is not a multiple of ${SECTOR_SIZE}: it is no whole disk image`,
      'cannot be used as a disk',
    );
  }
  return size / SECTOR_SIZE;
}
