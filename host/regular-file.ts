/**
 * Opening files that a user or a folder names: only regular ones, and none of more than a limit. A FIFO, a device or a
 * folder in a file's place could make a program wait, or read, without end.
 */
import * as fs from 'node:fs';
import { FileError } from './file-error';

const MIB = 1024 ** 2;
/** Bytes of the largest file that is read into memory: kernels and programs with all their debug information are smaller. */
const LARGEST_FILE = 512 * MIB;

/** Opens a file to read it, or also to write it with `writable`. Throws a FileError. */
export function openRegular(path: string, writable = false): { descriptor: number; status: fs.Stats } {
  let descriptor: number | undefined;
  try {
    // A device must not be opened at all: that alone may have an effect.
    checkRegular(path, fs.statSync(path));
    descriptor = fs.openSync(path, flags(writable));
    const status = fs.fstatSync(descriptor);
    checkRegular(path, status);
    return { descriptor, status };
  } catch (error) {
    if (descriptor !== undefined) fs.closeSync(descriptor);
    throw FileError.from(path, error, writable ? 'cannot be opened to write' : undefined);
  }
}

/** Reads a whole file. Throws a FileError. */
export function readRegular(path: string, limit = LARGEST_FILE): Uint8Array {
  const { descriptor, status } = openRegular(path);
  try {
    checkSize(path, status.size, limit);
    const bytes = new Uint8Array(status.size);
    let done = 0;
    while (done < bytes.length) {
      const count = fs.readSync(descriptor, bytes, done, bytes.length - done, done);
      if (count === 0) break;
      done += count;
    }
    return bytes.subarray(0, done);
  } catch (error) {
    throw FileError.from(path, error);
  } finally {
    fs.closeSync(descriptor);
  }
}

/** `readRegular`, while others have their turn: the file may be on another machine, which does not respond. */
export async function readRegularLater(path: string, limit = LARGEST_FILE): Promise<Uint8Array> {
  try {
    checkRegular(path, await fs.promises.stat(path));
    const file = await fs.promises.open(path, flags(false));
    try {
      const status = await file.stat();
      checkRegular(path, status);
      checkSize(path, status.size, limit);
      const bytes = new Uint8Array(status.size);
      let done = 0;
      while (done < bytes.length) {
        const { bytesRead } = await file.read(bytes, done, bytes.length - done, done);
        if (bytesRead === 0) break;
        done += bytesRead;
      }
      return bytes.subarray(0, done);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw FileError.from(path, error);
  }
}

/** Whatever has taken the file's place since it was looked at, opening it does not wait for anyone. */
function flags(writable: boolean): number {
  const { O_RDWR, O_RDONLY, O_NONBLOCK = 0 } = fs.constants;
  return (writable ? O_RDWR : O_RDONLY) | O_NONBLOCK;
}

function checkRegular(path: string, status: fs.Stats): void {
  if (status.isFile()) return;
  const kind = status.isDirectory()
    ? 'a folder'
    : status.isFIFO()
      ? 'a FIFO'
      : status.isSocket()
        ? 'a socket'
        : 'a device';
  throw new FileError(path, 'irregular', `it is ${kind}, not a regular file`);
}

function checkSize(path: string, size: number, limit: number): void {
  if (size <= limit) return;
  throw new FileError(
    path,
    'too large',
    `it has ${size} bytes; files of at most ${Math.floor(limit / MIB)} MiB are read`,
  );
}
