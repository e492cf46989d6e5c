// An esbuild plugin that bundles of the icon font codicon only the icons that the webviews name: the font's outlines of all icons are a
// hundred kilobytes. Rests on the OpenType specification (1.9): table directory, 'cmap' format 12, 'head', 'loca', 'glyf', 'post'.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

const ICON = /\.codicon-([\w-]+):before \{ content: "\\([\da-f]+)" \}\n?/g;

/** Icons of the style sheet by name, with their code points. */
const iconsIn = (css) => new Map([...css.matchAll(ICON)].map(([, name, code]) => [name, Number.parseInt(code, 16)]));

/** Those that a source names, by class or as a word in quotes. */
export function iconsNamed(css, sources) {
  const text = sources.join('\n');
  return new Map(
    [...iconsIn(css)].filter(([name]) => new RegExp(`codicon-${name}\\b(?!-)|['"]${name}['"]`).test(text)),
  );
}

/** The style sheet without other icons. */
export const cssWith = (css, icons) => css.replace(ICON, (rule, name) => (icons.has(name) ? rule : ''));

/** The font without the outlines of other characters, which are then empty; and without the names of glyphs. */
export function fontWith(font, codePoints) {
  const tables = tablesOf(font);
  const { glyf, loca, head, cmap } = tables;
  const isLong = head.readInt16BE(50) === 1;
  const count = loca.length / (isLong ? 4 : 2) - 1;
  const start = (glyph) => (isLong ? loca.readUInt32BE(4 * glyph) : 2 * loca.readUInt16BE(2 * glyph));
  const kept = new Set([0, ...[...codePoints].map((code) => glyphOf(cmap, code))]);
  const offsets = Buffer.alloc(4 * (count + 1));
  const outlines = [];
  let length = 0;
  for (let glyph = 0; glyph < count; glyph++) {
    offsets.writeUInt32BE(length, 4 * glyph);
    if (!kept.has(glyph)) continue;
    const outline = padded(glyf.subarray(start(glyph), start(glyph + 1)));
    if (outline.length > 0 && outline.readInt16BE(0) < 0) throw new Error(`glyph ${glyph} is made of others`);
    outlines.push(outline);
    length += outline.length;
  }
  offsets.writeUInt32BE(length, 4 * count);
  const longHead = Buffer.from(head);
  longHead.writeInt16BE(1, 50);
  const post = Buffer.from(tables.post.subarray(0, 32));
  post.writeUInt32BE(0x0003_0000, 0);
  return fontOf(font, { ...tables, glyf: Buffer.concat(outlines), loca: offsets, head: longHead, post });
}

function tablesOf(font) {
  const tables = {};
  for (let i = 0; i < font.readUInt16BE(4); i++) {
    const at = 12 + 16 * i;
    const start = font.readUInt32BE(at + 8);
    tables[font.toString('latin1', at, at + 4)] = font.subarray(start, start + font.readUInt32BE(at + 12));
  }
  return tables;
}

/** The glyph of a character; throws an Error if the font has none, or no table that says so. */
export function glyphOf(cmap, code) {
  for (let i = 0; i < cmap.readUInt16BE(2); i++) {
    const table = cmap.subarray(cmap.readUInt32BE(4 + 8 * i + 4));
    if (table.readUInt16BE(0) !== 12) continue;
    for (let group = 0; group < table.readUInt32BE(12); group++) {
      const at = 16 + 12 * group;
      const first = table.readUInt32BE(at);
      if (code >= first && code <= table.readUInt32BE(at + 4)) return table.readUInt32BE(at + 8) + code - first;
    }
  }
  throw new Error(`the icon font has no glyph for U+${code.toString(16)}`);
}

const padded = (bytes) => Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);

/** A font of the tables, in the order and with the header of another one. */
function fontOf(font, tables) {
  const names = Object.keys(tables);
  const directory = Buffer.from(font.subarray(0, 12 + 16 * names.length));
  let length = directory.length;
  for (const [i, name] of names.entries()) {
    const at = 12 + 16 * i;
    if (name === 'head') tables.head.writeUInt32BE(0, 8);
    directory.writeUInt32BE(checksum(tables[name]), at + 4);
    directory.writeUInt32BE(length, at + 8);
    directory.writeUInt32BE(tables[name].length, at + 12);
    length += padded(tables[name]).length;
  }
  const whole = () => Buffer.concat([directory, ...names.map((name) => padded(tables[name]))]);
  tables.head.writeUInt32BE((0xb1b0_afba - checksum(whole())) >>> 0, 8);
  return whole();
}

function checksum(bytes) {
  const words = padded(bytes);
  let sum = 0;
  for (let at = 0; at < words.length; at += 4) sum = (sum + words.readUInt32BE(at)) >>> 0;
  return sum;
}

async function sourcesOf(folder) {
  const names = (await readdir(folder, { recursive: true })).filter((name) => /(?<!\.spec)\.ts$/.test(name));
  return Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
}

/** `folder`: of the sources that name icons. */
export const codiconPlugin = (folder) => ({
  name: 'codicon',
  setup({ onLoad }) {
    const iconsFor = async (css) => iconsNamed(css, await sourcesOf(folder));
    onLoad({ filter: /[\\/]codicons[\\/]dist[\\/]codicon\.css$/ }, async ({ path }) => {
      const css = await readFile(path, 'utf8');
      return { contents: cssWith(css, await iconsFor(css)), loader: 'css' };
    });
    onLoad({ filter: /[\\/]codicons[\\/]dist[\\/]codicon\.ttf$/ }, async ({ path }) => {
      const css = await readFile(path.replace(/ttf$/, 'css'), 'utf8');
      return { contents: fontWith(await readFile(path), (await iconsFor(css)).values()), loader: 'file' };
    });
  },
});
