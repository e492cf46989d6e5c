import { strict as assert } from 'node:assert';
import fs, { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Disk } from '../emulator/devices/disk';
import { nodeFiles } from './node-files';

describe('a disk image of a session', () => {
  let folder: string;
  let path: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'disk-'));
    path = join(folder, 'fs.img');
    writeFileSync(path, new Uint8Array(1024).fill(7), { mode: 0o640 });
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const open = async (snapshot = false): Promise<Disk> => new Disk(await nodeFiles.openDisk(path, snapshot));

  it('is left alone until the disk is flushed, which puts all of it into the file', async () => {
    const disk = await open();
    assert.equal(disk.sectors, 2);
    disk.write(1, new Uint8Array(512).fill(9));
    assert.equal(readFileSync(path)[512], 7);
    disk.flush();
    assert.equal(readFileSync(path)[512], 9);
    assert.equal(readFileSync(path)[511], 7);
    assert.equal(statSync(path).mode & 0o777, 0o640);
    assert.deepEqual(readdirSync(folder), ['fs.img']);
  });

  it('does not touch a file that nothing was written to', async () => {
    const { mtimeMs } = statSync(path);
    (await open()).flush();
    assert.equal(statSync(path).mtimeMs, mtimeMs);
  });

  it('is not written to if it serves as a snapshot, and need not be writable then', async () => {
    const { mtimeMs } = statSync(path);
    chmodSync(path, 0o440);
    const disk = await open(true);
    disk.write(1, new Uint8Array(512).fill(9));
    disk.flush();
    assert.equal(statSync(path).mtimeMs, mtimeMs);
    assert.deepEqual(readdirSync(folder), ['fs.img']);
  });

  it('leaves an image alone that was rebuilt meanwhile, and says so', async () => {
    const disk = await open();
    disk.write(0, new Uint8Array(512));
    writeFileSync(path, new Uint8Array(2048).fill(1));
    assert.throws(() => disk.flush(), /rebuilt/);
    assert.equal(readFileSync(path).length, 2048);
    assert.equal(readFileSync(path)[0], 1);
    // The guest's own flush has not reported the failure to the user.
    assert.throws(() => disk.flush(), /rebuilt/);
  });

  it('leaves an image alone that is rebuilt while it is being saved', async () => {
    const disk = await open();
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

  it('names the size that is not a multiple of 512', async () => {
    writeFileSync(path, new Uint8Array(1000));
    await assert.rejects(nodeFiles.openDisk(path, false), /1000 bytes.*multiple of 512/);
    writeFileSync(path, new Uint8Array(0));
    await assert.rejects(nodeFiles.openDisk(path, false), /0 bytes/);
  });

  it('names an image that is missing or read-only', async () => {
    await assert.rejects(
      nodeFiles.openDisk(join(folder, 'none.img'), false),
      /none\.img cannot be read: there is no such file/,
    );
    chmodSync(path, 0o444);
    await assert.rejects(nodeFiles.openDisk(path, false), /read-only/);
  });
});
