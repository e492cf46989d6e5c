import { strict as assert } from 'node:assert';
import { kernelWithBug, sessions, type TestSession } from './support';

async function info(session: TestSession, threadId = 1): Promise<{ exceptionId: string; description?: string }> {
  const { body } = await session.customRequest('exceptionInfo', { threadId });
  return body as { exceptionId: string; description?: string };
}

describe('exception filters', function () {
  this.timeout(60_000);
  const session = sessions();

  it('are declared, each with a condition', async () => {
    const { body } = await session().initializeRequest();
    assert.deepEqual(
      body?.exceptionBreakpointFilters?.map(({ filter, supportsCondition }) => [filter, supportsCondition]),
      ['satp-write', 'page-fault', 'kernel-trap', 'timer-interrupt', 'system-call'].map((filter) => [filter, true]),
    );
    assert.ok(body?.exceptionBreakpointFilters?.every(({ conditionDescription }) => conditionDescription));
  });

  it('satp write: stops behind the instruction, and says from what to what', async () => {
    await session().boot({ filters: ['satp-write'] });
    const stop = await session().stopped();
    assert.equal(stop.reason, 'exception');
    assert.match((await session().places())[0]!, /^start kernel\/start\.c/);
    await session().goOn();
    assert.match((await session().places())[0]!, /^kvminithart kernel\/vm\.c/);
    const { exceptionId, description } = await info(session());
    assert.equal(exceptionId, 'satp write');
    assert.match(
      description!,
      /satp was Bare.*; it is now Sv39, ASID 0, root 0x8[0-9a-f]{7}\nby the instruction at .*\(kvminithart\+\d+ at vm\.c:\d+\)/,
    );
    assert.match(await session().value('$satp'), /^Sv39/);
  });

  it('satp write with a condition on the value before', async () => {
    await session().boot({ filters: [{ filterId: 'satp-write', condition: '$before != 0 && $before != $satp' }] });
    await session().stopped();
    assert.match((await session().places())[0]!, /^userret/);
  });

  it('system call: by number, at the ecall', async () => {
    await session().boot({ filters: [{ filterId: 'system-call', condition: '$a7 == 16' }] });
    const stop = await session().stopped();
    assert.match(stop.description ?? '', /system call from user mode.*16, sys_write/);
    assert.match((await session().places())[0]!, /^write user\/usys\.S:\d+$/);
    assert.equal(await session().value('proc[0].pid'), '1', 'the kernel can be read from here');
    const rows = await session().scope('Trap about to be taken');
    assert.equal(rows.find(({ name }) => name === 'cause')!.value, '8 (system call from user mode)');
    await session().setFilters();
    await session().continueRequest({ threadId: 1 });
    await session().written('$ ');
  });

  it('timer interrupt', async () => {
    await session().boot();
    await session().written('$ ');
    await session().setFilters({ filterId: 'timer-interrupt', condition: '$hart == 0' });
    const stop = await session().stopped();
    assert.match(stop.description ?? '', /timer interrupt/);
    const next = await session().goOn();
    assert.match(next.description ?? '', /timer interrupt/);
  });

  it('page fault: with the walk, at a page the kernel may not read', async () => {
    await session().boot({
      kernel: kernelWithBug(11),
      filters: [{ filterId: 'page-fault', condition: 'kernel load' }],
    });
    const stop = await session().stopped();
    assert.match(stop.description ?? '', /load page fault/);
    const { exceptionId, description } = await info(session());
    assert.equal(exceptionId, 'load page fault');
    assert.match(description!, /U=1, mode S, sstatus\.SUM=0/);
    assert.match(
      description!,
      /walk of 0x[0-9a-f]+ from root 0x8[0-9a-f]+:\n {2}level 2 .*\n {2}level 1 .*\n {2}level 0 /,
    );
  });

  it('page fault: a condition that excludes it lets it pass', async () => {
    await session().boot({ kernel: kernelWithBug(11), filters: [{ filterId: 'page-fault', condition: 'fetch' }] });
    const stop = await session().stopped();
    assert.match(stop.description ?? '', /^panic: kerneltrap/);
  });

  it('page fault: a condition in C sees stval before the trap is taken', async () => {
    await session().boot({
      kernel: kernelWithBug(11),
      filters: [{ filterId: 'page-fault', condition: '$scause == 13 && $stval > 0' }],
    });
    assert.match((await session().stopped()).description ?? '', /load page fault/);
  });

  it('kernel trap: stops at the first fault, where it happens', async () => {
    await session().boot({ kernel: kernelWithBug(4), filters: ['kernel-trap'] });
    const stop = await session().stopped();
    assert.match(stop.description ?? '', /page fault/);
    assert.match((await info(session())).description!, /guard|not valid|V=0|outside|stack/i);
  });

  it('a wrong condition stops, and says what is wrong with it', async () => {
    await session().boot({ filters: [{ filterId: 'system-call', condition: 'nonsense > 1' }] });
    assert.match((await session().stopped()).description ?? '', /"nonsense > 1" failed.*nonsense/);
  });

  it('a condition that is no expression is not verified', async () => {
    await session().boot({ stopOnEntry: true });
    await session().stopped();
    const answers = await session().setFilters(
      { filterId: 'system-call', condition: '$a7 ==' },
      { filterId: 'kernel-trap', condition: '(uint64)$scause == 13' },
      { filterId: 'page-fault', condition: 'user store' },
    );
    assert.deepEqual(
      answers.map(({ verified }) => verified),
      [false, true, true],
    );
    assert.match(answers[0]!.message ?? '', /"\$a7 ==" is not valid: expression:1:/);
  });

  it('a filter that does not exist is not verified', async () => {
    await session().boot({ stopOnEntry: true });
    await session().stopped();
    const [breakpoint] = await session().setFilters('everything');
    assert.equal(breakpoint!.verified, false);
  });
});

