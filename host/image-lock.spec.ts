import assert from 'node:assert/strict';
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { FileDisk } from './file-disk';
import { FileError } from './file-error';
import { AMONG_US, lockImage } from './image-lock';

describe('the lock on a disk image', function () {
  let folder: string;
  let image: string;
  const children: ChildProcessWithoutNullStreams[] = [];

  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'lock-'));
    image = path.join(folder, 'fs.img');
    fs.writeFileSync(image, Buffer.alloc(1024));
  });
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    fs.rmSync(folder, { recursive: true });
  });

  async function open(way = {}): Promise<FileDisk> {
    const disk = new FileDisk(image, { ...way, tell: (problem) => assert.fail(problem) });
    await disk.ready();
    return disk;
  }
  const isInUse = (words: RegExp) => (error: unknown) =>
    error instanceof FileError && error.problem === 'in use' && words.test(error.message);

  /** Another process that holds the image until it is killed. */
  async function holder(): Promise<ChildProcessWithoutNullStreams> {
    const text = `new (require('./host/file-disk').FileDisk)(process.argv[1], { tell: console.log })
      .ready().then(() => console.log('held')); setInterval(() => undefined, 1000);`;
    const child = spawn(process.execPath, ['-r', 'tsx/cjs', '-e', text, image], { cwd: path.join(__dirname, '..') });
    children.push(child);
    child.stderr.pipe(process.stderr);
    const [said] = (await new Promise<Buffer[]>((resolve) =>
      child.stdout.once('data', (...data: Buffer[]) => resolve(data)),
    )) as [Buffer];
    assert.equal(said.toString(), 'held\n');
    return child;
  }

  it('keeps a second machine out of it, which says who holds it, until it is closed', async () => {
    const first = await open();
    await assert.rejects(open(), isInUse(/fs.img is in use: /));
    first.close();
    (await open()).close();
  });

  it('does not keep those out who only read', async () => {
    const first = await open();
    (await open({ readOnly: true })).close();
    (await open({ snapshot: true })).close();
    first.close();
  });

  it('is named with the process that holds it, and is gone when that is killed', async function () {
    if (process.platform !== 'linux') {
      console.log('      skipped: only Linux has /proc');
      this.skip();
    }
    const child = await holder();
    await assert.rejects(open(), isInUse(new RegExp(`node .*\\(process ${child.pid}\\) has it locked`)));
    const gone = new Promise((resolve) => child.on('exit', resolve));
    child.kill('SIGKILL');
    await gone;
    (await open()).close();
  });

  it('that was refused is not kept', async () => {
    const first = await open();
    await assert.rejects(open(), isInUse(/./));
    first.close();
    (await open()).close();
  });

  it('is taken for what the image holds then, and not for one of another size', async () => {
    const disk = new FileDisk(image, { tell: (problem) => assert.fail(problem) });
    fs.writeFileSync(image, Buffer.alloc(1024, 'new '));
    await disk.ready();
    const read = Buffer.alloc(1024);
    disk.read(0, read);
    assert.deepEqual(read, Buffer.alloc(1024, 'new '));
    disk.close();
    const other = new FileDisk(image, { tell: (problem) => assert.fail(problem) });
    fs.writeFileSync(image, Buffer.alloc(512));
    await assert.rejects(other.ready(), /fs.img cannot be read: it was rebuilt while it was opened/);
    fs.writeFileSync(image, Buffer.alloc(1024));
    (await open()).close();
  });

  it('is of no use to a machine that has been given up meanwhile', async () => {
    const disk = new FileDisk(image, { tell: (problem) => assert.fail(problem) });
    const ready = disk.ready();
    disk.close();
    await ready;
    (await open()).close();
  });

  it('is held among the machines of this project where there is none like QEMU has', async () => {
    const descriptors = [1, 2].map(() => fs.openSync(image, 'r+'));
    assert.equal(await lockImage(image, descriptors[0]!, AMONG_US), undefined);
    await assert.rejects(lockImage(image, descriptors[1]!, AMONG_US), isInUse(/./));
    fs.closeSync(descriptors[0]!);
    assert.equal(await lockImage(image, descriptors[1]!, AMONG_US), undefined);
    fs.closeSync(descriptors[1]!);
  });

  it('of another is seen even where none can be taken, and otherwise the user is told', async function () {
    if (process.platform !== 'linux') {
      console.log('      skipped: only Linux has /proc');
      this.skip();
    }
    const descriptor = fs.openSync(image, 'r+');
    const ENOLCK = 37;
    const fails = `exit ${ENOLCK}`;
    assert.match((await lockImage(image, descriptor, fails))!, /fs.img cannot be locked \(.*ENOLCK\)/);
    assert.match(
      (await lockImage(image, descriptor, 'kill 9, $$; sleep 1'))!,
      /cannot be locked \(perl does not end\)/,
    );
    const { PATH } = process.env;
    process.env.PATH = folder;
    try {
      assert.match((await lockImage(image, descriptor))!, /cannot be locked \(perl: .*ENOENT/);
    } finally {
      process.env.PATH = PATH;
    }
    const first = await open();
    await assert.rejects(lockImage(image, descriptor, fails), isInUse(/./));
    first.close();
    fs.closeSync(descriptor);
  });
});
