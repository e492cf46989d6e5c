/** Finds the .dwo and .dwp files of a program that was built with -gsplit-dwarf. */
import type { OpenedBinary } from '../symbols/binary';
import type { Files } from '../launch/files';

/** More sources than any kernel has. */
const MOST_FILES = 10_000;

/** Whether a program may have split debug information, by a look at its bytes or at what lies beside it. */
export const maybeSplit = (bytes: Uint8Array, beside: readonly string[]): boolean =>
  beside.some((name) => /\.dw[op]$/.test(name)) || new TextDecoder('latin1').decode(bytes).includes('.dwo');

/** Reads what can be found of a program's split debug information; what is missing, the program itself says later. */
export async function readSplitFiles(files: Files, binary: OpenedBinary): Promise<void> {
  if (binary.splitFiles.length === 0) return;
  const read = async (candidates: readonly string[]): Promise<void> => {
    for (const path of candidates) {
      if (!(await files.exists(path))) continue;
      binary.attachSplit(path, await files.read(path).catch(() => undefined));
      return;
    }
    binary.attachSplit(candidates[0]!, undefined);
  };
  await read([`${binary.path}.dwp`, binary.path.replace(/\.[^./]*$/, '.dwp')]);
  const folder = binary.path.slice(0, binary.path.lastIndexOf('/') + 1);
  const seen = new Set<string>();
  for (const { name, directory } of binary.splitFiles.slice(0, MOST_FILES)) {
    const base = name.slice(name.lastIndexOf('/') + 1);
    const built = name.startsWith('/') ? name : `${directory}/${name}`;
    // The build may have been moved since.
    const candidates = [built, `${folder}${name}`, `${folder}../${name}`, `${folder}${base}`];
    if (seen.has(built)) continue;
    seen.add(built);
    await read(candidates);
  }
}
