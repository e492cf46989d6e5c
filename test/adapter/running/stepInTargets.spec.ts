import { strict as assert } from 'node:assert';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { lineOf, TestSession } from '../support';

describe('stepInTargets', function () {
  this.timeout(60_000);
  let session: TestSession;

  const targets = async (threadId: number, level = 0): Promise<DebugProtocol.StepInTarget[]> => {
    const frame = (await session.stack(threadId))[level]!;
    return (await session.stepInTargetsRequest({ frameId: frame.id })).body.targets;
  };
  const stepInto = async (threadId: number, label: string): Promise<string> => {
    const target = (await targets(threadId)).find((one) => one.label === label);
    assert.ok(target, `no target ${label}`);
    await session.customRequest('stepIn', { threadId, targetId: target.id });
    const stop = await session.stopped();
    assert.equal(stop.reason, 'step');
    return (await session.stack(stop.threadId))[0]!.name;
  };

  before(async () => {
    session = await TestSession.open();
    await session.boot();
    await session.written('$ ');
  });
  after(() => session.stop());

  /** Types a line and stops at the one line of a program that matches. */
  async function stopAt(file: string, pattern: RegExp, typed: string): Promise<number> {
    await session.setLines(file, lineOf(file, pattern));
    await session.type(typed);
    const { threadId = 1 } = await session.stopped();
    await session.setLines(file);
    return threadId;
  }
  async function finish(): Promise<void> {
    const from = session.console.length;
    await session.continueRequest({ threadId: 1 });
    await session.written('$ ', from);
  }

  it('are the calls of a line, system calls with the kernel behind them', async () => {
    const thread = await stopAt('user/cat.c', /int fd = open\(argv/, 'cat README');
    assert.deepEqual(
      (await targets(thread)).map(({ label }) => label),
      ['open', 'sys_open (kernel)'],
    );
    assert.deepEqual(await targets(thread, 1), [], 'only the innermost frame can be stepped');
    assert.equal(await stepInto(thread, 'sys_open (kernel)'), 'sys_open');
    await finish();
  });

  it('lead into the one that is chosen, over those before it', async () => {
    const thread = await stopAt('user/ls.c', /if \(strlen\(path\) \+ 1/, 'ls');
    const labels = (await targets(thread)).map(({ label }) => label);
    assert.ok(labels.includes('strlen'), labels.join(', '));
    assert.equal(await stepInto(thread, 'strlen'), 'strlen');
    await finish();
  });

  it('are given in the kernel too, also for calls through pointers', async () => {
    await session.setLines('kernel/syscall.c', lineOf('kernel/syscall.c', /= syscalls\[number\]\(\);/));
    await session.type('echo');
    const { threadId = 1 } = await session.stopped();
    await session.setLines('kernel/syscall.c');
    const labels = (await targets(threadId)).map(({ label }) => label);
    assert.deepEqual(labels, ['(through a function pointer)']);
    assert.match(await stepInto(threadId, labels[0]!), /^sys_/);
    await finish();
  });

  it('that are none are refused', async () => {
    await session.setLines('user/echo.c', lineOf('user/echo.c', /^int main/) + 2);
    await session.type('echo');
    const { threadId = 1 } = await session.stopped();
    await session.setLines('user/echo.c');
    await assert.rejects(session.customRequest('stepIn', { threadId, targetId: 99 }), /no step-in target 99/);
    await finish();
  });
});
