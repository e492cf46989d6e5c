/** The `Files` of launch/files.ts on Node: for the adapter as a program, and for tests. */
import { randomBytes } from 'node:crypto';
import { accessSync, constants, realpathSync, renameSync, rmSync, statSync, writeFileSync, type Stats } from 'node:fs';
import { access, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { BootStore, Files, SessionDisk } from './launch/files';

const SECTOR = 512;

function reason(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EACCES' || code === 'EPERM') return 'permission denied';
  if (code === 'EISDIR') return 'it is a folder';
  return error instanceof Error ? error.message : String(error);
}

async function read(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new Error(`${path} cannot be read: ${reason(error)}.`);
  }
}

/** Root may write anything, so the mode bits are asked as well: a read-only image is meant to stay as it is. */
function writable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    accessSync(dirname(path), constants.W_OK);
    return (statSync(path).mode & 0o222) !== 0;
  } catch {
    return false;
  }
}

const sameFile = (a: Stats, b: Stats): boolean => a.ino === b.ino && a.size === b.size && a.mtimeMs === b.mtimeMs;

/** The file is no longer the one that this session has read or saved. */
class LostImage extends Error {}

/** See `Files.openDisk`. */
class ImageInMemory implements SessionDisk {
  readonly readOnly = false;
  readonly sectors: number;
  private readonly path: string;
  private readonly bytes: Uint8Array;
  /** The file as this session last saw it: one that has changed since is someone else's, and is left alone. */
  private seen: Stats;
  private dirty = false;

  constructor(path: string, bytes: Uint8Array) {
    this.path = path;
    this.bytes = bytes;
    this.seen = statSync(path);
    this.sectors = bytes.length / SECTOR;
  }

  read(sector: number, into: Uint8Array): void {
    into.set(this.bytes.subarray(...this.range(sector, into.length)));
  }

  write(sector: number, from: Uint8Array): void {
    const [start] = this.range(sector, from.length);
    this.bytes.set(from, start);
    this.dirty = true;
  }

  /** Throws for as long as there is something to save and it cannot be. */
  flush(): void {
    if (!this.dirty) return;
    const { mode } = this.unchanged();
    const beside = join(dirname(this.path), `.${basename(this.path)}.${randomBytes(6).toString('hex')}`);
    try {
      writeFileSync(beside, this.bytes, { mode });
      // A large image takes a while to write: a build may have begun meanwhile.
      this.unchanged();
      renameSync(beside, this.path);
    } catch (error) {
      rmSync(beside, { force: true });
      if (error instanceof LostImage) throw error;
      throw new Error(`${this.path} cannot be saved: ${reason(error)}.`);
    }
    this.seen = statSync(this.path);
    this.dirty = false;
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.flush();
      resolve();
    });
  }

  /** The file, if it is still as this session last saw it. */
  private unchanged(): Stats {
    const now = statSync(this.path, { throwIfNoEntry: false });
    if (now && sameFile(now, this.seen)) return now;
    throw new LostImage(
      `${this.path} was ${now ? 'rebuilt' : 'removed'} while the kernel ran on it; what the kernel wrote since is not saved.`,
    );
  }

  private range(sector: number, length: number): [number, number] {
    const start = sector * SECTOR;
    if (start + length > this.bytes.length) throw new RangeError(`sector ${sector} is beyond the disk`);
    return [start, start + length];
  }
}

async function openDisk(path: string): Promise<SessionDisk> {
  const bytes = await read(path);
  if (bytes.length === 0 || bytes.length % SECTOR !== 0) {
    throw new Error(
      `The disk image ${path} has ${bytes.length} bytes, which is not a multiple of ${SECTOR}: it is no whole disk image. Build it again (make fs.img).`,
    );
  }
  const real = realpathSync(path);
  if (!writable(real)) {
    throw new Error(
      `The disk image ${path} is read-only. The kernel writes to its disk as it boots: make the file and its folder writable (chmod u+w).`,
    );
  }
  return new ImageInMemory(real, new Uint8Array(bytes));
}

/** Saved boots that are kept, the latest ones; each takes one or a few MiB. */
const MOST_BOOTS = 8;

/** A folder of saved boots where the system wants caches. */
const boots: BootStore = {
  read: (name) => readFile(join(bootFolder(), name)).catch(() => undefined),
  async write(name, bytes) {
    const folder = bootFolder();
    const beside = join(folder, `${name}.${randomBytes(6).toString('hex')}`);
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await writeFile(beside, bytes, { mode: 0o600 });
      await rename(beside, join(folder, name));
      const kept = (await readdir(folder)).map((file) => join(folder, file));
      const latest = kept.map((file) => ({ file, at: statSync(file).mtimeMs })).sort((a, b) => b.at - a.at);
      for (const { file } of latest.slice(MOST_BOOTS)) await rm(file, { force: true });
    } catch {
      await rm(beside, { force: true }).catch(() => undefined);
    }
  },
};

function bootFolder(): string {
  const { XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
  return join(XDG_CACHE_HOME || LOCALAPPDATA || join(homedir(), '.cache'), 'xv6-debug', 'boots');
}

/** Built as dist/xv6-debug-adapter.js, or run from debug-adapter/: the sample lies beside either folder. */
const sample = join(__dirname, '..', 'sample');

export const nodeFiles: Files = {
  read,
  exists: (path) =>
    access(path).then(
      () => true,
      () => false,
    ),
  list: (folder) => readdir(folder).catch(() => []),
  openDisk,
  boots,
  sample: { kernel: join(sample, 'prebuilt', 'kernel'), disk: join(sample, 'prebuilt', 'fs.img') },
};
