/** Long journeys through the past: their progress is told, and a cancel ends them at once, where they began. */
import { strict as assert } from 'node:assert';
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { BookmarkInfo } from '../../../debug-adapter/protocol';
import { sessions, type TestSession } from '../support';

async function state(session: TestSession): Promise<string> {
  const registers = await session.scope('Registers');
  return [...(await session.places()), ...registers.map(({ name, value }) => `${name} = ${value}`)].join('\n');
}

describe('a long journey', function () {
  this.timeout(120_000);
  const current = sessions();

  /** A session with so long a past that it takes seconds to look through it. */
  async function aged(): Promise<TestSession> {
    const session = current();
    await session.boot({ harts: 1 });
    await session.written('$ ');
    await session.type('usertests');
    await new Promise((resolve) => setTimeout(resolve, 4000));
    await session.pauseRequest({ threadId: 1 });
    await session.stopped();
    return session;
  }

  it('tells of its progress, and is cancelled', async () => {
    const session = await aged();
    await session.setFunctionBreakpointsRequest({ breakpoints: [{ name: 'main', condition: '0' }] });
    const before = await state(session);
    const events: string[] = [];
    for (const name of ['progressStart', 'progressUpdate', 'progressEnd', 'stopped'])
      session.on(name, () => events.push(name));
    for (let i = 0; i < 5; i++) {
      events.length = 0;
      const started = session.waitForEvent('progressStart') as Promise<DebugProtocol.ProgressStartEvent>;
      const updated = session.waitForEvent('progressUpdate') as Promise<DebugProtocol.ProgressUpdateEvent>;
      await session.customRequest('reverseContinue', { threadId: 1 });
      const { progressId, title, cancellable } = (await started).body;
      assert.deepEqual([title, cancellable], ['Running back to the stop before', true]);
      assert.match((await updated).body.message!, /^at [\d.]+ (ms|s)$/);
      await new Promise((resolve) => setTimeout(resolve, 100 * i));
      void session.customRequest('cancel', { progressId });
      const { reason } = await session.stopped();
      assert.equal(reason, 'pause');
      assert.deepEqual(events.slice(-2), ['progressEnd', 'stopped']);
      assert.equal(events.filter((name) => name === 'progressStart').length, 1);
      assert.equal(await state(session), before);
    }
    // Of another one, and of one that is over, a cancel is no matter.
    await session.customRequest('cancel', { progressId: 'progress 1' });
    await session.setFunctionBreakpointsRequest({ breakpoints: [] });
    const from = session.console.length;
    await session.continueRequest({ threadId: 1 });
    await session.written('OK', from);
  });

  it('into another future is cancelled as well, and leaves that where it was', async () => {
    const session = await aged();
    const names = async (): Promise<string[]> => {
      const { bookmarks } = await session.ask('xv6.bookmarks', {});
      return bookmarks.map(({ name, abandoned }) => `${name}${abandoned ? ', abandoned' : ''}`);
    };
    await session.setFunctionBreakpointsRequest({ breakpoints: [{ name: 'main' }] });
    await session.customRequest('reverseContinue', { threadId: 1 });
    await session.stopped();
    await session.ask('xv6.branch', {});
    await session.customRequest('setExpression', { expression: '$t0', value: '1' });
    const [before, all] = [await state(session), await names()];
    const [{ id }] = (await session.ask('xv6.bookmarks', {})).bookmarks as [BookmarkInfo];
    const started = session.waitForEvent('progressStart') as Promise<DebugProtocol.ProgressStartEvent>;
    await session.ask('xv6.goToBookmark', { id });
    void session.customRequest('cancel', { progressId: (await started).body.progressId });
    await session.stopped();
    assert.equal(await state(session), before);
    assert.deepEqual((await names()).length, all.length);
    assert.match((await names()).join(), /^Abandoned future \d, abandoned$/);
    // And is gone to, if it is let.
    const [again] = (await session.ask('xv6.bookmarks', {})).bookmarks;
    await session.ask('xv6.goToBookmark', { id: again!.id });
    const { reason, text } = await session.stopped();
    assert.equal(reason, 'goto', text);
    // What was written in the one of before makes a future of it.
    assert.match((await names()).join(), /^Abandoned future \d, abandoned$/);
  });
});
