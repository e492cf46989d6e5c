/** Our own request `xv6.record`: the run so far as one file, to be opened elsewhere, or for `xv6-emu --replay`. */
import { encodeRun, RecordingError, type RecordedFile, type RecordedRun } from '../../../emulator/history/recorded-run';
import { baseName, parent } from '../../code/sources';
import { UserError } from '../../dap/errors';
import type { Debuggee } from '../../launch/debuggee';
import { savedNotes } from '../../launch/open-recording';
import type { Requests } from '../../protocol';
import type { Past } from '../../run-control/past/past';
import { guestPart } from '../../run-control/run-state';
import { requireStopped, type SessionContext } from '../context';

/** Checkpoints beside that where the machine stands: each makes the file larger, and ways into the past shorter. */
const CHECKPOINTS = 3;

export async function record(
  context: SessionContext,
  { sources = false }: Requests['xv6.record']['arguments'],
): Promise<Requests['xv6.record']['response']> {
  const { debuggee, past, stopped } = requireStopped(context);
  const { machine } = debuggee;
  const { timeline } = past;
  const { instant, options, inputs } = machine;
  const found = await sourcesOf(debuggee);
  const programs = debuggee.programs.all.map(({ path, bytes }) => ({ name: `user/${baseName(path)}`, bytes }));
  const run: RecordedRun = {
    options,
    inputs: inputs.through(timeline.present.inputs),
    end: timeline.present,
    hash: past.isPast ? undefined : machine.stateHash(),
    at: instant,
    ...bookmarksOf(past),
    checkpoints: timeline.selected(CHECKPOINTS).map((kept) => ({ ...kept, learned: guestPart(kept.learned) })),
    files: [...programs, ...(sources ? found : [])],
    notes: savedNotes(stopped.report.hart, found),
  };
  return { base64: base64([await encoded(run)]) };
}

function bookmarksOf({ bookmarks, timeline }: Past): Pick<RecordedRun, 'bookmarks' | 'futures'> {
  const ids = [...new Set(bookmarks.list.flatMap(({ future }) => future ?? []))];
  return {
    bookmarks: bookmarks.list.map(({ name, instant, future, isEnd }) => ({
      ...{ name, instant, isEnd, future: future === undefined ? undefined : ids.indexOf(future) },
    })),
    futures: ids.map((id) => timeline.futures.get(id)!),
  };
}

/** Without the checkpoints, if they are too large. */
async function encoded(run: RecordedRun): Promise<Uint8Array> {
  try {
    return await encodeRun(run);
  } catch (error) {
    if (!(error instanceof RecordingError)) throw error;
  }
  try {
    return await encodeRun({ ...run, checkpoints: [] });
  } catch (error) {
    throw error instanceof RecordingError ? new UserError(`The recording ${error.message}.`) : error;
  }
}

/** Those that were found in the lab, by their paths there. */
async function sourcesOf(debuggee: Debuggee): Promise<RecordedFile[]> {
  const { sources, programs, image, settings } = debuggee;
  const binaries = [image, ...programs.all.flatMap((program) => program.image ?? [])].map(({ binary }) => binary);
  await sources.settled();
  const lab = parent(parent(image.binary.path));
  const files = new Map<string, RecordedFile>();
  for (const path of new Set(binaries.flatMap((binary) => binary.files))) {
    const here = sources.here(path);
    const folder = [lab, settings.cwd].find((one) => here?.startsWith(`${one}/`));
    if (here === undefined || folder === undefined) continue;
    const name = here.slice(folder.length + 1);
    const bytes = await sources.read(here).catch(() => undefined);
    if (bytes !== undefined) files.set(name, { name, bytes });
  }
  return [...files.values()];
}

/** Of the bytes of all parts. */
export function base64(parts: readonly Uint8Array[]): string {
  const pieces: string[] = [];
  for (const bytes of parts) {
    for (let at = 0; at < bytes.length; at += PIECE)
      pieces.push(String.fromCharCode(...bytes.subarray(at, at + PIECE)));
  }
  return btoa(pieces.join(''));
}

/** Bytes that are made to characters at once. */
const PIECE = 8192;
