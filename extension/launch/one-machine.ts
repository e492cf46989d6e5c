/**
 * Two machines never share a disk image: they would overwrite each other. Tells a start that would do so from the restart of a
 * session whose launch.json was edited, for which VS Code resolves the configuration while that session still runs. Knows no
 * VS Code.
 */
import { createHash } from 'node:crypto';

/** What is looked at in a launch configuration. `disk` and `kernel` are absolute. */
export interface Identity {
  name: string;
  kernel?: string;
  disk?: string;
  /** Fingerprint of what launch.json said. */
  __given?: string;
}

/** A fingerprint, and not the text: VS Code would replace the variables in it. With or without debugging is all the same. */
export function fingerprint(given: object): string {
  return createHash('sha256')
    .update(JSON.stringify({ ...given, noDebug: undefined }))
    .digest('hex');
}

/** Whether both run from the same disk image or, without any, the same kernel. */
export function sharesImage(one: Identity, other: Identity): boolean {
  return one.disk === undefined ? other.disk === undefined && one.kernel === other.kernel : one.disk === other.disk;
}

/** VS Code resolves again for a restart only if launch.json says something new of a session, which it knows by name. */
export function isRestartOf(running: Identity, config: Identity): boolean {
  return running.name === config.name && running.__given !== config.__given;
}
