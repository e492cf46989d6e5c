import { strict as assert } from 'node:assert';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LaunchAttributes } from '../../../debug-adapter/protocol';
import { DISK, KERNEL, sessions, type TestSession } from '../support';

/** The error of a launch that must fail, as shown to the user. */
async function failure(session: TestSession, attributes: object): Promise<string> {
  try {
    await session.launchRequest(attributes as LaunchAttributes);
  } catch (error) {
    return (error as Error).message;
  }
  return assert.fail('the launch succeeded');
}

describe('launch', function () {
  this.timeout(60_000);
  const session = sessions();

  it('boots a kernel to its prompt', async () => {
    await session().boot({ harts: 3 });
    await session().written('$ ');
    assert.match(session().console, /booting/);
  });

  it('boots the sample with no kernel named, and leaves its disk image as it is', async () => {
    const before = readFileSync(DISK);
    const initialized = session().waitForEvent('initialized');
    await session().launchRequest({} as LaunchAttributes);
    await initialized;
    await session().configurationDoneRequest();
    await session().written('$ ');
    const from = await session().type('echo changed > note');
    await session().written('$ ', from);
    await session().disconnectRequest();
    assert.ok(before.equals(readFileSync(DISK)));
  });

  it('refuses a client that counts or names otherwise', async () => {
    for (const wish of [{ linesStartAt1: false }, { columnsStartAt1: false }, { pathFormat: 'uri' }]) {
      await assert.rejects(
        session().initializeRequest({ adapterID: 'xv6', ...wish }),
        /counts lines and columns from 1/,
      );
    }
    assert.equal((await session().initializeRequest()).body?.supportsValueFormattingOptions, true);
  });

  it('stops on entry at the first instruction of the kernel', async () => {
    await session().boot({ stopOnEntry: true });
    const stop = await session().stopped();
    assert.equal(stop.reason, 'entry');
    assert.deepEqual(stop.threadId, 1);
    assert.match((await session().places())[0]!, /^_entry/);
    assert.equal(await session().value('$pc', 'watch'), '0x80000000 <_entry>');
  });

  it('takes paths relative to cwd', async () => {
    const folder = session().folder;
    mkdirSync(join(folder, 'kernel'));
    copyFileSync(KERNEL, join(folder, 'kernel', 'kernel'));
    await session().boot({ cwd: folder, kernel: 'kernel/kernel', disk: 'fs.img' });
    await session().written('$ ');
  });

  it('keeps with noDebug no breakpoint', async () => {
    await session().boot({ noDebug: true, functions: ['main'], filters: ['system-call'] });
    await session().written('$ ');
  });

  describe('says what is wrong with', () => {
    const cases: [string, (folder: string) => object, RegExp][] = [
      ['a kernel that is missing', (folder) => ({ kernel: `${folder}/none` }), /none.*no such file.*[Bb]uild/],
      ['a kernel that is a folder', (folder) => ({ kernel: folder }), /folder/],
      ['a kernel that is no ELF', (folder) => ({ kernel: file(folder, 'k', 'hello') }), /ELF/],
      ['an empty kernel', (folder) => ({ kernel: file(folder, 'k', '') }), /ELF|empty/],
      ['an x86 kernel', (folder) => ({ kernel: patched(folder, 18, 0x3e) }), /x86.*xv6-public/],
      ['a 32-bit kernel', (folder) => ({ kernel: patched(folder, 4, 1) }), /32-bit/],
      ['a truncated kernel', (folder) => ({ kernel: truncated(folder) }), /truncated|cut|beyond|end/i],
      ['a kernel larger than memory', (folder) => ({ kernel: inflated(folder) }), /memory|MiB/],
      [
        'a disk that is missing',
        (folder) => ({ kernel: KERNEL, disk: `${folder}/none.img` }),
        /none\.img.*no such file.*fs\.img/,
      ],
      [
        'a disk of 1000 bytes',
        (folder) => ({ kernel: KERNEL, disk: file(folder, 'd', 'x'.repeat(1000)) }),
        /1000 bytes.*512/,
      ],
      ['a disk that is read-only', (folder) => ({ kernel: KERNEL, disk: readOnly(folder) }), /read-only.*chmod/],
      ['no harts', () => ({ harts: 0 }), /"harts".*1 to 8/],
      ['too many harts', () => ({ harts: 9 }), /"harts".*9.*1 to 8/],
      ['harts in words', () => ({ harts: 'three' }), /"harts".*three/],
      ['memory in words', () => ({ memory: 'much' }), /"memory".*much.*128M/],
      ['more memory than the machine has', () => ({ memory: '4G' }), /"memory".*4G.*3G/],
      ['a path that is a number', () => ({ kernel: 7 }), /"kernel".*7.*path/],
      ['a source map that is none', () => ({ kernel: KERNEL, sourceMap: ['x'] }), /"sourceMap".*prefixes/],
    ];
    for (const [name, attributes, expected] of cases) {
      it(name, async () => {
        assert.match(await failure(session(), attributes(session().folder)), expected);
      });
    }
  });

  it('runs a stripped kernel, and says what is missing', async () => {
    const kernel = join(session().folder, 'stripped');
    writeFileSync(kernel, withoutSections(readFileSync(KERNEL)));
    await session().boot({ kernel });
    await session().written('$ ');
    assert.match(session().messages, /no debug information.*-g/);
    const [breakpoint] = await session().setLines('kernel/main.c', 20);
    assert.equal(breakpoint!.verified, false);
    assert.match(breakpoint!.message ?? '', /no debug information/);
  });

  it('shows a client that wants to know how far it is', async () => {
    const seen: string[] = [];
    for (const name of ['progressStart', 'progressUpdate', 'progressEnd']) {
      session().on(name, ({ body }: { body: { progressId: string; title?: string; message?: string } }) =>
        seen.push([name, body.progressId, body.title ?? body.message ?? ''].join(' ').trimEnd()),
      );
    }
    await session().boot();
    const [, id] = /^progressStart (progress \d+) /.exec(seen[0] ?? '') ?? [];
    assert.deepEqual(seen, [
      `progressStart ${id} Starting the kernel`,
      `progressUpdate ${id} Reading the kernel and its disk`,
      `progressUpdate ${id} Reading symbols`,
      `progressEnd ${id}`,
    ]);
    await assert.rejects(session().boot(), /runs in this session already/);
    assert.equal(seen.length, 4, 'nothing was begun');
  });

  it('says that a second launch is one too many', async () => {
    await session().boot();
    assert.match(await failure(session(), {}), /already/);
  });
});

