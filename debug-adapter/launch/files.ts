/**
 * The debugger's interface to files. `node-files.ts` implements it with Node; a browser would have its own, so nothing else
 * knows where files are.
 */
import type { BlockImage } from '../../emulator/types';

export interface OpenDisk extends BlockImage {
  /** Gives up the file and its lock. */
  close(): void;
}

export interface Files {
  /** Reads a whole file. Errors contain the path and the system's reason. */
  read(path: string): Promise<Uint8Array>;
  exists(path: string): Promise<boolean>;
  /** The names in a folder; none if it does not exist or cannot be read. */
  list(folder: string): Promise<string[]>;
  /**
   * Opens a disk image for one run, which no other machine may write to until it is closed. With `snapshot` the file does
   * not change. Errors say what to do; `tell` receives what else the user should know, also later.
   */
  openDisk(path: string, snapshot: boolean, tell: (problem: string) => void): Promise<OpenDisk>;
  /** The path of OpenSBI, QEMU's default firmware, if it may be here. Throws an Error that says what to do if it is not. */
  defaultFirmware?(): string;
  /** Keeps saved boots from session to session, if anything does. */
  readonly boots?: BootStore;
  /** The built-in sample kernel, its disk image and its sources' folder. */
  readonly sample: { kernel: string; disk: string };
}

/** What to do where a file of the built-in sample cannot be used. */
export const SAMPLE_ADVICE = 'It belongs to the built-in sample: install xv6 Debug again.';

/** Keeps saved boots by name. It may lose any of them at any time, without an error. */
export interface BootStore {
  read(name: string): Promise<Uint8Array | undefined>;
  write(name: string, bytes: Uint8Array): Promise<void>;
}
