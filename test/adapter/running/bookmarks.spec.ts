/** Bookmarks: instants by name, and the futures that were left for another one, over the protocol. */
import { strict as assert } from 'node:assert';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeRun } from '../../../emulator/history/recorded-run';
import type { BookmarkInfo } from '../../../debug-adapter/protocol';
import { sessions, TestSession, type Stop } from '../support';

const list = async (session: TestSession): Promise<BookmarkInfo[]> =>
  (await session.ask('xv6.bookmarks', {})).bookmarks;

/** The hash of the machine and the disk, and what the debugger knows, as a recording of it says. */
async function stateOf(session: TestSession): Promise<string> {
  const { base64 } = await session.ask('xv6.record', {});
  const { hash, checkpoints } = await decodeRun(Uint8Array.from(Buffer.from(base64, 'base64')));
  const text = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? value.toString() : value);
  return `${hash} ${JSON.stringify(checkpoints.at(-1)!.learned, text)}`;
}

async function go(session: TestSession, id: number): Promise<Stop> {
  await session.ask('xv6.goToBookmark', { id });
  return session.stopped();
}

describe('a bookmark', function () {
  this.timeout(120_000);
  const current = sessions();

  /** A shell that has executed a line, and waits. */
  async function said(session: TestSession, line: string, then: string): Promise<void> {
    const from = await session.type(line);
    await session.written(then, from);
  }

  async function paused(session: TestSession): Promise<void> {
    await session.pauseRequest({ threadId: 1 });
    await session.stopped();
  }

  it('is an instant by name, until it is removed', async () => {
    const session = current();
    await session.boot({ functions: ['sys_dup'], harts: 3 });
    await session.stopped();
    await assert.rejects(session.ask('xv6.setBookmark', { name: ' ' }), /has a name/);
    const { id } = await session.ask('xv6.setBookmark', { name: 'first dup' });
    assert.deepEqual(
      (await list(session)).map(({ name, isHere, abandoned }) => ({ name, isHere, abandoned })),
      [{ name: 'first dup', isHere: true, abandoned: undefined }],
    );
    const there = await stateOf(session);
    await session.goOn();
    assert.equal((await list(session))[0]!.isHere, undefined);
    const { description } = await go(session, id);
    assert.match(description!, /^Paused at first dup, .* before the present$/);
    assert.equal((await list(session))[0]!.isHere, true);
    assert.ok(there.length > 0);
    await session.ask('xv6.removeBookmark', { id });
    assert.deepEqual(await list(session), []);
    await assert.rejects(session.ask('xv6.goToBookmark', { id }), /no such bookmark/);
  });

  it('keeps each future that is left for another one, with all that was in it', async () => {
    const session = current();
    await session.boot({ harts: 3 });
    await session.written('$ ');
    await session.setFunctionBreakpointsRequest({ breakpoints: [{ name: 'sys_exec' }] });
    await session.type('echo one > file');
    await session.stopped();
    const start = await session.ask('xv6.setBookmark', { name: 'start' });
    await session.setFunctionBreakpointsRequest({ breakpoints: [] });
    const from = session.console.length;
    await session.continueRequest({ threadId: 1 });
    await session.written('$ ', from);
    await said(session, 'cat file', 'one\n$ ');
    await paused(session);
    await session.ask('xv6.setBookmark', { name: 'after one' });
    const first = await stateOf(session);

    await go(session, start.id);
    await session.ask('xv6.branch', {});
    // What was typed in the other future does not come in by itself.
    await session.continueRequest({ threadId: 1 });
    await said(session, 'echo two > other; cat other', 'two\n$ ');
    await paused(session);
    const second = await stateOf(session);
    assert.notEqual(second, first);
    const left = await list(session);
    assert.deepEqual(
      left.map(({ name, abandoned }) => [name, abandoned !== undefined]),
      [
        ['start', false],
        ['after one', true],
        ['Abandoned future 1', true],
      ],
    );
    const { abandoned, milliseconds } = left[2]!;
    assert.ok(abandoned!.from < abandoned!.to && abandoned!.to === milliseconds);

    const { description } = await go(session, left[2]!.id);
    assert.equal(description, 'Paused at Abandoned future 1');
    assert.equal(await stateOf(session), first);
    assert.deepEqual(
      (await list(session)).map(({ name, abandoned: other }) => [name, other !== undefined]),
      [
        ['start', false],
        ['after one', false],
        ['Abandoned future 2', true],
      ],
    );
    // A recording has them too.
    const { base64 } = await session.ask('xv6.record', {});
    const reader = await TestSession.open();
    try {
      const recording = join(reader.folder, 'run.xv6run');
      writeFileSync(recording, Buffer.from(base64, 'base64'));
      const initialized = reader.waitForEvent('initialized');
      await reader.launchRequest({ recording } as object);
      await initialized;
      await reader.configurationDoneRequest();
      await reader.stopped();
      assert.deepEqual(
        (await list(reader)).map(({ id: _, ...rest }) => rest),
        (await list(session)).map(({ id: _, ...rest }) => rest),
      );
      await go(reader, (await list(reader))[2]!.id);
      assert.equal(await stateOf(reader), second);
      await reader.continueRequest({ threadId: 1 });
      await said(reader, 'cat other', 'two\n$ ');
    } finally {
      await reader.stop();
    }

    await session.continueRequest({ threadId: 1 });
    await said(session, 'cat file', 'one\n$ ');
    await paused(session);
    // It is forgotten with its last bookmark.
    await session.ask('xv6.removeBookmark', { id: (await list(session))[2]!.id });
    assert.equal((await list(session)).length, 2);
  });
});
