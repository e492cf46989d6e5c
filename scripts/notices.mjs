// The licence notices of the packages whose code or other files esbuild has put into the bundles: as the bundles themselves say,
// so that a new dependency brings its notice along. The build writes them to dist/ThirdPartyNotices.txt.
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Stop } from './run.mjs';

const HEADING = `xv6 Debug contains code and other files of these packages:`;
const RULE = '-'.repeat(80);

/**
 * @param {{ inputs: object }[]} metafiles of esbuild's bundles
 * @param {string} from the folder that their paths start in
 */
export async function thirdPartyNotices(metafiles, from) {
  const inputs = metafiles.flatMap(({ inputs }) => Object.keys(inputs));
  const folders = [...new Set(inputs.flatMap((input) => packageFolder(join(from, input)) ?? []))].sort();
  const packages = await Promise.all(folders.map(noticeOf));
  const names = packages.map(({ name, version, license }) => `- ${name} ${version} (${license})`);
  const texts = packages.map(({ name, version, texts }) => `${RULE}\n${name} ${version}\n\n${texts.join('\n\n')}`);
  return `${[HEADING, names.join('\n'), ...texts].join('\n\n')}\n`;
}

/** The folder of the package that a file belongs to; undefined for our own files. */
const packageFolder = (file) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file.replaceAll('\\', '/'))?.[0];

async function noticeOf(folder) {
  const { name, version, license } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
  const files = (await readdir(folder)).filter((file) =>
    /^(licen[cs]e|copying|notice|third-?party-?notices)/i.test(file),
  );
  if (files.length === 0)
    throw new Stop(`${name} in ${dirname(folder)} goes into a bundle and has no file with its licence`);
  const texts = await Promise.all(files.sort().map((file) => readFile(join(folder, file), 'utf8')));
  return { name, version, license, texts: texts.map((text) => text.replaceAll('\r\n', '\n').trim()) };
}
