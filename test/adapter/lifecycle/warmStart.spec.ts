/** Sessions that continue from a saved boot, and those that must boot. */
import { strict as assert } from 'node:assert';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StateHash } from '../../../emulator/history/state-hash';
import { TestSession, sessions } from '../support';

describe('warmStart', function () {
  this.timeout(60_000);
  const cache = mkdtempSync(join(tmpdir(), 'boots-'));
  const session = sessions();

  const savedBoot = (): string => {
    const folder = join(cache, 'xv6-debug', 'boots');
    const files = readdirSync(folder).filter((file) => /^[0-9a-f]{16}$/.test(file));
    assert.equal(files.length, 1);
    return join(folder, files[0]!);
  };

  before(async () => {
    const first = await TestSession.open(cache);
    await first.boot();
    await first.written('$ ');
    await first.written('$ ', await first.type('ls'));
    await first.stop();
    // The state is the same to the bit, so a change in the saved file shows whether a session has used it.
    const bytes = readFileSync(savedBoot()).toString('latin1');
    assert.ok(bytes.includes('is booting'));
    const other = Buffer.from(bytes.replace('is booting', 'was booted'), 'latin1');
    // The file begins with the hash of the rest.
    const hash = new StateHash();
    hash.bytes(other.subarray(16));
    other.write(hash.hex);
    writeFileSync(savedBoot(), other);
  });
  after(() => rmSync(cache, { recursive: true }));

  async function warm(options: Parameters<TestSession['boot']>[0] = {}): Promise<TestSession> {
    await session().stop();
    const again = await TestSession.open(cache);
    await again.boot(options);
    return again;
  }

  const cases: [string, Parameters<TestSession['boot']>[0]][] = [
    ['with nothing set', {}],
    ['with a breakpoint where the boot has not been', { functions: ['sys_unlink'] }],
    ['with a filter for panics', { filters: ['panic'] }],
  ];
  for (const [what, options] of cases) {
    it(`goes on from a saved boot ${what}`, async () => {
      const again = await warm(options);
      await again.written('$ ');
      assert.match(again.console, /was booted[^]*init: starting sh\n\$ $/);
      const from = await again.type('echo one > two');
      await again.written('$ ', from);
      const removed = await again.type('rm two');
      if (options?.functions) assert.equal((await again.stopped()).reason, 'function breakpoint');
      else await again.written('$ ', removed);
      await again.stop();
    });
  }

  it('boots where a breakpoint would have stopped it', async () => {
    const again = await warm({ functions: ['sys_exec'] });
    assert.equal((await again.stopped()).reason, 'function breakpoint');
    assert.match(again.console, /is booting/);
    await again.stop();
  });

  it('boots where a filter might have stopped it', async () => {
    const again = await warm({ filters: ['satp-write'] });
    assert.equal((await again.stopped()).reason, 'exception');
    assert.doesNotMatch(again.console, /was booted/);
    await again.stop();
  });

  it('boots where a user program has a breakpoint, on entry, and where it is told to', async () => {
    for (const options of [{ functions: ['sh:main'] }, { stopOnEntry: true }]) {
      const again = await warm(options);
      await again.stopped();
      assert.doesNotMatch(again.console, /was booted/);
      await again.stop();
    }
    const again = await warm({ warmStart: false });
    await again.written('$ ');
    assert.match(again.console, /is booting/);
    await again.stop();
  });

  it('boots, and saves anew, where what was saved is damaged', async () => {
    writeFileSync(savedBoot(), readFileSync(savedBoot()).subarray(0, 5000));
    const again = await warm();
    await again.written('$ ');
    assert.match(again.console, /is booting/);
    await again.written('$ ', await again.type('ls'));
    await again.stop();
    assert.ok(readFileSync(savedBoot()).length > 5000);
  });
});
