import assert from 'node:assert/strict';
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { thirdPartyNotices } from './notices.mjs';

describe('notices of bundled packages', () => {
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'xv6-notices-'));
    const files = {
      'node_modules/one/package.json': '{ "name": "one", "version": "1.2.3", "license": "MIT" }',
      'node_modules/one/LICENSE.md': 'Copyright (c) One\r\nas is\r\n',
      'node_modules/one/node_modules/@scope/two/package.json':
        '{ "name": "@scope/two", "version": "4.0.0", "license": "CC-BY-4.0" }',
      'node_modules/one/node_modules/@scope/two/LICENCE': 'of the pictures',
      'node_modules/one/node_modules/@scope/two/LICENSE-CODE': 'of the code',
      'node_modules/one/node_modules/@scope/two/ThirdPartyNotices.txt': 'and of three',
      'node_modules/bare/package.json': '{ "name": "bare", "version": "1.0.0" }',
    };
    for (const [file, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder, file)), { recursive: true });
      await writeFile(join(folder, file), text);
    }
  });

  after(() => rm(folder, { recursive: true }));

  const bundleOf = (...files: string[]) => ({ inputs: Object.fromEntries(files.map((file) => [file, {}])) });

  it('have the whole licence of each, once, also of those within others', async () => {
    const first = bundleOf('main.ts', 'node_modules/one/lib/a.js', 'node_modules/one/lib/b.js');
    const second = bundleOf('node_modules/one/node_modules/@scope/two/font.ttf?721d', 'node_modules/one/lib/a.js');
    const text = await thirdPartyNotices([first, second], folder);
    assert.match(text, /^- one 1\.2\.3 \(MIT\)\n- @scope\/two 4\.0\.0 \(CC-BY-4\.0\)$/m);
    assert.match(text, /^-+\none 1\.2\.3\n\nCopyright \(c\) One\nas is$/m);
    assert.match(text, /^-+\n@scope\/two 4\.0\.0\n\nof the pictures\n\nof the code\n\nand of three\n$/m);
    assert.equal(text.match(/as is/g)?.length, 1);
  });

  it('are none where nothing foreign is bundled, and a package without a licence is refused', async () => {
    assert.doesNotMatch(await thirdPartyNotices([bundleOf('main.ts')], folder), /^- /m);
    await assert.rejects(thirdPartyNotices([bundleOf('node_modules/bare/index.js')], folder), /bare in .*no file with/);
  });
});
