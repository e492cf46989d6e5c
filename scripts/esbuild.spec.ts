/** What the build says where it fails, in a folder that has just enough to be built. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { root } from './run.mjs';

const SOURCES = [
  'extension/extension.ts',
  'debug-adapter/stdio.ts',
  'cli/xv6-emu.ts',
  'cli/program.ts',
  'webviews/view/main.ts',
];

describe('the build', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'xv6-build-'));
    for (const file of [...SOURCES, 'tsconfig.json']) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), file.endsWith('.json') ? '{}' : 'export {};');
    }
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const build = () => spawnSync('node', [join(root, 'esbuild.mjs')], { cwd: folder, encoding: 'utf8' });

  it('says nothing where all is well', () => {
    const { status, stderr } = build();
    assert.deepEqual([status, stderr], [0, '']);
  });

  it('says once what is wrong in a source', () => {
    writeFileSync(join(folder, SOURCES[0]!), 'let 1;');
    const { status, stderr } = build();
    assert.equal(status, 1);
    assert.equal(stderr.match(/ERROR/g)?.length, 1, stderr);
  });

  it('says what else went wrong', () => {
    mkdirSync(join(folder, 'dist', 'ThirdPartyNotices.txt'), { recursive: true });
    const { status, stderr } = build();
    assert.equal(status, 1);
    assert.match(stderr, /EISDIR.*ThirdPartyNotices/);
  });
});
