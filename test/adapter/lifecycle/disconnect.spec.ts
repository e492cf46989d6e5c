import { strict as assert } from 'node:assert';
import { readdirSync, readFileSync } from 'node:fs';
import type { LaunchAttributes } from '../../../debug-adapter/protocol';
import { DISK, sessions, type TestSession } from '../support';

/** Writes a file in the guest. Returns the text that its disk image must then contain. */
async function writeNote(session: TestSession, attributes: LaunchAttributes = {}): Promise<string> {
  await session.boot(attributes);
  await session.written('$ ');
  const from = await session.type('echo a-word-to-be-found > note');
  await session.written('$ ', from);
  return 'a-word-to-be-found';
}

const saved = (session: TestSession): string => readFileSync(session.disk, 'latin1');

describe('the end of a session', function () {
  this.timeout(60_000);
  const session = sessions();

  it('disconnect saves the disk and ends the adapter', async () => {
    const note = await writeNote(session());
    await session().disconnectRequest();
    assert.equal(await session().ended, 0);
    assert.ok(saved(session()).includes(note));
    assert.deepEqual(readdirSync(session().folder), ['fs.img']);
  });

  it('leaves the disk image as it is, if the machine has only a snapshot of it', async () => {
    await writeNote(session(), { snapshot: true });
    await session().terminateRequest();
    assert.ok(readFileSync(session().disk).equals(readFileSync(DISK)));
  });

  it('terminate saves the disk and says that it is over', async () => {
    const note = await writeNote(session());
    const terminated = session().waitForEvent('terminated');
    await session().terminateRequest();
    await terminated;
    assert.ok(saved(session()).includes(note));
    await assert.rejects(
      session()
        .threadsRequest()
        .then(() => session().pauseRequest({ threadId: 1 })),
      /No kernel/,
    );
  });

  it('a client that is gone, its pipe closed in the middle of a run, ends the adapter with the disk saved', async () => {
    const note = await writeNote(session());
    session().process.stdin.end();
    assert.equal(await session().ended, 0);
    assert.ok(saved(session()).includes(note));
  });

  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGKILL'] as const) {
    it(`${signal} ends it at once, and loses nothing that the guest has been told is on its disk`, async () => {
      const note = await writeNote(session());
      session().process.kill(signal);
      await session().ended;
      assert.equal(session().process.signalCode, signal);
      assert.ok(saved(session()).includes(note));
      assert.deepEqual(readdirSync(session().folder), ['fs.img']);
    });
  }

  it('what is written is in the image at once, though the session goes on', async () => {
    const note = await writeNote(session());
    assert.ok(saved(session()).includes(note));
  });

  it('restart gives the image back and takes it again', async () => {
    const note = await writeNote(session());
    const before = session().console.length;
    await session().restartRequest({ arguments: undefined });
    await session().written('$ ', before);
    const from = await session().type('cat note');
    await session().written(note, from);
  });

  it('a guest that powers off ends the session with its exit code', async () => {
    await session().boot({ stopOnEntry: true });
    await session().stopped();
    const exited = session().waitForEvent('exited');
    const terminated = session().waitForEvent('terminated');
    // sw a1, 0(a0), which writes "pass" to the test finisher.
    await session().value('*(int *)&main = 0x00b52023', 'repl');
    await session().setFunctionBreakpointsRequest({ breakpoints: [] });
    await session().customRequest('setInstructionBreakpoints', {
      breakpoints: [{ instructionReference: await session().value('(uint64)&main', 'watch') }],
    });
    await session().goOn();
    await session().value('$a0 = 0x100000', 'repl');
    await session().value('$a1 = 0x5555', 'repl');
    await session().continueRequest({ threadId: 1 });
    assert.equal(((await exited).body as { exitCode: number }).exitCode, 0);
    await terminated;
  });

  it('garbage on its input ends the adapter with a message', async () => {
    session().process.stdin.write('GET / HTTP/1.1\r\nHost: nobody\r\n\r\n');
    assert.equal(await session().ended, 1);
    assert.match(session().messages, /not the Debug Adapter Protocol/);
  });
});
