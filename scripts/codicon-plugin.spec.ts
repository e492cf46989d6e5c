/** Of the icon font, the package has the icons that the webviews name, drawn as in the whole font, and no others. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'mocha';
import { cssWith, fontWith, glyphOf, iconsNamed } from './codicon-plugin.mjs';

const FOLDER = 'node_modules/@vscode/codicons/dist';
const css = readFileSync(`${FOLDER}/codicon.css`, 'utf8');
const font = readFileSync(`${FOLDER}/codicon.ttf`);

/** A table of a font. */
function table(bytes: Buffer, name: string): Buffer {
  for (let at = 12; ; at += 16) {
    if (bytes.toString('latin1', at, at + 4) !== name) continue;
    const start = bytes.readUInt32BE(at + 8);
    return bytes.subarray(start, start + bytes.readUInt32BE(at + 12));
  }
}

/** The outline of a character, without padding. */
function outline(bytes: Buffer, code: number): Buffer {
  const glyph = glyphOf(table(bytes, 'cmap'), code);
  const loca = table(bytes, 'loca');
  const isLong = table(bytes, 'head').readInt16BE(50) === 1;
  const at = (index: number) => (isLong ? loca.readUInt32BE(4 * index) : 2 * loca.readUInt16BE(2 * index));
  return table(bytes, 'glyf').subarray(at(glyph), at(glyph + 1));
}

describe('the icons of the package', () => {
  const icons: Map<string, number> = iconsNamed(css, [
    `html\`<i class="codicon codicon-warning"></i>\`; icon('loading')`,
  ]);

  it('are those that the sources name, by class or by word', () => {
    assert.deepEqual([...icons.keys()].sort(), ['loading', 'warning']);
  });

  it('keep their rules, and the others lose theirs', () => {
    const rules = cssWith(css, icons);
    assert.match(rules, /\.codicon-warning:before \{ content/);
    assert.match(rules, /@font-face/);
    assert.doesNotMatch(rules, /\.codicon-add:before/);
  });

  it('keep their outlines, and the others lose theirs', () => {
    const small = fontWith(font, icons.values());
    assert.ok(small.length < font.length / 4, `${small.length} of ${font.length} bytes`);
    for (const code of icons.values()) {
      const before = outline(font, code);
      assert.ok(before.length > 20);
      assert.deepEqual(outline(small, code).subarray(0, before.length), before);
    }
    const [other] = iconsNamed(css, ["'add'"]).values();
    assert.equal(outline(small, other!).length, 0);
    assert.ok(outline(font, other!).length > 0);
  });

  it('are in a font whose checksum is right', () => {
    const small = fontWith(font, icons.values());
    let sum = 0;
    for (let at = 0; at < small.length; at += 4) sum = (sum + small.readUInt32BE(at)) >>> 0;
    assert.equal(sum, 0xb1b0afba);
  });
});
