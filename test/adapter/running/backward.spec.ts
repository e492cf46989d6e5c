/** Running backwards over the protocol: the same stops as forward, in reverse, with the same stacks and values. */
import { strict as assert } from 'node:assert';
import { compareInstants } from '../../../emulator/history/instant';
import { decodeRun } from '../../../emulator/history/recorded-run';
import { Machine } from '../../../emulator/machine';
import { lineOf, sessions, source, type Stop, type TestSession } from '../support';

/** Where a thread is, and what its innermost function has in its variables. */
async function state(session: TestSession, threadId: number): Promise<string> {
  const places = await session.places(threadId);
  const scopes = (await session.scopesRequest({ frameId: (await session.stack(threadId))[0]!.id })).body.scopes;
  const locals = scopes.find(({ name }) => name === 'Locals');
  const values = locals ? await session.children(locals.variablesReference) : [];
  return [...places, ...values.map(({ name, value }) => `${name} = ${value}`)].join('\n');
}

async function back(session: TestSession, request: string, threadId: number, more: object = {}): Promise<Stop> {
  await session.customRequest(request, { threadId, ...more });
  return session.stopped();
}

/** A session that has forgotten by which steps it came here, so that going back has to find them. */
const forget = (session: TestSession): Promise<unknown> => session.ask('xv6.branch', {});

