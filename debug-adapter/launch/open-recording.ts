/** Opens a recording as what a launch boots otherwise: its machine, and its files (recorded-files.ts). */
import { decodeRun, RecordingError, type RecordedFile, type RecordedRun } from '../../emulator/history/recorded-run';
import { hashOf } from '../../emulator/history/recording';
import { SavedState } from '../../emulator/history/saved-state';
import type { State } from '../../emulator/types';
import { UserError, wordsOf } from '../dap/errors';
import type { Settings } from './attributes';
import type { Files } from './files';
import { RecordedFiles } from './recorded-files';

export interface OpenedRecording {
  readonly run: RecordedRun;
  /** The hart that the user looked at; undefined where there was none. */
  readonly hart: number | undefined;
  readonly files: RecordedFiles;
  /** Those of the launch, with the recorded machine. */
  readonly settings: Settings;
}

/** What a recording of a session has beside the run. */
interface SessionNotes {
  /** The hart that the user looks at. */
  readonly hart: number;
  /** Of the text of each source, by its relative path, whether that is in the recording or not. */
  readonly hashes: ReadonlyMap<string, string>;
}

/** With the hart that the user looks at, and the sources that were found. */
export const savedNotes = (hart: number, sources: readonly RecordedFile[]): State => ({
  hart,
  sources: sources.map(({ name, bytes }) => ({ name, hash: hashOf(bytes) })),
});

/** Throws an Error that names the field if the notes are not such. Recordings of the command line have none. */
function notesIn({ notes, options }: RecordedRun): Partial<SessionNotes> {
  if (notes === null) return {};
  const saved = new SavedState('notes', notes);
  const hashes = saved.records('sources').map((one) => [one.text('name') ?? '', one.text('hash') ?? ''] as const);
  return { hart: saved.index('hart', options.harts), hashes: new Map(hashes) };
}

/** `folders`: where the user has sources. Throws a UserError if it cannot be read, is damaged, or of another version. */
export async function openRecording(
  path: string,
  settings: Settings,
  files: Files,
  folders: readonly string[],
): Promise<OpenedRecording> {
  let bytes: Uint8Array;
  try {
    bytes = await files.read(path);
  } catch (error) {
    throw new UserError(`${wordsOf(error)} Correct "recording" in launch.json.`);
  }
  try {
    const run = await decodeRun(bytes);
    const { hart, hashes = new Map<string, string>() } = notesIn(run);
    const recorded = new RecordedFiles(run, hashes, files, folders);
    const { harts, memory, legacyVirtio, diskSlot = 0 } = run.options;
    const machine = { harts, memory, legacyVirtio, diskSlot, kernel: recorded.kernel, disk: recorded.disk };
    // The recording has what came from the network, and needs none.
    const ways = { snapshot: false, stopOnEntry: false, warmStart: false, network: undefined };
    return { run, hart, files: recorded, settings: { ...settings, ...machine, ...ways } };
  } catch (error) {
    const words = wordsOf(error);
    throw new UserError(`${path} ${error instanceof RecordingError ? words : `is damaged: ${words}`}.`);
  }
}

/** What the user is to know of the sources; undefined if all of them are here as they were compiled. */
export function sourceProblem({ files }: OpenedRecording, missing: readonly string[]): string | undefined {
  const { differing } = files;
  const sentences: string[] = [];
  if (missing.length > 0) {
    sentences.push(
      `${listed(missing)}: neither in the folder that is open nor in the recording, so the instructions are shown instead. ` +
        'Open the folder of the lab, or ask for a recording with sources.',
    );
  }
  if (differing.length > 0) {
    sentences.push(
      `${listed(differing)}: other text here than where the recording was made, so lines may not be what ran.`,
    );
  }
  return sentences.length === 0 ? undefined : sentences.join(' ');
}

/** Names are said in full up to so many. */
const SAID = 4;

const listed = (names: readonly string[]): string =>
  names.length <= SAID + 1
    ? names.join(', ')
    : `${names.slice(0, SAID).join(', ')} and ${names.length - SAID} other sources`;
