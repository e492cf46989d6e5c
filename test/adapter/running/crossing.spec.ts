import { strict as assert } from 'node:assert';
import { lineOf, sessions, TestSession, type Stop } from '../support';

/** Steps between user programs and the kernel, and between programs. */
describe('stepping across the border', function () {
  this.timeout(60_000);
  let session: TestSession;
  let at = 1;

  const names = async (): Promise<string[]> => (await session.stack(at)).map(({ name }) => name);
  const place = async (): Promise<string> => (await session.places(at))[0]!;
  const pc = async (): Promise<bigint> => BigInt((await session.stack(at))[0]!.instructionPointerReference!);
  const pid = async (): Promise<string> => {
    const { threads } = (await session.threadsRequest()).body;
    return /pid (\d+)/.exec(threads.find(({ id }) => id === at)!.name)![1]!;
  };
  async function step(
    kind: 'next' | 'stepIn' | 'stepOut',
    granularity: 'statement' | 'instruction' = 'statement',
  ): Promise<string> {
    const stop = await session.step(kind, at, granularity);
    assert.equal(stop.reason, 'step');
    at = stop.threadId!;
    return place();
  }
  /** Types a line and stops at the one line of a program that matches. */
  async function stopAt(file: string, pattern: RegExp, typed: string): Promise<void> {
    await session.setLines(file, lineOf(file, pattern));
    await session.type(typed);
    const stop = await session.stopped();
    assert.equal(stop.reason, 'breakpoint');
    at = stop.threadId!;
    await session.setLines(file);
  }
  before(async () => {
    session = await TestSession.open();
    await session.boot({ harts: 3 });
    await session.written('$ ');
  });
  after(() => session.stop());
  afterEach(async () => {
    const from = session.console.length;
    await session.continueRequest({ threadId: 1 });
    await session.written('$ ', from);
  });

  it('goes from a call of read through its stub into sys_read, and out again', async () => {
    await stopAt('user/cat.c', /while \(\(n = read/, 'cat README');
    const line = await place();
    assert.match(await step('stepIn'), /^read user\/usys\.S/);
    assert.match(await step('stepIn'), /^sys_read kernel\/sysfile\.c/);
    const stack = await names();
    assert.deepEqual(stack.slice(0, 3), ['sys_read', 'syscall', 'usertrap']);
    assert.deepEqual(stack.slice(-4), ['read', 'cat', 'main', 'start']);
    assert.match(await step('stepOut'), /^read user\/usys\.S/);
    const { instruction } = (
      (await session.customRequest('disassemble', {
        memoryReference: `0x${(await pc()).toString(16)}`,
        instructionOffset: -1,
        instructionCount: 1,
      })) as { body: { instructions: { instruction: string }[] } }
    ).body.instructions[0]!;
    assert.match(instruction, /^ecall/, 'it stands behind the ecall');
    assert.equal(await step('stepOut'), line);
    assert.match(await session.value('$a0', 'watch', (await session.stack(at))[0]!.id), /^0x[1-9a-f]/);

    // The loop writes what it has read, and reads again: stepping over stays in it.
    const lines = [await place()];
    for (let count = 0; count < 4; count++) lines.push(await step('next'));
    assert.ok(
      lines.every((one) => one.startsWith('cat user/cat.c:')),
      lines.join('\n'),
    );
    assert.ok(new Set(lines).size > 1);
  });

  it('goes out of usertrap into the program', async () => {
    await session.setLines('kernel/trap.c', lineOf('kernel/trap.c', /^ {4}syscall\(\);/));
    await session.type('echo x');
    at = (await session.stopped()).threadId!;
    await session.setLines('kernel/trap.c');
    assert.equal((await names())[0], 'usertrap');
    const caller = (await names()).slice(-3);
    const before = await pid();
    assert.match(await step('stepOut'), /user\/usys\.S/);
    assert.deepEqual((await names()).slice(-3), caller);
    assert.equal(await pid(), before);
  });

  it('goes with next from the end of usertrap into the program', async () => {
    await session.setLines('kernel/trap.c', lineOf('kernel/trap.c', /^ {2}usertrapret\(\);/));
    await session.type('echo x');
    at = (await session.stopped()).threadId!;
    await session.setLines('kernel/trap.c');
    const before = await pid();
    assert.match(await step('next'), /^\S+ user\//);
    assert.equal(await pid(), before);
  });

  it('follows a process over exec into its new program', async () => {
    await stopAt('user/sh.c', /^ {4}exec\(path, cmd->argv\);/, 'echo x');
    const before = await pid();
    assert.match(await step('next'), /^start user\/ulib\.c/);
    assert.equal(await pid(), before);
    assert.match(await step('stepIn'), /^main user\/echo\.c/);
  });

  it('says that a process has exited in the step, and stops', async () => {
    await stopAt('user/echo.c', /^ {2}return 0;/, 'echo x');
    const before = await pid();
    let stop: Stop | undefined;
    let last: string[] = [];
    for (let count = 0; count < 20 && stop?.text === undefined; count++) {
      last = await names();
      stop = await session.step('next', at);
      at = stop.threadId!;
    }
    assert.equal(stop?.reason, 'step');
    assert.equal(stop?.text, `The step cannot come to its end: pid ${before} echo has exited.`);
    assert.match(session.messages, /echo has exited/);
    assert.ok((await names()).includes('scheduler'), (await names()).join(' < '));
    // A step back undoes it all the same.
    await session.stepBackRequest({ threadId: at });
    at = (await session.stopped()).threadId!;
    assert.deepEqual(await names(), last);
  });

  it('stays with the parent over fork, and never ends in the child', async () => {
    await stopAt('user/sh.c', /int pid = fork\(\);/, 'echo x');
    const before = await pid();
    await step('next');
    assert.equal(await pid(), before);
    assert.notEqual(await session.value('pid', 'watch', (await session.stack(at))[0]!.id), '0');
  });

  it('stays with one process while others run, on whichever hart', async () => {
    await stopAt('user/forktest.c', /for \(int i = 0; i < made; i\+\+\)/, 'forktest');
    const before = await pid();
    for (let count = 0; count < 24; count++) {
      assert.match(await step('next'), /^main user\/forktest\.c/);
      assert.equal(await pid(), before);
    }
  });

  it('crosses by instructions: ecall, the trampoline both ways, sret', async () => {
    await stopAt('user/echo.c', /^ {2}printf\("\\n"\);/, 'echo x');
    await session.setLines('user/usys.S', lineOf('user/usys.S', /^SYSCALL\(write\)/));
    await session.continueRequest({ threadId: at });
    at = (await session.stopped()).threadId!;
    await session.setLines('user/usys.S');
    const start = await pc();
    const before = await pid();
    assert.match(await step('stepIn', 'instruction'), /^write user/);
    assert.match(await step('stepIn', 'instruction'), /^uservec kernel\/trampoline\.S/);
    const seen: string[] = [];
    for (let count = 0; count < 100 && seen.at(-1) !== 'usertrap'; count++)
      seen.push((await step('stepIn', 'instruction')).split(' ')[0]!);
    assert.deepEqual([...new Set(seen)], ['uservec', 'usertrap']);
    // To the return to user mode, and over it.
    await session.setFunctionBreakpointsRequest({ breakpoints: [{ name: 'userret' }] });
    await session.continueRequest({ threadId: at });
    for (;;) {
      at = (await session.stopped()).threadId!;
      if ((await pid()) === before) break;
      await session.continueRequest({ threadId: at });
    }
    await session.setFunctionBreakpointsRequest({ breakpoints: [] });
    let last = '';
    for (let count = 0; count < 100 && !last.startsWith('write '); count++) last = await step('next', 'instruction');
    assert.match(last, /^write user/);
    assert.equal(await pid(), before);
    assert.ok((await pc()) - start <= 8n, 'behind the ecall');
  });
});

describe('stepping in with stepIntoKernel: false', function () {
  this.timeout(60_000);
  const session = sessions();

  it('goes over system calls', async () => {
    await session().boot({ stepIntoKernel: false });
    await session().written('$ ');
    await session().setLines('user/cat.c', lineOf('user/cat.c', /int fd = open/));
    await session().type('cat README');
    await session().stopped();
    const places: string[] = [];
    for (let count = 0; count < 3; count++) {
      await session().step('stepIn');
      places.push((await session().places())[0]!.split(' ')[0]!);
    }
    assert.deepEqual(places, ['open', 'main', 'main']);
    await session().setLines('user/usys.S', lineOf('user/usys.S', /^SYSCALL\(write\)/));
    await session().goOn();
    await session().step('stepIn', 1, 'instruction');
    await session().step('stepIn', 1, 'instruction');
    assert.match((await session().places())[0]!, /^write user/);
  });
});
