/** The `Files` of launch/files.ts on Node: for the adapter as a program, and for tests. */
import { randomBytes } from 'node:crypto';
import { accessSync, constants, realpathSync, renameSync, rmSync, statSync, writeFileSync, type Stats } from 'node:fs';
import { access, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { SECTOR_SIZE, imageOf } from '../emulator/devices/disk';
import type { BlockImage, GuestDisk } from '../emulator/types';
import type { BootStore, Files } from './launch/files';

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

/** Also checks the mode bits, since root may write anything: a read-only image should stay as it is. */
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

/** The file has been replaced or changed since this session read or saved it. */
class LostImage extends Error {}

/** The file of a disk image, to which only this session may save. */
class ImageFile {
  private readonly path: string;
  /** The file as this session last saw it. If it has changed since, someone else wrote it, and it is not overwritten. */
  private seen: Stats;

  constructor(path: string) {
    this.path = path;
    this.seen = statSync(path);
  }

  /** See `Files.openDisk`. */
  save(now: GuestDisk): void {
    if (!now.changed) return;
    const bytes = new Uint8Array(now.sectors * SECTOR_SIZE);
    now.read(0, bytes);
    const { mode } = this.unchanged();
    const beside = join(dirname(this.path), `.${basename(this.path)}.${randomBytes(6).toString('hex')}`);
    try {
      writeFileSync(beside, bytes, { mode });
      // Writing a large image takes a while, and a build may have begun in the meantime.
      this.unchanged();
      renameSync(beside, this.path);
    } catch (error) {
      rmSync(beside, { force: true });
      if (error instanceof LostImage) throw error;
      throw new Error(`${this.path} cannot be saved: ${reason(error)}.`);
    }
    this.seen = statSync(this.path);
  }

  /** The file, if it is still as this session last saw it. */
  private unchanged(): Stats {
    const now = statSync(this.path, { throwIfNoEntry: false });
    if (now && sameFile(now, this.seen)) return now;
    throw new LostImage(
      `${this.path} was ${now ? 'rebuilt' : 'removed'} while the kernel ran on it; what the kernel wrote since is not saved.`,
    );
  }
}

async function openDisk(path: string, snapshot: boolean): Promise<BlockImage> {
  const bytes = await read(path);
  if (bytes.length === 0 || bytes.length % SECTOR_SIZE !== 0) {
    throw new Error(
      `The disk image ${path} has ${bytes.length} bytes, which is not a multiple of ${SECTOR_SIZE}: it is no whole disk image. Build it again (make fs.img).`,
    );
  }
  const image = imageOf(bytes);
  if (snapshot) return image;
  const real = realpathSync(path);
  if (!writable(real)) {
    throw new Error(
      `The disk image ${path} is read-only. The kernel writes to its disk as it boots: make the file and its folder writable (chmod u+w).`,
    );
  }
  const file = new ImageFile(real);
  return { ...image, flush: (now) => file.save(now) };
}

/** The number of saved boots to keep; each takes one or a few MiB. */
const MOST_BOOTS = 8;

/** A folder of saved boots in the system's place for caches. */
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

/** The sample is beside dist/, where the bundle runs, and beside debug-adapter/, where tests run it. */
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
