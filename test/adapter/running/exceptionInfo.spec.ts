import { strict as assert } from 'node:assert';
import { kernelWithBug, sessions, type TestSession } from '../support';

async function info(
  session: TestSession,
  threadId = 1,
): Promise<{ exceptionId: string; description?: string; breakMode: string }> {
  const { body } = await session.customRequest('exceptionInfo', { threadId });
  return body as { exceptionId: string; description?: string; breakMode: string };
}

describe('exceptionInfo, unasked', function () {
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
    const first = await info(session());
    let { description } = first;
    assert.deepEqual([first.exceptionId, first.breakMode], ['panic', 'always']);
    // Then come the first lines of the story, with what the past says. A busy host may be too slow for the first answer.
    for (let tries = 0; tries < 20 && !/The entry was written/.test(description!); tries++)
      ({ description } = await info(session()));
    assert.match(
      description!,
      /^panic: freewalk: leaf\nAt vm\.c:\d+, freewalk went to panic for the entry for 0x3fffffe000 .*\nThe entry was written .*\nfreewalk, now with pagetable = 0x\w+, was called by freewalk at vm\.c:\d+, called by uvmfree at uvm\.c:\d+$/,
    );
  });

  it('waits for the past without those that are asked after it, and for no stop that is over', async () => {
    await session().boot({ kernel: kernelWithBug(42) });
    await session().stopped();
    const order: string[] = [];
    const all = [
      info(session()).then(({ description }) => order.push(description!)),
      session()
        .threadsRequest()
        .then(() => order.push('threads')),
      session()
        .continueRequest({ threadId: 1 })
        .then(() => order.push('continue')),
    ];
    const begun = Date.now();
    await Promise.all(all);
    // Nobody waits for the past of what is over: it would be two seconds.
    assert.ok(Date.now() - begun < 1500, `${Date.now() - begun} ms`);
    assert.deepEqual(order.slice(0, 2), ['threads', 'continue']);
    assert.match(order[2]!, /^panic: freewalk: leaf\nfreewalk, now with pagetable = 0x\w+, was called by/);
    await session().pauseRequest({ threadId: 1 });
    await session().stopped();
  });

  it('a guest that jumps to nowhere stops with the first fault and the handler that cannot be reached', async () => {
    await session().boot({ stopOnEntry: true, filters: ['panic'] });
    await session().stopped();
    await session().evaluateRequest({ expression: '$pc = 0x40', context: 'repl' });
    const stop = await session().goOn();
    assert.equal(stop.description, 'Trap loop');
    assert.match(
      (await info(session())).description!,
      /hart 0 traps for ever: its trap handler cannot be executed: .*\nIt began with: instruction access fault at 0x40/,
    );
  });

  it('a stack pointer to nowhere stops at the handler that cannot save registers there', async () => {
    await session().boot({ functions: ['scheduler'], filters: ['panic'] });
    await session().stopped();
    await session().evaluateRequest({ expression: '$sp = 0x100', context: 'repl' });
    const stop = await session().goOn();
    assert.equal(stop.description, 'Trap loop');
    const { description } = await info(session());
    assert.match(
      description!,
      /traps for ever: its trap handler traps itself, \d+ bytes in, .*\n[^]*bad stack pointer/,
    );
    assert.doesNotMatch(description!, /cannot be executed/);
  });

  it('a satp that points outside RAM stops at once', async () => {
    await session().boot({ kernel: kernelWithBug(15), filters: ['panic'] });
    const stop = await session().stopped();
    assert.equal(stop.description, 'Trap loop');
    assert.match((await info(session())).description!, /root 0x[0-9a-f]+ lies outside RAM/);
  });
});
