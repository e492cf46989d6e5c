/**
 * Finds the source files. The compiler recorded the paths of the machine that built the kernel; this matches them with
 * existing files: by the launch configuration's `sourceMap`, then below the lab's folder and the kernel's, and then the
 * recorded paths themselves.
 */
import type { Files } from '../launch/files';

/** With / separators, no `.` or `..` parts, and a lower-case drive letter. */
export function normalize(path: string): string {
  const slashed = path.replaceAll('\\', '/').replace(/^[A-Z]:/, (drive) => drive.toLowerCase());
  const root = /^(?:[a-z]:)?\//.exec(slashed)?.[0] ?? '';
  const parts: string[] = [];
  for (const part of slashed.slice(root.length).split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') parts.pop();
    else if (part !== '..' || root === '') parts.push(part);
  }
  return root + parts.join('/');
}

export const isAbsolute = (path: string): boolean => /^(?:[A-Za-z]:)?[\\/]/.test(path);

/** `path` relative to `folder`, normalized. */
export function join(folder: string, path: string): string {
  return normalize(isAbsolute(path) ? path : `${folder}/${path}`);
}

export const parent = (path: string): string => join(path, '..');
export const baseName = (path: string): string => path.slice(path.replaceAll('\\', '/').lastIndexOf('/') + 1);

export class Sources {
  /** From recorded path to the file here. */
  private readonly located = new Map<string, string>();
  private readonly recordedPaths = new Map<string, string>();

  /** Recorded paths whose lookup has begun. */
  private readonly included = new Set<string>();
  private lookups: Promise<void> = Promise.resolve();

  private constructor(
    private readonly files: Files,
    private readonly sourceMap: Readonly<Record<string, string>>,
    private readonly folders: readonly string[],
  ) {}

  /** Looks up every recorded path once. `folders`: possible folders of the sources, most likely first. */
  static async find(
    files: Files,
    recorded: readonly string[],
    sourceMap: Readonly<Record<string, string>>,
    folders: readonly string[],
  ): Promise<Sources> {
    const sources = new Sources(files, sourceMap, folders);
    sources.include(recorded);
    await sources.settled();
    return sources;
  }

  /** Begins to look up the paths of another program; `settled` resolves when that is done. */
  include(recorded: readonly string[]): void {
    const fresh = recorded.filter((path) => !this.included.has(path));
    for (const path of fresh) this.included.add(path);
    if (fresh.length > 0) this.lookups = this.lookups.then(() => this.lookUp(fresh));
  }

  settled(): Promise<void> {
    return this.lookups;
  }

  private async lookUp(recorded: readonly string[]): Promise<void> {
    for (const path of recorded) {
      const here = await firstThatExists(this.files, candidates(normalize(path), this.sourceMap, this.folders));
      if (here === undefined) continue;
      this.located.set(path, here);
      if (!this.recordedPaths.has(here)) this.recordedPaths.set(here, path);
    }
  }

  /** The file here for a recorded path; undefined if it was not found. */
  here(recorded: string): string | undefined {
    return this.located.get(recorded);
  }

  /** The text of a file here. */
  read(here: string): Promise<Uint8Array> {
    return this.files.read(here);
  }

  /** The recorded path of a file here; its own path if no recorded path led to it. */
  recorded(here: string): string {
    const path = normalize(here);
    return this.recordedPaths.get(path) ?? path;
  }

  /**
   * Whether a file here may be a source of the program compiled from the files `all`: a file of another lab has the same
   * last parts in its path, but is elsewhere.
   */
  mayHold(here: string, all: readonly string[]): boolean {
    const path = normalize(here);
    return !isAbsolute(path) || all.includes(this.recorded(path)) || isBelow(this.folders, path);
  }
}

function* candidates(
  path: string,
  sourceMap: Readonly<Record<string, string>>,
  folders: readonly string[],
): Generator<string> {
  for (const [from, to] of Object.entries(sourceMap)) {
    const prefix = normalize(from);
    if (path === prefix || path.startsWith(prefix.endsWith('/') ? prefix : `${prefix}/`))
      yield join(to, `./${path.slice(prefix.length)}`);
  }
  if (isBelow(folders, path)) yield path;
  const parts = path.split('/').filter((part) => !/^(\.\.|[a-z]:)?$/.test(part));
  // The longest suffix first: kernel/proc.c is more specific than proc.c, which user/ may have as well. If the lab was copied
  // or opened through a link, this finds its own files, even if those of the original lab still exist.
  for (let from = 0; from + 2 <= parts.length; from++)
    for (const folder of folders) yield join(folder, parts.slice(from).join('/'));
  if (isAbsolute(path)) yield path;
  for (const name of parts.slice(-1)) for (const folder of folders) yield join(folder, name);
}

const isBelow = (folders: readonly string[], path: string): boolean =>
  folders.some((folder) => path.startsWith(`${folder}/`));

async function firstThatExists(files: Files, paths: Iterable<string>): Promise<string | undefined> {
  for (const path of paths) if (await files.exists(path)) return path;
  return undefined;
}
