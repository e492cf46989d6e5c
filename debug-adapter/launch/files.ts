/**
 * The debugger's interface to files. `node-files.ts` implements it with Node; a browser would have its own, so nothing else
 * knows where files are.
 */
import type { BlockImage } from '../../emulator/types';

export interface Files {
  /** Reads a whole file. Errors contain the path and the system's reason. */
  read(path: string): Promise<Uint8Array>;
  exists(path: string): Promise<boolean>;
  /** The names in a folder; none if it does not exist or cannot be read. */
  list(folder: string): Promise<string[]>;
  /**
   * Reads a whole disk image for one session. Its `flush` replaces the whole file (writes a new one and renames it), so that
   * the file is never left half written. With `snapshot` the file does not change.
   */
  openDisk(path: string, snapshot: boolean): Promise<BlockImage>;
  /** Keeps saved boots from session to session, if anything does. */
  readonly boots?: BootStore;
  /** The built-in sample kernel, its disk image and its sources' folder. */
  readonly sample: { kernel: string; disk: string };
}

/** Keeps saved boots by name. It may lose any of them at any time, without an error. */
export interface BootStore {
  read(name: string): Promise<Uint8Array | undefined>;
  write(name: string, bytes: Uint8Array): Promise<void>;
}
