import { strict as assert } from 'node:assert';
import fs, { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeFiles } from './node-files';

describe('a disk image in memory', () => {
  let folder: string;
  let path: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'disk-'));
    path = join(folder, 'fs.img');
    writeFileSync(path, new Uint8Array(1024).fill(7), { mode: 0o640 });
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('keeps writes to itself until it is flushed, then puts them into the file as a whole', async () => {
    const disk = await nodeFiles.openDisk(path);
    assert.equal(disk.sectors, 2);
    disk.write(1, new Uint8Array(512).fill(9));
    const sector = new Uint8Array(512);
    disk.read(1, sector);
    assert.equal(sector[0], 9);
    assert.equal(readFileSync(path)[512], 7);
    await disk.close();
    assert.equal(readFileSync(path)[512], 9);
    assert.equal(readFileSync(path)[511], 7);
    assert.equal(statSync(path).mode & 0o777, 0o640);
    assert.deepEqual(readdirSync(folder), ['fs.img']);
  });

  it('does not touch a file that nothing was written to', async () => {
    const { mtimeMs } = statSync(path);
    await (await nodeFiles.openDisk(path)).close();
    assert.equal(statSync(path).mtimeMs, mtimeMs);
  });

  it('leaves an image alone that was rebuilt meanwhile, and says so', async () => {
    const disk = await nodeFiles.openDisk(path);
    disk.write(0, new Uint8Array(512));
    writeFileSync(path, new Uint8Array(2048).fill(1));
    await assert.rejects(disk.close(), /rebuilt/);
    assert.equal(readFileSync(path).length, 2048);
    assert.equal(readFileSync(path)[0], 1);
    // A guest that asked first has not told the user.
    await assert.rejects(disk.close(), /rebuilt/);
  });

  it('leaves an image alone that is rebuilt while it is being saved', async () => {
    const disk = await nodeFiles.openDisk(path);
    disk.write(0, new Uint8Array(512));
    const write = fs.writeFileSync;
    fs.writeFileSync = (...given) => {
      write(...given);
      write(path, new Uint8Array(2048).fill(1));
    };
    try {
      assert.throws(() => disk.flush(), /rebuilt/);
    } finally {
      fs.writeFileSync = write;
    }
    assert.equal(readFileSync(path).length, 2048);
    assert.deepEqual(readdirSync(folder), ['fs.img']);
  });

  it('refuses what is beyond its end', async () => {
    const disk = await nodeFiles.openDisk(path);
    assert.throws(() => disk.write(2, new Uint8Array(512)), RangeError);
    assert.throws(() => disk.read(1, new Uint8Array(1024)), RangeError);
  });

  it('names the size that is not a multiple of 512', async () => {
    writeFileSync(path, new Uint8Array(1000));
    await assert.rejects(nodeFiles.openDisk(path), /1000 bytes.*multiple of 512/);
    writeFileSync(path, new Uint8Array(0));
    await assert.rejects(nodeFiles.openDisk(path), /0 bytes/);
  });

  it('names an image that is missing or read-only', async () => {
    await assert.rejects(
      nodeFiles.openDisk(join(folder, 'none.img')),
      /none\.img cannot be read: there is no such file/,
    );
    chmodSync(path, 0o444);
    await assert.rejects(nodeFiles.openDisk(path), /read-only/);
  });
});