describe('stepping back', function () {
  this.timeout(120_000);
  const current = sessions();

  for (const harts of [1, 3]) {
    it(`goes over the same lines as forward, with the same values (${harts} harts)`, async () => {
      const session = current();
      await session.boot({ functions: ['mappages'], harts });
      let { threadId } = await session.stopped();
      const seen: string[] = [];
      // The first line after the function's head; then round the loop.
      for (let i = 0; i < 6; i++) {
        ({ threadId } = await session.step('next', threadId!));
        seen.push(await state(session, threadId!));
      }
      await session.setFunctionBreakpointsRequest({ breakpoints: [] });
      await forget(session);
      for (const expected of seen.slice(0, -1).reverse()) {
        const stop = await back(session, 'stepBack', threadId!);
        assert.equal(await state(session, threadId!), expected);
        assert.match(stop.description!, /^Paused on step back, (less than 1|[\d.]+) (µs|ms) before the present$/);
      }
    });
  }

  it('comes back to the hart on which a step began that has ended on another one', async () => {
    const session = current();
    await session.boot({ harts: 3 });
    await session.written('$ ');
    await session.setLines('kernel/sysfile.c', lineOf('kernel/sysfile.c', /fileread\(f, argument/));
    await session.type('');
    let stop = await session.stopped();
    for (let tries = 0; tries < 300; tries++) {
      const { threadId } = stop;
      const begun = await state(session, threadId!);
      // The process sleeps until a line is there, and is woken by whichever hart takes the interrupt.
      const step = session.step('next', threadId);
      await session.type('');
      stop = await step;
      if (stop.threadId !== threadId) {
        stop = await back(session, 'stepBack', stop.threadId!);
        assert.equal(stop.threadId, threadId);
        assert.equal(await state(session, threadId!), begun);
        return;
      }
      stop = await session.goOn();
    }
    assert.fail('the process has stayed on its hart');
  });

  it('takes another thread than that of the last step back by its own lines', async () => {
    const session = current();
    await session.boot({ functions: ['sys_write'], harts: 3 });
    let stop = await session.stopped();
    const { threadId } = stop;
    await session.setFunctionBreakpointsRequest({ breakpoints: [] });
    await session.step('next', threadId);
    const other = threadId === 1 ? 2 : 1;
    const before = await state(session, other);
    stop = await back(session, 'stepBack', other);
    assert.equal(stop.threadId, other);
    assert.notEqual(await state(session, other), before);
  });

  it('goes over a call, into its last line, and out of it to the line that called', async () => {
    const session = current();
    const line = lineOf('kernel/vm.c', /pte_t \*pte = walk\(pagetable, va \+ offset, 1\)/);
    await session.boot({ lines: [{ file: 'kernel/vm.c', lines: [line] }], harts: 1 });
    await session.stopped();
    await session.step('next');
    await session.setLines('kernel/vm.c');
    const after = await state(session, 1);
    await forget(session);
    await back(session, 'xv6.stepBackInto', 1);
    const [within, caller] = await session.places();
    assert.match(within!, /^walk kernel/);
    assert.equal(caller, `mappages kernel/vm.c:${line}`);
    await back(session, 'xv6.stepBackOut', 1);
    assert.equal((await session.places())[0], `mappages kernel/vm.c:${line}`);
    await session.step('next');
    assert.equal(await state(session, 1), after);
    await back(session, 'stepBack', 1);
    assert.equal((await session.places())[0], `mappages kernel/vm.c:${line}`);
  });

  it('goes by instructions, through calls or over them', async () => {
    const session = current();
    await session.boot({ functions: ['walk'], harts: 1 });
    await session.stopped();
    const pcs: string[] = [];
    const pc = async (): Promise<string> => (await session.stack())[0]!.instructionPointerReference!;
    for (let i = 0; i < 30; i++) {
      pcs.push(await pc());
      await session.step('stepIn', 1, 'instruction');
    }
    await forget(session);
    await session.setFunctionBreakpointsRequest({ breakpoints: [] });
    for (const expected of pcs.reverse()) {
      await back(session, 'xv6.stepBackInto', 1, { granularity: 'instruction' });
      assert.equal(await pc(), expected);
    }
  });

  it('crosses from the kernel to the user program that called it', async () => {
    const session = current();
    await session.boot({ functions: ['sys_dup'], harts: 1 });
    await session.stopped();
    await session.setFunctionBreakpointsRequest({ breakpoints: [] });
    const places: string[] = [];
    for (let i = 0; i < 12 && !places.some((place) => place.startsWith('main ')); i++) {
      await back(session, 'xv6.stepBackOut', 1);
      places.push((await session.places())[0]!);
    }
    assert.match(places[0]!, /^syscall /);
    assert.match(places[1]!, /^usertrap /);
    assert.ok(
      places.some((place) => place.startsWith('main user/init.c')),
      places.join(', '),
    );
  });
});

describe('running backwards', function () {
  this.timeout(120_000);
  const current = sessions();

  it('stops at breakpoints, with conditions and hit counts, and where the run begins', async () => {
    const session = current();
    await session.boot({ functions: ['mappages'], harts: 1 });
    const seen = [await state(session, (await session.stopped()).threadId!)];
    for (let i = 0; i < 8; i++) {
      await session.goOn();
      seen.push(await state(session, 1));
    }
    for (const expected of seen.slice(0, -1).reverse()) {
      const { reason } = await back(session, 'reverseContinue', 1);
      assert.equal(reason, 'function breakpoint');
      assert.equal(await state(session, 1), expected);
    }
    const { description } = await back(session, 'reverseContinue', 1);
    assert.match(description!, /^Paused where the run begins/);
    // Forward again, by the present's own breakpoints, to where it was.
    for (const expected of seen) {
      await session.goOn();
      assert.equal(await state(session, 1), expected);
    }
    // It has been hit nine times, as often as it was met going forward.
    await session.setFunctionBreakpointsRequest({ breakpoints: [{ name: 'mappages', condition: 'size == 4096' }] });
    await back(session, 'reverseContinue', 1);
    assert.equal(await session.value('size'), '4096');
  });

  it('counts hits as of the instant', async () => {
    const session = current();
    await session.boot({ harts: 1 });
    await session.setFunctionBreakpointsRequest({ breakpoints: [{ name: 'mappages', hitCondition: '== 3' }] });
    const third = await state(session, (await session.stopped()).threadId!);
    await session.setFunctionBreakpointsRequest({
      breakpoints: [{ name: 'mappages', hitCondition: '== 3' }, { name: 'kvmmap' }],
    });
    for (let i = 0; i < 4; i++) await session.goOn();
    await session.setFunctionBreakpointsRequest({ breakpoints: [{ name: 'mappages', hitCondition: '== 3' }] });
    await back(session, 'reverseContinue', 1);
    assert.equal(await state(session, 1), third);
    assert.match((await back(session, 'reverseContinue', 1)).description!, /^Paused where the run begins/);
    await session.goOn();
    assert.equal(await state(session, 1), third);
  });

  it('takes the console back, and lives on in the present', async () => {
    const session = current();
    await session.ask('xv6.attachConsole', {}).catch(() => undefined);
    await session.boot({ harts: 3 });
    await session.ask('xv6.attachConsole', {});
    let shown = '';
    session.on('xv6.consoleOutput', ({ body }: { body: { text: string; replaces?: boolean } }) => {
      shown = body.replaces ? body.text : shown + body.text;
    });
    await session.written('$ ');
    await session.type('echo hello');
    await session.written('hello\n$ ');
    await session.setFunctionBreakpointsRequest({ breakpoints: [{ name: 'sys_exec' }] });
    await session.pauseRequest({ threadId: 1 });
    await session.stopped();
    const { threadId } = await back(session, 'reverseContinue', 1);
    assert.equal(shown.endsWith('$ echo hello\n'), true, JSON.stringify(shown));
    // Nothing may be changed there, until the user has said that he wants another future.
    await assert.rejects(session.ask('xv6.consoleInput', { text: 'x' }), /This is the past/);
    await assert.rejects(session.customRequest('setExpression', { expression: '$a0', value: '1' }), /This is the past/);
    await session.setFunctionBreakpointsRequest({ breakpoints: [] });
    await session.continueRequest({ threadId: threadId! });
    const from = session.console.length;
    await session.written('hello\n$ ', from - 200);
    await session.type('echo again');
    await session.written('again\n$ ', from);
    await session.pauseRequest({ threadId: 1 });
    await session.stopped();
    await session.setFunctionBreakpointsRequest({ breakpoints: [{ name: 'sys_exec' }] });
    await back(session, 'reverseContinue', 1);
    await session.ask('xv6.branch', {});
    await session.customRequest('setExpression', { expression: '$t0', value: '1' });
    await session.setFunctionBreakpointsRequest({ breakpoints: [] });
    await session.continueRequest({ threadId: 1 });
    await session.written('again\n$ ', session.console.length - 10);
  });

  it('is paused by a pause, and is then where it was', async () => {
    const session = current();
    await session.boot({ harts: 3 });
    await session.written('$ ');
    await session.type('usertests');
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await session.pauseRequest({ threadId: 1 });
    const { threadId } = await session.stopped();
    const before = await state(session, threadId!);
    await session.setFunctionBreakpointsRequest({ breakpoints: [{ name: 'main', condition: '0' }] });
    await session.customRequest('reverseContinue', { threadId });
    await session.pauseRequest({ threadId: threadId! });
    await session.stopped();
    assert.equal(await state(session, threadId!), before);
  });
});

describe('a question to the past', function () {
  this.timeout(120_000);
  const current = sessions();

  it('leads to the instruction that wrote a variable last', async () => {
    const session = current();
    await session.boot({ functions: ['sys_dup'], harts: 1 });
    await session.stopped();
    await session.setFunctionBreakpointsRequest({ breakpoints: [] });
    await session.ask('xv6.whoWrote', { name: 'nextpid' });
    const stop = await session.stopped();
    assert.match(stop.description!, /^Last write of nextpid: 1 → 2/);
    const line = lineOf('kernel/proc.c', /__atomic_fetch_add\(&nextpid/);
    assert.equal((await session.places())[0], `make kernel/proc.c:${line}`);
    await session.ask('xv6.whoWrote', { again: true });
    const before = await session.stopped();
    assert.match(before.description!, /^nextpid has never been written since power on/);
  });

  it('leads to the line of an inlined function that begins with what is asked for', async () => {
    const session = current();
    await session.boot({ functions: ['syscall'], harts: 1 });
    await session.stopped();
    await session.setFunctionBreakpointsRequest({ breakpoints: [] });
    const line = lineOf('kernel/sched.c', /p->state = RUNNING;/);
    const there = [
      `run kernel/sched.c:${line}`,
      `scheduler kernel/sched.c:${lineOf('kernel/sched.c', /run\(c, p\);/)}`,
    ];
    await session.ask('xv6.whoWrote', { name: 'proc[0].state' });
    const { description } = await session.stopped();
    assert.match(description!, /^Last write of proc\[0\]\.state: RUNNABLE → RUNNING/);
    assert.deepEqual((await session.places()).slice(0, 2), there);
    await session.ask('xv6.goTo', { instant: 'present' });
    await session.stopped();
    await session.ask('xv6.runBackTo', { path: source('kernel/sched.c'), line, threadId: 1 });
    await session.stopped();
    assert.deepEqual((await session.places()).slice(0, 2), there);
  });

  it('leads to where a line of the console was printed', async () => {
    const session = current();
    await session.boot({ harts: 1 });
    await session.written('$ ');
    await session.pauseRequest({ threadId: 1 });
    await session.stopped();
    const { occurrences } = await session.ask('xv6.whoPrinted', { line: 'xv6-debug sample kernel is booting' });
    assert.equal(occurrences, 1);
    await session.stopped();
    const places = await session.places();
    assert.ok(
      places.some((place) => place.startsWith('printf ')) && places.some((place) => place.startsWith('main ')),
      places.join(', '),
    );
    await assert.rejects(session.ask('xv6.whoPrinted', { line: 'no such line' }), /no such line/);
  });
});

describe('a recording of a session', function () {
  this.timeout(120_000);
  const current = sessions();

  it('is done again by the machine on the command line, to the same end', async () => {
    const session = current();
    await session.boot({ harts: 3 });
    await session.written('$ ');
    await session.type('echo hello');
    await session.written('hello\n$ ');
    await session.pauseRequest({ threadId: 1 });
    await session.stopped();
    const { base64 } = await session.ask('xv6.record', {});
    const run = await decodeRun(Uint8Array.from(Buffer.from(base64, 'base64')));
    let console = '';
    const machine = new Machine({
      ...run.options,
      consoleOutput: (bytes) => (console += Buffer.from(bytes).toString()),
    });
    machine.replay(run.inputs);
    while (compareInstants(machine.instant, run.end) < 0) machine.run({ instructions: 1e7, to: run.end });
    assert.equal(machine.stateHash(), run.hash);
    assert.equal(console, session.console);
  });
});
