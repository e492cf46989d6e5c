import assert from 'node:assert/strict';
import node, * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { Disk } from '../emulator/devices/disk';
import { FileDisk } from './file-disk';
import { FileError } from './file-error';

describe('disk images', () => {
  let folder: string;
  let image: string;
  let told: string[];

  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'disk-'));
    image = path.join(folder, 'fs.img');
    fs.writeFileSync(image, Buffer.alloc(4 * 512, 'abcd'));
    told = [];
  });
  afterEach(() => fs.rmSync(folder, { recursive: true }));

  async function open(way: { readOnly?: boolean; snapshot?: boolean } = {}, file = image): Promise<FileDisk> {
    const disk = new FileDisk(file, { ...way, tell: (problem) => told.push(problem) });
    await disk.ready();
    return disk;
  }
  /** Beyond what is read at once: a hole, and then some bytes. */
  const large = (): string => {
    const file = path.join(folder, 'large.img');
    fs.writeFileSync(file, '');
    fs.truncateSync(file, 65 * 1024 ** 2);
    const descriptor = fs.openSync(file, 'r+');
    fs.writeSync(descriptor, Buffer.alloc(4 * 512, 'abcd'), 0, 4 * 512, 0);
    fs.closeSync(descriptor);
    return file;
  };
  const refuses = async (file: string, message: RegExp): Promise<void> => {
    for (const way of [{}, { snapshot: true }]) {
      await assert.rejects(
        open(way, file),
        (error: unknown) => error instanceof FileError && message.test(error.message),
      );
    }
  };

  it('are written through to the file', async () => {
    const disk = await open();
    assert.equal(disk.sectors, 4);
    disk.written(2, Buffer.alloc(512, 'x'));
    assert.equal(fs.readFileSync(image).toString('latin1', 1020, 1028), 'abcdxxxx', 'before any flush');
    disk.flush();
    disk.close();
  });

  it('are written in place: links, owner and mode stay, and nothing is left beside them', async () => {
    fs.chmodSync(image, 0o664);
    const link = path.join(folder, 'link.img');
    fs.linkSync(image, link);
    const before = fs.statSync(image);
    const disk = await open();
    disk.written(0, Buffer.alloc(512, 'x'));
    disk.close();
    const after = fs.statSync(link);
    assert.deepEqual(
      [after.ino, after.nlink, after.mode & 0o777, after.uid, after.gid],
      [before.ino, 2, 0o664, before.uid, before.gid],
    );
    assert.equal(fs.readFileSync(link).toString('latin1', 0, 4), 'xxxx');
    assert.deepEqual(fs.readdirSync(folder), ['fs.img', 'link.img']);
  });

  it('are not touched if nothing is written', async () => {
    const { mtimeMs } = fs.statSync(image);
    const disk = await open();
    disk.flush();
    disk.close();
    assert.equal(fs.statSync(image).mtimeMs, mtimeMs);
  });

  for (const [size, make] of [
    ['small', () => image],
    ['large', () => large()],
  ] as const) {
    it(`read as they did at first, whatever was written: a ${size} one`, async () => {
      const disk = await open({}, make());
      disk.written(2, Buffer.alloc(1024, 'x'));
      disk.written(1, Buffer.alloc(1024, 'y'));
      const read = new Uint8Array(2048);
      disk.read(0, read);
      assert.deepEqual(Buffer.from(read), Buffer.alloc(2048, 'abcd'));
      disk.close();
    });
  }

  for (const [size, make] of [
    ['small', () => image],
    ['large', () => large()],
  ] as const) {
    it(`are read whole, though the system may give less at a time: a ${size} one`, async () => {
      const file = make();
      const { readSync } = node;
      type Read = (descriptor: number, into: Uint8Array, at: number, length: number, position: number) => number;
      const short: Read = (descriptor, into, at, length, position) =>
        (readSync as Read)(descriptor, into, at, Math.min(length, 1_000_001, Math.max(700, length >> 1)), position);
      node.readSync = short as typeof readSync;
      try {
        const disk = await open({}, file);
        const read = new Uint8Array(2048);
        disk.read(0, read);
        assert.deepEqual(Buffer.from(read), Buffer.alloc(2048, 'abcd'));
        disk.close();
      } finally {
        node.readSync = readSync;
      }
    });
  }

  it('are read as they are across pieces, with zeroes and without', async () => {
    const bytes = Buffer.alloc(5 * 65536 + 512);
    for (const at of [65536 - 512, 65536, 3 * 65536 + 512, bytes.length - 1])
      bytes.fill(at % 251 || 1, at, Math.min(at + 300, bytes.length));
    fs.writeFileSync(image, bytes);
    const disk = await open();
    const all = Buffer.alloc(bytes.length, 'x');
    disk.read(0, all);
    assert.ok(all.equals(bytes));
    for (const [sector, sectors] of [
      [127, 2],
      [120, 270],
      [639, 2],
    ] as const) {
      const some = Buffer.alloc(sectors * 512, 'x');
      disk.read(sector, some);
      assert.ok(some.equals(bytes.subarray(sector * 512, (sector + sectors) * 512)), `${sector}`);
    }
    disk.close();
  });

  it('stay as they are if they are read-only, or only a snapshot is used', async () => {
    fs.chmodSync(image, 0o444);
    for (const way of [{ readOnly: true }, { snapshot: true }]) {
      const disk = await open(way);
      disk.written(0, Buffer.alloc(512, 'y'));
      disk.flush();
      disk.close();
      assert.equal(fs.readFileSync(image).toString('latin1', 0, 4), 'abcd');
    }
  });

  it('are refused with a reason', async () => {
    await refuses(path.join(folder, 'none.img'), /none.img cannot be (read|opened to write): there is no such file/);
    await refuses(folder, /it is a folder, not a regular file/);
    fs.writeFileSync(image, Buffer.alloc(1000));
    await refuses(image, /1000 bytes, which is not a multiple of 512/);
    fs.writeFileSync(image, '');
    await refuses(image, /0 bytes/);
  });

  it('that are meant to stay as they are cannot be written by root either', async () => {
    fs.chmodSync(image, 0o444);
    await assert.rejects(open(), /fs.img cannot be opened to write: (it is read-only|.*EACCES)/);
  });

  for (const [how, rebuild] of [
    ['in place, to another size', (file: string) => fs.writeFileSync(file, Buffer.alloc(2048 + 512, 'new '))],
    ['in place, to the same size', (file: string) => fs.writeFileSync(file, Buffer.alloc(2048, 'new '))],
    [
      'under its name',
      (file: string) => {
        fs.writeFileSync(`${file}.new`, Buffer.alloc(2048, 'new '));
        fs.renameSync(`${file}.new`, file);
      },
    ],
  ] as const) {
    it(`that were rebuilt ${how} are left alone, of which the user is told once; the guest goes on`, async () => {
      const disk = new Disk(await open());
      disk.write(0, Buffer.alloc(512, 'x'));
      // The clock of the file's system may tick but every 10 ms.
      await new Promise((resolve) => setTimeout(resolve, 20));
      rebuild(image);
      disk.write(1, Buffer.alloc(512, 'x'));
      disk.write(2, Buffer.alloc(512, 'x'));
      assert.equal(fs.readFileSync(image).toString('latin1').replaceAll('new ', ''), '');
      assert.deepEqual(
        told.map((text) => /was rebuilt while the kernel ran/.test(text)),
        [true],
      );
      const read = Buffer.alloc(2048);
      disk.read(0, read);
      assert.deepEqual(read, Buffer.concat([Buffer.alloc(1536, 'x'), Buffer.alloc(512, 'abcd')]));
    });
  }

  it('that were removed are not made again', async () => {
    const disk = await open();
    fs.rmSync(image);
    disk.written(1, Buffer.alloc(512, 'x'));
    assert.deepEqual(fs.readdirSync(folder), []);
    assert.match(told.join('\n'), /was removed while the kernel ran/);
    disk.close();
  });

  it('of which not all was read fail the request once they are rebuilt, as they would read as parts of two disks', async () => {
    const file = large();
    const disk = await open({}, file);
    disk.read(0, new Uint8Array(512));
    fs.truncateSync(file, 512);
    assert.throws(() => disk.read(3, new Uint8Array(512)), /rebuilt while the kernel ran/);
    disk.close();
  });

  it('that cannot be written tell of it once, and the guest is told each time', async () => {
    const disk = await open();
    const { writeSync } = node;
    const full = Object.assign(new Error('no space'), { errno: -28, code: 'ENOSPC' });
    node.writeSync = () => {
      throw full;
    };
    try {
      for (let i = 0; i < 2; i++) assert.throws(() => disk.written(1, Buffer.alloc(512)), /no space left on device/);
    } finally {
      node.writeSync = writeSync;
    }
    assert.equal(told.length, 1);
    assert.match(told[0]!, /fs.img cannot be written: no space left on device, ENOSPC/);
    disk.written(1, Buffer.alloc(512, 'z'));
    assert.equal(fs.readFileSync(image)[512], 'z'.charCodeAt(0));
    disk.close();
  });
});