describe('unasked', function () {
  this.timeout(60_000);
  const session = sessions();

  it('panic stops where it is called, with its message', async () => {
    await session().boot({ kernel: kernelWithBug(42) });
    const stop = await session().stopped();
    assert.equal(stop.reason, 'exception');
    assert.equal(stop.description, 'panic: freewalk: leaf');
    const places = await session().places();
    assert.match(places[0]!, /^panic kernel\/printf\.c/);
    assert.match(places[1]!, /^freewalk kernel\/vm\.c/);
    assert.deepEqual(await info(session()), {
      exceptionId: 'panic',
      description: 'panic: freewalk: leaf',
      breakMode: 'always',
    });
  });

  it('a guest that jumps to nowhere stops with the first fault and the handler that cannot be reached', async () => {
    await session().boot({ stopOnEntry: true });
    await session().stopped();
    await session().evaluateRequest({ expression: '$pc = 0x40', context: 'repl' });
    const stop = await session().goOn();
    assert.equal(stop.description, 'Trap loop');
    assert.match(
      (await info(session())).description!,
      /hart 0 traps for ever.*\nIt began with: instruction access fault at 0x40/,
    );
  });

  it('a stack pointer to nowhere stops at the handler that cannot save registers there', async () => {
    await session().boot({ functions: ['scheduler'] });
    await session().stopped();
    await session().evaluateRequest({ expression: '$sp = 0x100', context: 'repl' });
    const stop = await session().goOn();
    assert.equal(stop.description, 'Trap loop');
    assert.match((await info(session())).description!, /traps for ever.*\n[^]*bad stack pointer/);
  });

  it('a satp that points outside RAM stops at once', async () => {
    await session().boot({ kernel: kernelWithBug(15) });
    const stop = await session().stopped();
    assert.equal(stop.description, 'Trap loop');
    assert.match((await info(session())).description!, /root 0x[0-9a-f]+ lies outside RAM/);
  });
});
