/**
 * Two machines must not share a disk image: they would overwrite each other's writes. Distinguishes a start that would do so
 * from the restart of a session whose launch.json was edited: for that, VS Code resolves the configuration while the session
 * still runs. Does not use VS Code.
 */
import { createHash } from 'node:crypto';

/** The parts of a launch configuration that matter here. `disk` and `kernel` are absolute. */
export interface Identity {
  name: string;
  kernel?: string;
  disk?: string;
  /** Its machine has an image of its own, in memory. */
  recording?: string;
  /** Fingerprint of the configuration in launch.json. */
  __given?: string;
}

/** A fingerprint rather than the text, in which VS Code would replace the variables. Ignores `noDebug`. */
export function fingerprint(given: object): string {
  return createHash('sha256')
    .update(JSON.stringify({ ...given, noDebug: undefined }))
    .digest('hex');
}

/** Whether both run from the same disk image or, if neither has one, the same kernel. */
export function sharesImage(one: Identity, other: Identity): boolean {
  if (one.recording !== undefined || other.recording !== undefined) return false;
  return one.disk === undefined ? other.disk === undefined && one.kernel === other.kernel : one.disk === other.disk;
}

/** On a restart VS Code resolves the configuration again only if its entry in launch.json, found by name, has changed. */
export function isRestartOf(running: Identity, config: Identity): boolean {
  return running.name === config.name && running.__given !== config.__given;
}
