import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { FileDisk } from './file-disk';
import { UsageError } from './option-values';

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
    for (const open of [() => new FileDisk(file, {}), () => new FileDisk(file, { snapshot: true })])
      assert.throws(open, (error: unknown) => error instanceof UsageError && message.test(error.message));
  };

  it('are written through to the file', () => {
    const disk = new FileDisk(image, {});
    assert.equal(disk.sectors, 4);
    disk.written(2, Buffer.alloc(512, 'x'));
    assert.equal(fs.readFileSync(image).toString('latin1', 1020, 1028), 'abcdxxxx', 'before any flush');
    disk.flush();
    disk.close();
  });

  it('read as they did at first, whatever was written', () => {
    const disk = new FileDisk(image, {});
    disk.written(2, Buffer.alloc(1024, 'x'));
    disk.written(1, Buffer.alloc(1024, 'y'));
    const read = new Uint8Array(2048);
    disk.read(0, read);
    assert.deepEqual(Buffer.from(read), Buffer.alloc(2048, 'abcd'));
    disk.close();
  });

  it('stay as they are if they are read-only, or only a snapshot is used', () => {
    for (const way of [{ readOnly: true }, { snapshot: true }]) {
      const disk = new FileDisk(image, way);
      disk.written(0, Buffer.alloc(512, 'y'));
      disk.flush();
      disk.close();
      assert.equal(fs.readFileSync(image).toString('latin1', 0, 4), 'abcd');
    }
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
    assert.throws(() => new FileDisk(image, {}), /cannot be written \(EACCES\).*readonly=on/);
    new FileDisk(image, { readOnly: true }).close();
    new FileDisk(image, { snapshot: true }).close();
  });

  it('that were cut short while open fail the request', () => {
    const disk = new FileDisk(image, {});
    fs.truncateSync(image, 512);
    assert.throws(() => disk.read(3, new Uint8Array(512)), /ends at sector 3/);
    disk.close();
  });
});
