/**
 * Where the source files are. The compiler recorded paths as they were on the machine that built the kernel; here they
 * are matched with files that exist: by the launch configuration's `sourceMap`, below the lab's folder and the kernel's,
 * and then as they stand.
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

/** `path` as seen from `folder`, normalized. */
export function join(folder: string, path: string): string {
  return normalize(isAbsolute(path) ? path : `${folder}/${path}`);
}

export const parent = (path: string): string => join(path, '..');
export const baseName = (path: string): string => path.slice(path.replaceAll('\\', '/').lastIndexOf('/') + 1);

export class Sources {
  /** From recorded path to the file here. */
  private readonly located = new Map<string, string>();
  private readonly recordedPaths = new Map<string, string>();

  /** Recorded paths that are being looked for, or have been. */
  private readonly asked = new Set<string>();
  private lookups: Promise<void> = Promise.resolve();

  private constructor(
    private readonly files: Files,
    private readonly sourceMap: Readonly<Record<string, string>>,
    private readonly folders: readonly string[],
  ) {}

  /** Looks up every recorded path once. `folders`: where labs' sources may lie, most likely first. */
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

  /** Begins to look for the paths of another program. They are here once `settled` has come. */
  include(recorded: readonly string[]): void {
    const fresh = recorded.filter((path) => !this.asked.has(path));
    for (const path of fresh) this.asked.add(path);
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

  /** The recorded path of a file here. A file that was not found by its record is looked for by its own path. */
  recorded(here: string): string {
    const path = normalize(here);
    return this.recordedPaths.get(path) ?? path;
  }

  /**
   * Whether a file here may be the program's, which was compiled from the files `all`: one of another lab has the same
   * last parts, but lies elsewhere.
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
  // The longest suffix first: kernel/proc.c says more than proc.c, which user/ may have as well. A lab that was copied,
  // or opened through a link, is meant and not the one it was built in, though that may still be there.
  for (let from = 0; from + 2 <= parts.length; from++) {
    for (const folder of folders) yield join(folder, parts.slice(from).join('/'));
  }
  if (isAbsolute(path)) yield path;
  for (const name of parts.slice(-1)) for (const folder of folders) yield join(folder, name);
}

const isBelow = (folders: readonly string[], path: string): boolean =>
  folders.some((folder) => path.startsWith(`${folder}/`));

async function firstThatExists(files: Files, paths: Iterable<string>): Promise<string | undefined> {
  for (const path of paths) if (await files.exists(path)) return path;
  return undefined;
}
