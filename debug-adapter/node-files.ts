/** The `Files` of launch/files.ts on Node: for the adapter as a program, and for tests. */
import { randomBytes } from 'node:crypto';
import { access, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FileDisk } from '../host/file-disk';
import { findFirmware } from '../host/firmware';
import { FileError, type FileProblem } from '../host/file-error';
import { cacheFolder, isPrivateFolder, keepNewest, makePrivateFolder } from '../host/private-folder';
import { readRegularLater } from '../host/regular-file';
import { SAMPLE_ADVICE, type BootStore, type Files, type OpenDisk } from './launch/files';

const BUILD_IT = 'Build it first (make fs.img), or correct "disk" in launch.json.';
const DISK_ADVICE: Readonly<Partial<Record<FileProblem, string>>> = {
  missing: BUILD_IT,
  irregular: BUILD_IT,
  'no disk': BUILD_IT,
  forbidden:
    'The kernel writes to its disk as it boots: make the file writable (chmod u+w), or set "snapshot" to true in launch.json.',
  'in use':
    'Two machines that write to one disk would spoil it: end that one, or set "snapshot" to true in launch.json.',
};

/** It is used as a snapshot, so nobody else can be in the way. */
const SAMPLE_DISK_ADVICE: typeof DISK_ADVICE = {
  missing: SAMPLE_ADVICE,
  irregular: SAMPLE_ADVICE,
  'no disk': SAMPLE_ADVICE,
};

async function openDisk(
  path: string,
  snapshot: boolean,
  tell: (problem: string) => void,
  advice: typeof DISK_ADVICE,
): Promise<OpenDisk> {
  try {
    // A file on a machine that does not respond is waited for here, and not by the whole process.
    await stat(path).catch(() => undefined);
    const disk = new FileDisk(path, { snapshot, tell });
    await disk.ready();
    return disk;
  } catch (error) {
    const problem = FileError.from(path, error);
    throw new Error(`The disk image ${problem.message} ${advice[problem.problem] ?? ''}`.trimEnd());
  }
}

/** The number of saved boots to keep; each takes one or a few MiB. */
const MOST_BOOTS = 8;

/** A folder of saved boots in the system's place for caches. It is used only if no other user can have put anything there. */
const boots: BootStore = {
  async read(name) {
    const folder = cacheFolder('boots');
    return folder !== undefined && isPrivateFolder(folder)
      ? readRegularLater(join(folder, name)).catch(() => undefined)
      : undefined;
  },
  async write(name, bytes) {
    const folder = cacheFolder('boots');
    if (folder === undefined) return;
    const beside = join(folder, `${name}.${randomBytes(6).toString('hex')}`);
    try {
      makePrivateFolder(folder);
      if (!isPrivateFolder(folder)) return;
      await writeFile(beside, bytes, { mode: 0o600, flag: 'wx' });
      await rename(beside, join(folder, name));
      keepNewest(folder, MOST_BOOTS);
    } catch {
      await rm(beside, { force: true }).catch(() => undefined);
    }
  },
};

/** With the sample in a folder. */
export function filesWith(sample: string): Files {
  const disk = join(sample, 'prebuilt', 'fs.img');
  return {
    read: (path) => readRegularLater(path),
    exists: (path) =>
      access(path).then(
        () => true,
        () => false,
      ),
    list: (folder) => readdir(folder).catch(() => []),
    openDisk: (path, snapshot, tell) =>
      openDisk(path, snapshot, tell, path === disk ? SAMPLE_DISK_ADVICE : DISK_ADVICE),
    defaultFirmware: () => findFirmware('default'),
    boots,
    sample: { kernel: join(sample, 'prebuilt', 'kernel'), disk },
  };
}

/** The sample is beside dist/, where the bundle runs, and beside debug-adapter/, where tests run it. */
export const nodeFiles = filesWith(join(__dirname, '..', 'sample'));
