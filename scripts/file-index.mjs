// The last section of docs/architecture.md: every source file, with the first sentence of its first comment.
//   node scripts/file-index.mjs     writes it anew
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { root } from './run.mjs';

const MAP = join(root, 'docs', 'architecture.md');
const HEADING = '## Every file\n';
const ROOMS = ['emulator', 'debug-adapter', 'gdb-stub', 'extension', 'webviews', 'host', 'cli'];

/** The first sentence, without where it is specified. */
function subject(text) {
  const comment = /^(?:#!.*\n)?\/\*\*(.*?)\*\//s.exec(text)?.[1] ?? '';
  const words = comment.replace(/\s*\n\s*\*?\s*/g, ' ').trim();
  const [sentence] = words.split(/(?<=\.) (?=[^a-z])/);
  return sentence.replace(/ \([^()]*(specification|ISO C11|psABI|manual|System V ABI)[^()]*\)/g, '');
}

async function filesIn(folder) {
  const entries = await readdir(join(root, folder), { withFileTypes: true });
  const names = entries.map(({ name }) => name).filter((name) => name.endsWith('.ts') && !name.endsWith('.spec.ts'));
  const own = await Promise.all(
    names.sort().map(async (name) => `- \`${name}\`: ${subject(await readFile(join(root, folder, name), 'utf8'))}`),
  );
  const folders = entries.filter((entry) => entry.isDirectory() && entry.name !== 'testing').map(({ name }) => name);
  const within = await Promise.all(folders.sort().map((name) => filesIn(`${folder}/${name}`)));
  return [...(own.length > 0 ? [`### ${folder}/\n\n${own.join('\n')}\n`] : []), ...within.flat()];
}

/** The map as it is, and as it should be. */
export async function map() {
  const now = await readFile(MAP, 'utf8');
  const [before] = now.split(HEADING);
  const sections = (await Promise.all(ROOMS.map((room) => filesIn(room)))).flat();
  const intro =
    'Made by `node scripts/file-index.mjs` from the first comment of each file; tests and their tools are left out.\n';
  const wanted = [before.trimEnd() + '\n', HEADING, intro, ...sections].join('\n');
  return { now, wanted: await format(wanted, { ...(await resolveConfig(MAP)), filepath: MAP }) };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) void map().then(({ wanted }) => writeFile(MAP, wanted));
