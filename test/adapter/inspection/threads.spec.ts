/** threads: harts and processes. Whole pictures of them are golden texts; see golden.ts. */
import { strict as assert } from 'node:assert';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { golden, masked } from '../golden';
import { names, shellAsleep, stackText, threadsText } from '../stacks';
import { lineOf, source, TestSession } from '../support';

describe('threads', function () {
  this.timeout(60_000);
  let session: TestSession;
  before(async () => {
    session = await TestSession.open();
    await session.boot();
    await session.written('$ ');
    await shellAsleep(session);
  });
  after(() => session.stop());

  const functions = async (...wanted: string[]): Promise<void> => {
    await session.setFunctionBreakpointsRequest({ breakpoints: wanted.map((name) => ({ name })) });
  };
  const picture = async (name: string): Promise<void> => golden(name, masked((await threadsText(session)).join('\n')));
  /** Continues until the stack of a stop has all of these functions. */
  const until = async (...wanted: string[]): Promise<void> => {
    for (let stops = 0; stops < 200; stops++) {
      const { threadId } = stops === 0 ? await session.stopped() : await session.goOn();
      const found = await names(session, threadId);
      if (wanted.every((name) => found.includes(name))) return;
    }
    assert.fail(`no stop with ${wanted.join(', ')}`);
  };
  /** Makes the timer interrupt pending, so that it comes at the next instruction if interrupts are on. */
  const due = async (): Promise<void> => {
    await session.evaluateRequest({ expression: '$stimecmp = 0', context: 'repl' });
  };
  const finish = async (): Promise<void> => {
    await functions();
    const from = session.console.length;
    await session.continueRequest({ threadId: 1 });
    await session.written('$ ', from);
    await shellAsleep(session);
  };

  it('are the harts and the processes that none of them runs, with what they wait for', async () => {
    await session.pauseRequest({ threadId: 1 });
    await session.stopped();
    await picture('threads-idle');
    await session.continueRequest({ threadId: 1 });
  });

  it('are the scheduler from its return on, in conditions and expressions too, while cpus still names a process', async () => {
    const line = lineOf('kernel/sched.c', /swtch\(&c->context, &p->context\);/) + 4;
    const set = async (breakpoints: DebugProtocol.SourceBreakpoint[]): Promise<void> => {
      await session.setBreakpointsRequest({ source: { path: source('kernel/sched.c') }, breakpoints });
    };
    await set([{ line, condition: '$pid == 0 && c->proc != 0' }]);
    await session.type('');
    const { threadId } = await session.stopped();
    assert.ok((await names(session, threadId)).includes('scheduler'));
    assert.equal(await session.value('$pid'), '0');
    assert.equal(await session.value('$proc'), '0x0');
    const { threads } = (await session.threadsRequest()).body;
    assert.match(threads.find(({ id }) => id === threadId)!.name, /scheduler/);
    await set([]);
    await session.continueRequest({ threadId: 1 });
    await shellAsleep(session);
  });

  it('have ids that a process keeps until it ends, whether it runs or not', async () => {
    await functions('consoleread');
    await session.type('echo');
    const idOf = async (name: string): Promise<number | undefined> =>
      (await session.ask('xv6.processes', {})).processes.find((one) => one.name === name)?.threadId;
    await session.stopped();
    assert.equal(await idOf('sh'), 1, 'sh runs: it is seen at its hart');
    const { threads } = (await session.threadsRequest()).body;
    const init = threads.find(({ name }) => name.startsWith('pid 1 init'))!;
    assert.ok(init.id > 8);
    await functions();
    await session.continueRequest({ threadId: 1 });
    await shellAsleep(session);
    await session.pauseRequest({ threadId: 1 });
    await session.stopped();
    const sh = (await idOf('sh'))!;
    assert.ok(sh > 8 && sh !== init.id);
    assert.equal(await idOf('init'), init.id);
    // While the process runs, its thread id means its hart.
    await functions('consoleread');
    await session.continueRequest({ threadId: 1 });
    await session.type('echo');
    await session.stopped();
    assert.deepEqual(await names(session, sh), await names(session, 1));
    await assert.rejects(
      session.stackTraceRequest({ threadId: sh + 1 }),
      /There is no thread \d+: its process has ended/,
    );
    await finish();
  });

  it('from the program’s main to the disk driver, and who waits meanwhile', async () => {
    await functions('virtio_disk_rw');
    await session.type('cat README');
    await until('virtio_disk_rw', 'fileread');
    golden('stack-disk', await stackText(session, 1));
    await functions('scheduler', 'virtio_disk_intr');
    await session.goOn();
    await picture('threads-disk-interrupt');
    await finish();
  });

  it('a page fault, and a process that it has ended', async () => {
    await functions('setkilled');
    await session.type('pagefault beyond');
    await session.stopped();
    golden('stack-page-fault', await stackText(session, 1));
    await functions('uvmfree');
    await session.goOn();
    await picture('threads-zombie');
    await finish();
  });

  it('a jump to where no code is, with who made it', async () => {
    await functions('setkilled');
    await session.type('pagefault exec');
    await session.stopped();
    golden('stack-jump-to-nowhere', await stackText(session, 1));
    await finish();
  });

  it('a timer interrupt in a user program', async () => {
    await session.setLines('user/echo.c', 6);
    await session.type('echo');
    await session.stopped();
    await session.setLines('user/echo.c');
    await functions('yield');
    await due();
    await session.goOn();
    golden('stack-timer-user', await stackText(session, 1));
    await finish();
  });

  it('a timer interrupt in the kernel in the midst of a system call, and the process that it parks', async () => {
    await functions('sys_open');
    await session.type('cat README');
    await session.stopped();
    await functions('yield');
    await due();
    await session.goOn();
    golden('stack-timer-kernel', await stackText(session, 1));
    await functions('swtch');
    await session.goOn();
    await session.goOn();
    await picture('threads-parked-by-timer');
    await finish();
  });

  it('a process that has not run yet', async () => {
    await functions('forkret');
    await session.type('echo');
    await session.stopped();
    golden('stack-forkret', await stackText(session, 1));
    await finish();
  });

  it('a step of a parked process waits for it to run, and then steps', async () => {
    await session.pauseRequest({ threadId: 1 });
    await session.stopped();
    const sh = (await session.ask('xv6.processes', {})).processes.find(({ name }) => name === 'sh')!;
    assert.equal((await session.stack(sh.threadId))[0]!.name, 'sched');
    await session.stepOutRequest({ threadId: sh.threadId });
    await session.type('echo');
    const stop = await session.stopped();
    assert.equal(stop.reason, 'step');
    const found = await names(session, stop.threadId);
    assert.deepEqual(found.slice(0, 2), ['sleep', 'consoleread']);
    assert.equal(found.at(-3), 'readline');
    await finish();
  });

  it('a pause may name a parked process: its stack is what is shown', async () => {
    const sh = (await session.ask('xv6.processes', {})).processes.find(({ name }) => name === 'sh')!;
    await session.pauseRequest({ threadId: sh.threadId });
    assert.equal((await session.stopped()).threadId, sh.threadId);
    await assert.rejects(session.pauseRequest({ threadId: 4711 }), /There is no thread 4711/);
  });
});
