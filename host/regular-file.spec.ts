import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { createServer } from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import { openRegular, readRegular, readRegularLater } from './regular-file';

describe('regular files', () => {
  let folder: string;
  beforeEach(() => (folder = fs.mkdtempSync(path.join(os.tmpdir(), 'files-'))));
  afterEach(() => fs.rmSync(folder, { recursive: true }));
  const at = (name: string): string => path.join(folder, name);

  const refused = async (file: string, message: RegExp, limit?: number): Promise<void> => {
    assert.throws(() => readRegular(file, limit), message);
    await assert.rejects(readRegularLater(file, limit), message);
  };

  it('are read wholly', async () => {
    const bytes = Buffer.alloc(3_000_000, 'words ');
    fs.writeFileSync(at('file'), bytes);
    fs.symlinkSync('file', at('link'));
    for (const name of ['file', 'link']) {
      assert.ok(bytes.equals(readRegular(at(name))));
      assert.ok(bytes.equals(await readRegularLater(at(name))));
    }
    fs.writeFileSync(at('empty'), '');
    assert.equal(readRegular(at('empty')).length, 0);
  });

  it('are told from what could make a reader wait, or read, for ever', async () => {
    assert.equal(spawnSync('mkfifo', [at('fifo')]).status, 0);
    await refused(at('fifo'), /fifo cannot be read: it is a FIFO, not a regular file/);
    assert.throws(() => openRegular(at('fifo'), true), /a FIFO/);
    await refused('/dev/zero', /zero cannot be read: it is a device/);
    await refused(folder, /it is a folder/);
    const server = createServer().listen(at('socket'));
    await new Promise((resolve) => server.on('listening', resolve));
    await refused(at('socket'), /it is a socket/);
    server.close();
    await refused(at('none'), /none cannot be read: there is no such file/);
    await refused(`${at('none')}/x`, /there is no such file/);
  });

  it('are not read beyond a limit', async () => {
    fs.writeFileSync(at('big'), '');
    fs.truncateSync(at('big'), 2 ** 31);
    await refused(at('big'), /it has 2147483648 bytes; files of at most 512 MiB are read/);
    fs.writeFileSync(at('small'), Buffer.alloc(2 ** 20 + 1));
    await refused(at('small'), /at most 1 MiB/, 2 ** 20);
  });
});
