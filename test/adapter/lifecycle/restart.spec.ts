import { strict as assert } from 'node:assert';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { DISK, kernelWithBug, KERNEL, lineOf, sessions } from '../support';

describe('restart', function () {
  this.timeout(60_000);
  const session = sessions();

  it('boots again from a stop and from a run, with the breakpoints kept', async () => {
    const line = lineOf('kernel/main.c', /kvminit\(\);/);
    await session().boot({ lines: [{ file: 'kernel/main.c', lines: [line] }] });
    await session().stopped();
    const continued = session().waitForEvent('continued');
    await session().restartRequest({});
    await continued;
    assert.equal((await session().stopped()).reason, 'breakpoint');
    await session().continueRequest({ threadId: 1 });
    await session().written('$ ');
    await session().restartRequest({});
    assert.equal((await session().stopped()).reason, 'breakpoint');
    assert.equal((await session().stack())[0]!.line, line);
  });

  it('reads the kernel again, and binds the breakpoints to it anew', async () => {
    const kernel = join(session().folder, 'kernel');
    copyFileSync(KERNEL, kernel);
    await session().boot({ kernel, functions: ['kvmmake'] });
    await session().stopped();
    const before = await session().value('(uint64)end');
    copyFileSync(kernelWithBug(11), kernel);
    await session().restartRequest({});
    await session().stopped();
    assert.match((await session().places())[0]!, /^kvmmake /);
    assert.notEqual(await session().value('(uint64)end'), before);
  });

  it('takes a new launch configuration with it', async () => {
    await session().boot({ stopOnEntry: true });
    await session().stopped();
    await session().restartRequest({
      arguments: { kernel: KERNEL, disk: session().disk, harts: 2, legacyVirtio: false, stopOnEntry: true },
    } as unknown as DebugProtocol.RestartArguments);
    await session().stopped();
    assert.equal((await session().threadsRequest()).body.threads.length, 2);
  });

  it('keeps what was written to the disk, unless the image was rebuilt meanwhile', async () => {
    await session().boot();
    await session().written('$ ');
    let from = await session().type('echo kept > note');
    await session().written('$ ', from);
    from = session().console.length;
    await session().restartRequest({});
    await session().written('$ ', from);
    from = await session().type('cat note');
    await session().written('kept\n$ ', from);

    from = await session().type('echo more > note');
    await session().written('$ ', from);
    writeFileSync(session().disk, readFileSync(DISK));
    from = session().console.length;
    await session().restartRequest({});
    await session().written('$ ', from);
    from = await session().type('cat note');
    await session().written('$ ', from);
    assert.match(session().console.slice(from), /cannot open|no such/i);
  });

  it('may come before the configuration is done, which may be said twice', async () => {
    const initialized = session().waitForEvent('initialized');
    copyFileSync(DISK, session().disk);
    await session().launchRequest({
      kernel: KERNEL,
      disk: session().disk,
      harts: 1,
      legacyVirtio: false,
    } as unknown as DebugProtocol.LaunchRequestArguments);
    await initialized;
    await session().restartRequest({});
    await session().configurationDoneRequest();
    await session().configurationDoneRequest();
    await session().written('$ ');
    assert.equal(session().messages, '');
    await session().disconnectRequest();
    assert.equal(await session().ended, 0);
  });

  it('ends the session with a word of why when the kernel has gone', async () => {
    const kernel = join(session().folder, 'kernel');
    copyFileSync(KERNEL, kernel);
    await session().boot({ kernel });
    await session().written('$ ');
    writeFileSync(kernel, 'rubbish');
    const terminated = session().waitForEvent('terminated');
    await assert.rejects(session().restartRequest({}), /ELF/);
    await terminated;
  });
});
