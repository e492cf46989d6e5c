import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { isPrivateFolder, makePrivateFolder } from './private-folder';

describe('a private folder', () => {
  let folder: string;
  beforeEach(() => (folder = fs.mkdtempSync(path.join(os.tmpdir(), 'private-'))));
  afterEach(() => fs.rmSync(folder, { recursive: true }));

  it('is made so, whatever the mask', () => {
    const mask = process.umask(0);
    try {
      makePrivateFolder(path.join(folder, 'a', 'b'));
    } finally {
      process.umask(mask);
    }
    assert.ok(isPrivateFolder(path.join(folder, 'a', 'b')));
    makePrivateFolder(path.join(folder, 'a', 'b'));
  });

  it('is not one that others may write, that is a link, or that is none', () => {
    assert.ok(isPrivateFolder(folder));
    fs.chmodSync(folder, 0o755);
    assert.ok(isPrivateFolder(folder));
    for (const mode of [0o775, 0o757, 0o1777]) {
      fs.chmodSync(folder, mode);
      assert.ok(!isPrivateFolder(folder), mode.toString(8));
    }
    fs.chmodSync(folder, 0o700);
    fs.symlinkSync('.', path.join(folder, 'link'));
    fs.writeFileSync(path.join(folder, 'file'), '');
    for (const name of ['link', 'file', 'none', 'file/within'])
      assert.ok(!isPrivateFolder(path.join(folder, name)), name);
  });

  it("is not another user's", function () {
    if (process.getuid?.() !== 0) {
      console.log('      skipped: only root can give a folder away');
      this.skip();
    }
    fs.chownSync(folder, 12345, 12345);
    assert.ok(!isPrivateFolder(folder));
  });
});