function file(folder: string, name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

function patched(folder: string, offset: number, value: number): string {
  const bytes = readFileSync(KERNEL);
  bytes[offset] = value;
  writeFileSync(join(folder, 'patched'), bytes);
  return join(folder, 'patched');
}

/** A kernel whose last segment takes 200 MiB. */
function inflated(folder: string): string {
  const bytes = readFileSync(KERNEL);
  const headers = Number(bytes.readBigUInt64LE(0x20));
  const last = Array.from({ length: bytes.readUInt16LE(0x38) }, (_, index) => headers + 56 * index)
    .filter((at) => bytes.readUInt32LE(at) === 1)
    .at(-1)!;
  bytes.writeBigUInt64LE(200n << 20n, last + 0x28);
  writeFileSync(join(folder, 'inflated'), bytes);
  return join(folder, 'inflated');
}

function truncated(folder: string): string {
  const path = join(folder, 'truncated');
  copyFileSync(KERNEL, path);
  truncateSync(path, 6000);
  assert.ok(existsSync(path));
  return path;
}

function readOnly(folder: string): string {
  const path = join(folder, 'read-only.img');
  copyFileSync(DISK, path);
  chmodSync(path, 0o444);
  return path;
}

/** The file without section headers, so without symbols and debug information, as after strip. */
function withoutSections(elf: Buffer): Buffer {
  const bytes = Buffer.from(elf);
  bytes.writeBigUInt64LE(0n, 0x28);
  bytes.writeUInt16LE(0, 0x3c);
  bytes.writeUInt16LE(0, 0x3e);
  return bytes;
}
