import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { FileDisk, MemoryDisk } from './file-disk';
import { UsageError } from './options';

describe('disk images', () => {
  let folder: string;
  let image: string;

  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'disk-'));
    image = path.join(folder, 'fs.img');
    fs.writeFileSync(image, Buffer.alloc(4 * 512, 'abcd'));
  });
  afterEach(() => fs.rmSync(folder, { recursive: true }));

  const refuses = (file: string, message: RegExp): void => {
    for (const open of [() => new FileDisk(file, false), () => MemoryDisk.of(file, false)]) {
      assert.throws(open, (error: unknown) => error instanceof UsageError && message.test(error.message));
    }
  };

  it('are written through to the file', () => {
    const disk = new FileDisk(image, false);
    assert.equal(disk.sectors, 4);
    disk.write(2, Buffer.alloc(512, 'x'));
    assert.equal(fs.readFileSync(image).toString('latin1', 1024, 1028), 'xxxx', 'before any flush');
    disk.flush();
    const read = new Uint8Array(1024);
    disk.read(1, read);
    assert.equal(Buffer.from(read).toString('latin1', 508, 516), 'abcdxxxx');
    disk.close();
  });

  it('may be read-only, or a copy in memory', () => {
    const disk = new FileDisk(image, true);
    assert.throws(() => disk.write(0, Buffer.alloc(512)), /read-only/);
    disk.close();
    const copy = MemoryDisk.of(image, false);
    copy.write(0, Buffer.alloc(512, 'y'));
    const read = new Uint8Array(512);
    copy.read(0, read);
    assert.equal(read[0], 'y'.charCodeAt(0));
    assert.equal(fs.readFileSync(image).toString('latin1', 0, 4), 'abcd');
    assert.throws(() => MemoryDisk.of(image, true).write(0, read), /read-only/);
  });

  it('are refused with a reason', () => {
    refuses(path.join(folder, 'none.img'), /none.img: no such disk image/);
    refuses(folder, /regular file|directory/);
    fs.writeFileSync(image, Buffer.alloc(1000));
    refuses(image, /1000 bytes are not a whole number of 512-byte sectors/);
    fs.writeFileSync(image, '');
    refuses(image, /0 bytes/);
  });

  it('that cannot be written are named so', function () {
    if (process.getuid?.() === 0) {
      console.log('      skipped: root may write every file');
      this.skip();
    }
    fs.chmodSync(image, 0o444);
    assert.throws(() => new FileDisk(image, false), /cannot be written \(EACCES\).*readonly=on/);
    new FileDisk(image, true).close();
  });

  it('that were cut short while open fail the request', () => {
    const disk = new FileDisk(image, false);
    fs.truncateSync(image, 512);
    assert.throws(() => disk.read(3, new Uint8Array(512)), /ends at sector 3/);
    disk.close();
  });
});
