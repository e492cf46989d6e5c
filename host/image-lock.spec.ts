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

  const open = (way = {}): FileDisk => new FileDisk(image, { ...way, tell: (problem) => assert.fail(problem) });
  const isInUse = (words: RegExp) => (error: unknown) =>
    error instanceof FileError && error.problem === 'in use' && words.test(error.message);

  /** Another process that holds the image until it is killed. */
  async function holder(): Promise<ChildProcessWithoutNullStreams> {
    const text = `new (require('./host/file-disk').FileDisk)(process.argv[1], { tell: console.log });
      console.log('held'); setInterval(() => undefined, 1000);`;
    const child = spawn(process.execPath, ['-r', 'tsx/cjs', '-e', text, image], { cwd: path.join(__dirname, '..') });
    children.push(child);
    child.stderr.pipe(process.stderr);
    const [said] = (await new Promise<Buffer[]>((resolve) =>
      child.stdout.once('data', (...data: Buffer[]) => resolve(data)),
    )) as [Buffer];
    assert.equal(said.toString(), 'held\n');
    return child;
  }

  it('keeps a second machine out of it, which says who holds it, until it is closed', () => {
    const first = open();
    assert.throws(() => open(), isInUse(/fs.img is in use: /));
    first.close();
    open().close();
  });

  it('does not keep those out who only read', () => {
    const first = open();
    open({ readOnly: true }).close();
    open({ snapshot: true }).close();
    first.close();
  });

  it('is named with the process that holds it, and is gone when that is killed', async function () {
    if (process.platform !== 'linux') {
      console.log('      skipped: only Linux has /proc');
      this.skip();
    }
    const child = await holder();
    assert.throws(() => open(), isInUse(new RegExp(`node .*\\(process ${child.pid}\\) has it locked`)));
    const gone = new Promise((resolve) => child.on('exit', resolve));
    child.kill('SIGKILL');
    await gone;
    open().close();
  });

  it('that was refused is not kept', () => {
    const first = open();
    assert.throws(() => open(), isInUse(/./));
    first.close();
    open().close();
  });

  it('is held among the machines of this project where there is none like QEMU has', () => {
    const descriptors = [1, 2].map(() => fs.openSync(image, 'r+'));
    assert.equal(lockImage(image, descriptors[0]!, AMONG_US), undefined);
    assert.throws(() => lockImage(image, descriptors[1]!, AMONG_US), isInUse(/./));
    fs.closeSync(descriptors[0]!);
    assert.equal(lockImage(image, descriptors[1]!, AMONG_US), undefined);
    fs.closeSync(descriptors[1]!);
  });

  it('of another is seen even where none can be taken, and otherwise the user is told', function () {
    if (process.platform !== 'linux') {
      console.log('      skipped: only Linux has /proc');
      this.skip();
    }
    const descriptor = fs.openSync(image, 'r+');
    const fails = 'die "no such thing\\n"';
    assert.match(lockImage(image, descriptor, fails)!, /fs.img cannot be locked \(no such thing\)/);
    const { PATH } = process.env;
    process.env.PATH = folder;
    try {
      assert.match(lockImage(image, descriptor)!, /cannot be locked \(perl: .*ENOENT/);
    } finally {
      process.env.PATH = PATH;
    }
    const first = open();
    assert.throws(() => lockImage(image, descriptor, fails), isInUse(/./));
    first.close();
    fs.closeSync(descriptor);
  });
});
