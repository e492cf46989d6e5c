/**
 * A recorded run as a lab: its kernel, disk, programs and sources as files in a folder that exists nowhere. A source is taken from
 * the workspace where that has the same one, else from the recording, if it is in there. A recording may come from anybody: what it
 * names is looked up in its own folder and in those that the user has opened, and nowhere else.
 */
import { hashOf } from '../../emulator/history/recording';
import type { RecordedRun } from '../../emulator/history/recorded-run';
import type { Files, OpenDisk } from './files';

/** The folder of a recording's files; no path of a real file is relative. */
const FOLDER = 'recording';
const KERNEL = `${FOLDER}/kernel/kernel`;
const DISK = `${FOLDER}/fs.img`;

export class RecordedFiles implements Files {
  readonly kernel = KERNEL;
  readonly disk: string | undefined;
  /** There is no sample in here. */
  readonly sample = { kernel: KERNEL, disk: DISK };
  private readonly contents = new Map<string, Uint8Array>();
  private readonly other = new Set<string>();

  /** `hashes`: of the sources, by relative path. `folders`: those of the user's in which sources may be. */
  constructor(
    private readonly run: RecordedRun,
    private readonly hashes: ReadonlyMap<string, string>,
    private readonly real: Files,
    private readonly folders: readonly string[],
  ) {
    this.disk = run.options.disk && DISK;
    for (const { name, bytes } of run.files) this.contents.set(`${FOLDER}/${name}`, bytes);
    this.contents.set(KERNEL, run.options.kernel);
  }

  /** Sources that the workspace has otherwise, and the recording has not, by their relative paths. */
  get differing(): string[] {
    return [...this.other].sort();
  }

  /** Whether a path is that of a file in the recording. */
  has(path: string): boolean {
    return this.contents.has(path);
  }

  read(path: string): Promise<Uint8Array> {
    const content = this.contents.get(path);
    if (content !== undefined) return Promise.resolve(content);
    if (this.nameOf(path) !== undefined) return this.real.read(path);
    return Promise.reject(new Error(`The recording has no file ${path}.`));
  }

  async exists(path: string): Promise<boolean> {
    if (this.has(path)) return true;
    const name = this.nameOf(path);
    if (name === undefined || !(await this.real.exists(path))) return false;
    const recorded = this.recordedName(name);
    if (recorded === undefined) return true;
    const bytes = await this.real.read(path).catch(() => undefined);
    if (bytes !== undefined && hashOf(bytes) === this.hashes.get(recorded)) return true;
    if (this.has(`${FOLDER}/${recorded}`)) return false;
    this.other.add(name);
    return true;
  }

  /** The name that the recording has for a source: the lab may lie deeper in the user's folder. */
  private recordedName(name: string): string | undefined {
    const parts = name.split('/');
    return parts.map((_, from) => parts.slice(from).join('/')).find((suffix) => this.hashes.has(suffix));
  }

  list(folder: string): Promise<string[]> {
    const names = [...this.contents.keys()].filter((path) => path.startsWith(`${folder}/`));
    return Promise.resolve(names.map((path) => path.slice(folder.length + 1)).filter((name) => !name.includes('/')));
  }

  /** The machine keeps what the guest writes; no file of the host's has a part in it. */
  openDisk(): Promise<OpenDisk> {
    const { disk } = this.run.options;
    return disk ? Promise.resolve({ ...disk, close: () => undefined }) : Promise.reject(new Error('It has no disk.'));
  }

  /** The path of a file in the user's folders, from there. */
  private nameOf(path: string): string | undefined {
    const folder = this.folders.find((one) => path.startsWith(`${one}/`));
    return folder === undefined || path.split('/').includes('..') ? undefined : path.slice(folder.length + 1);
  }
}
