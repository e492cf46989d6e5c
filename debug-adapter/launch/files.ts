/**
 * Files as the debugger reaches them. Node's are in `node-files.ts`; a browser gives its own, so nothing else here
 * knows where files live.
 */
import type { BlockImage } from '../../emulator/types';

export interface Files {
  /** The whole file. Errors carry the path and the system's reason. */
  read(path: string): Promise<Uint8Array>;
  exists(path: string): Promise<boolean>;
  /** Names of what is in a folder; none if there is no such folder or it cannot be read. */
  list(folder: string): Promise<string[]>;
  /**
   * A disk image for one session, which is read whole. Its `flush` puts what the disk holds into the file as a whole (written
   * beside it, then renamed), so that it is never left half written. With `snapshot` the file stays as it is.
   */
  openDisk(path: string, snapshot: boolean): Promise<BlockImage>;
  /** Where boots are kept from session to session, if anywhere. */
  readonly boots?: BootStore;
  /** The built-in sample kernel, its disk image and its sources' folder. */
  readonly sample: { kernel: string; disk: string };
}

/** Keeps saved boots by name. It may forget any of them at any time, and what it cannot keep is lost without a word. */
export interface BootStore {
  read(name: string): Promise<Uint8Array | undefined>;
  write(name: string, bytes: Uint8Array): Promise<void>;
}
