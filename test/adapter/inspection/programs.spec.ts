import { strict as assert } from 'node:assert';
import { lineOf, source, TestSession } from '../support';

/** User programs in the debugger: one session, in the order of the tests. */
describe('user programs', function () {
  this.timeout(60_000);
  let session: TestSession;
  const pidOf = async (thread: number): Promise<string> => {
    const { threads } = (await session.threadsRequest()).body;
    return /pid (\d+)/.exec(threads.find(({ id }) => id === thread)!.name)![1]!;
  };
  const names = async (thread = 1): Promise<string[]> => (await session.stack(thread)).map(({ name }) => name);

  before(async () => {
    session = await TestSession.open();
    await session.boot({
      harts: 3,
      functions: ['init:main', 'sh!run_line', 'nosuch:main', 'sh:nosuch'],
      lines: [{ file: 'user/echo.c', lines: [lineOf('user/echo.c', /^int main/) + 2] }],
    });
  });
  after(() => session.stop());

  it('have their breakpoints bound before they run', async () => {
    const line = lineOf('user/cat.c', /while \(\(n = read/);
    const [cat] = await session.setLines('user/cat.c', line);
    assert.equal(cat!.verified, true);
    assert.equal(cat!.line, line);
    await session.setLines('user/cat.c');
  });

  it('say which program or function there is none of', async () => {
    const { body } = await session.setFunctionBreakpointsRequest({
      breakpoints: ['init:main', 'nosuch:main', 'sh:nosuch', 'main', 'nowhere', 'kernel:main', 'sh!main'].map(
        (name) => ({ name }),
      ),
    });
    const said = body.breakpoints.map(({ verified, message, source: at }) => message ?? `${verified} ${at?.name}`);
    assert.deepEqual(said, [
      'true init.c',
      'There is no user program "nosuch": no file user/_nosuch was found.',
      'sh has no function "nosuch".',
      'true main.c',
      'Neither the kernel nor any user program has a function "nowhere".',
      'true main.c',
      'true sh.c',
    ]);
  });

  it('stop in the first program and, after exec, in the shell', async () => {
    const places: string[] = [];
    // The kernel's own main may come first: it has a breakpoint too.
    for (;;) {
      const { threadId = 1 } = await session.stopped();
      places.push((await names(threadId)).join(' < '));
      const [frame] = await session.stack(threadId);
      if (frame!.source?.name === 'sh.c') break;
      await session.continueRequest({ threadId: 1 });
    }
    assert.deepEqual(places.slice(-2), ['main < start', 'main < start']);
    await session.setFunctionBreakpointsRequest({ breakpoints: [{ name: 'sh!run_line' }] });
    await session.continueRequest({ threadId: 1 });
    await session.written('$ ');
  });

  it('have frames, variables and expressions of their own', async () => {
    await session.type('echo one');
    const { threadId = 1 } = await session.stopped();
    assert.deepEqual(await names(threadId), ['run_line', 'main', 'start']);
    const [frame] = await session.stack(threadId);
    assert.equal(frame!.source?.path, source('user/sh.c'));
    assert.equal(await session.value('(char *)line', 'watch', frame!.id), '0x1000 <line.0> "echo one"');
    assert.match(await session.value('sizeof(struct command)', 'watch', frame!.id), /^\d+$/);
    const locals = (await session.scope('Arguments', threadId)).map(({ name, value }) => `${name} = ${value}`);
    assert.deepEqual(locals, ['line = 0x1000 <line.0> "echo one"']);
    const { memoryReference } = (
      await session.evaluateRequest({ expression: 'line', context: 'watch', frameId: frame!.id })
    ).body;
    const { body } = (await session.customRequest('readMemory', { memoryReference, count: 8 })) as {
      body: { data: string };
    };
    assert.equal(Buffer.from(body.data, 'base64').toString(), 'echo one');
    await session.setFunctionBreakpointsRequest({ breakpoints: [] });
  });

  it('stop only where they run, not at the same address of another', async () => {
    // The breakpoint in echo stops; the shell and cat run over its address.
    const { threadId = 1 } = await session.goOn();
    assert.deepEqual(await names(threadId), ['main', 'start']);
    const [frame] = await session.stack(threadId);
    assert.equal(frame!.source?.name, 'echo.c');
    const address = BigInt(frame!.instructionPointerReference!);
    await session.setLines('user/echo.c');
    // In cat, at or shortly after the address of the breakpoint in echo, which must not stop another program.
    const first = lineOf('user/cat.c', /^static int cat/);
    const { body } = await session.setBreakpointsRequest({
      source: { path: source('user/cat.c') },
      breakpoints: Array.from({ length: 12 }, (_, index) => ({ line: first + index })),
    });
    assert.ok(body.breakpoints.some(({ instructionReference }) => BigInt(instructionReference!) <= address));
    await session.setLines('user/echo.c', lineOf('user/echo.c', /^int main/) + 2);
    await session.setLines('user/cat.c');
    await session.continueRequest({ threadId: 1 });
    await session.written('one\n$ ');
    const from = await session.type('wc README');
    await session.written('$ ', from);
    await session.setLines('user/echo.c');
  });

  it('have instructions of their own to stop at, which stay theirs when they are said again', async () => {
    const line = lineOf('user/echo.c', /^int main/) + 2;
    await session.setLines('user/echo.c', line);
    await session.type('echo three');
    const { threadId = 1 } = await session.stopped();
    await session.setLines('user/echo.c');
    const instructionReference = (await session.stack(threadId))[0]!.instructionPointerReference!;
    const set = async (): Promise<void> => {
      const { body } = (await session.customRequest('setInstructionBreakpoints', {
        breakpoints: [{ instructionReference }],
      })) as { body: { breakpoints: { verified: boolean }[] } };
      assert.equal(body.breakpoints[0]!.verified, true);
    };
    await set();
    let from = session.console.length;
    await session.continueRequest({ threadId: 1 });
    await session.written('$ ', from);
    await set();
    from = await session.type('cat README | wc');
    await session.written('$ ', from);
    await session.type('echo four');
    const stop = await session.stopped();
    assert.equal(stop.reason, 'instruction breakpoint');
    const [frame] = await session.stack(stop.threadId);
    assert.equal(frame!.source?.name, 'echo.c');
    await session.customRequest('setInstructionBreakpoints', { breakpoints: [] });
    from = session.console.length;
    await session.continueRequest({ threadId: 1 });
    await session.written('$ ', from);
  });

  it('share a library, each with its own copy of the line', async () => {
    const line = lineOf('user/ulib.c', /^int atoi/) + 2;
    const [atoi] = await session.setLines('user/ulib.c', line);
    assert.equal(atoi!.verified, true);
    await session.type('kill 77');
    const { threadId = 1 } = await session.stopped();
    assert.deepEqual(await names(threadId), ['atoi', 'main', 'start']);
    assert.equal((await session.stack(threadId))[1]!.source?.name, 'kill.c');
    await session.setLines('user/ulib.c');
    await session.continueRequest({ threadId: 1 });
    await session.written('no process 77');
  });

  it('have children, whose breakpoints are theirs too', async () => {
    const line = lineOf('user/sh.c', /if \(pid == 0\)/);
    await session.setLines('user/sh.c', line);
    await session.type('echo two');
    const pids: string[] = [];
    for (let child = 0; child < 2; child++) {
      const { threadId = 1 } = await session.stopped();
      assert.equal((await names(threadId))[0], 'pipeline');
      pids.push(await pidOf(threadId));
      if (child === 0) await session.continueRequest({ threadId: 1 });
    }
    assert.notEqual(pids[0], pids[1]);
    await session.setLines('user/sh.c');
    const from = session.console.length;
    await session.continueRequest({ threadId: 1 });
    await session.written('$ ', from);
  });

  it('are among the sources and their lines take breakpoints', async () => {
    const { sources } = (await session.customRequest('loadedSources')).body as {
      sources: { name: string; path: string }[];
    };
    const paths = sources.map(({ path }) => path);
    for (const file of ['kernel/proc.c', 'user/sh.c', 'user/usys.S', 'user/usertests.c'])
      assert.ok(paths.includes(source(file)), `${file} is missing`);
    assert.equal(new Set(paths).size, paths.length);
    const line = lineOf('user/wc.c', /^int main/);
    const { body } = (await session.customRequest('breakpointLocations', {
      source: { path: source('user/wc.c') },
      line,
      endLine: line + 5,
    })) as { body: { breakpoints: { line: number }[] } };
    assert.ok(body.breakpoints.length > 1);
  });
});
