import { strict as assert } from 'node:assert';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OpenDisk } from './launch/files';
import { filesWith, nodeFiles } from './node-files';

describe('the files of a session', () => {
  let folder: string;
  let path: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'files-'));
    path = join(folder, 'fs.img');
    writeFileSync(path, new Uint8Array(1024).fill(7));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const open = (file = path, snapshot = false): Promise<OpenDisk> =>
    nodeFiles.openDisk(file, snapshot, (problem) => assert.fail(problem));

  it('has its disk written at once, or not at all', async () => {
    const disk = await open();
    disk.written!(1, new Uint8Array(512).fill(9));
    assert.deepEqual([readFileSync(path)[511], readFileSync(path)[512]], [7, 9]);
    disk.close();
    chmodSync(path, 0o440);
    const snapshot = await open(path, true);
    snapshot.written!(0, new Uint8Array(512).fill(9));
    snapshot.close();
    assert.equal(readFileSync(path)[0], 7);
  });

  it('come with advice where the disk cannot be used', async () => {
    await assert.rejects(open(join(folder, 'none.img')), /there is no such file\. Build it first \(make fs\.img\)/);
    writeFileSync(path, new Uint8Array(1000));
    await assert.rejects(open(), /1000 bytes.*multiple of 512.*Build it first/);
    await assert.rejects(open(folder), /it is a folder.*correct "disk"/);
    writeFileSync(path, new Uint8Array(1024));
    const first = await open();
    await assert.rejects(open(), /fs\.img is in use: .*end that one, or set "snapshot" to true/);
    first.close();
    chmodSync(path, 0o444);
    await assert.rejects(open(), /(read-only|EACCES).*chmod u\+w.*"snapshot"/);
  });

  it('come with other advice where it is the disk of the sample, which nobody builds', async () => {
    const { openDisk, sample } = filesWith(folder);
    const opened = openDisk(sample.disk, true, (problem) => assert.fail(problem));
    await assert.rejects(
      opened,
      /fs\.img cannot be read: there is no such file\. It belongs to the built-in sample: [^.]*\.$/,
    );
  });

  it('are read only if they are regular', async () => {
    spawnSync('mkfifo', [join(folder, 'fifo')]);
    await assert.rejects(nodeFiles.read(join(folder, 'fifo')), /fifo cannot be read: it is a FIFO/);
    await assert.rejects(nodeFiles.read('/dev/zero'), /it is a device/);
  });

  describe('that keep boots', () => {
    const { XDG_CACHE_HOME } = process.env;
    const bytes = Uint8Array.of(1, 2, 3);
    let cache: string;
    beforeEach(() => {
      process.env.XDG_CACHE_HOME = folder;
      cache = join(folder, 'xv6-debug', 'boots');
    });
    after(() => {
      if (XDG_CACHE_HOME === undefined) delete process.env.XDG_CACHE_HOME;
      else process.env.XDG_CACHE_HOME = XDG_CACHE_HOME;
    });

    it('give back what was kept', async () => {
      await nodeFiles.boots!.write('one', bytes);
      assert.deepEqual(Uint8Array.from((await nodeFiles.boots!.read('one'))!), bytes);
      assert.equal(await nodeFiles.boots!.read('two'), undefined);
      assert.deepEqual(readdirSync(cache), ['one']);
    });

    it('do not use a folder to which others may write', async () => {
      mkdirSync(cache, { recursive: true });
      writeFileSync(join(cache, 'one'), bytes);
      chmodSync(cache, 0o777);
      assert.equal(await nodeFiles.boots!.read('one'), undefined);
      await nodeFiles.boots!.write('two', bytes);
      assert.deepEqual(readdirSync(cache), ['one']);
    });

    it('do not wait for a FIFO in the place of a boot', async () => {
      mkdirSync(cache, { recursive: true, mode: 0o700 });
      spawnSync('mkfifo', [join(cache, 'one')]);
      assert.equal(await nodeFiles.boots!.read('one'), undefined);
    });
  });
});
