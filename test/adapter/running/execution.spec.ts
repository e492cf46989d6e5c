import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { sessions } from '../support';

describe('pause, continue and threads', function () {
  this.timeout(60_000);
  const session = sessions();

  it('a pause is answered while the guest computes', async () => {
    await session().boot({ stopOnEntry: true });
    await session().stopped();
    // An endless loop that is no spin-wait: addi t0, t0, 1 and back.
    await session().evaluateRequest({ expression: '*(unsigned long *)&main = 0xffdff06f00128293', context: 'repl' });
    await session().continueRequest({ threadId: 1 });
    await new Promise((resolve) => setTimeout(resolve, 300));
    await session().pauseRequest({ threadId: 1 });
    const stop = await session().stopped();
    assert.equal(stop.reason, 'pause');
    assert.match((await session().places())[0]!, /^main /);
  });

  it('a guest that waits lets the host do other things, and a pause finds it', async () => {
    await session().boot();
    await session().written('$ ');
    await new Promise((resolve) => setTimeout(resolve, 300));
    const { pid } = session().process;
    const before = cpuSeconds(pid!);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    const used = cpuSeconds(pid!) - before;
    // One that waits by turning round takes all of it.
    assert.ok(used < 0.75, `${used} s of processor time in 1.5 s`);
    await session().pauseRequest({ threadId: 1 });
    assert.equal((await session().stopped()).reason, 'pause');
    assert.match((await session().places()).join('\n'), /scheduler kernel\/sched\.c/);
  });

  it('a guest that waits keeps the time of the wall clock', async () => {
    await session().boot();
    await session().written('$ ');
    const ticks = async (): Promise<number> => {
      await session().pauseRequest({ threadId: 1 });
      await session().stopped();
      return Number(await session().value('$time & 0xffffffffffff'));
    };
    const before = await ticks();
    const began = performance.now();
    await session().continueRequest({ threadId: 1 });
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const seconds = ((await ticks()) - before) / 1e7;
    const took = (performance.now() - began) / 1000;
    assert.ok(seconds > took / 2 && seconds < took + 0.2, `${seconds} s of the guest in ${took}`);
  });

  it('threads are harts, with what they run', async () => {
    await session().boot({ harts: 3, functions: ['sys_write'] });
    const { threadId } = await session().stopped();
    const { threads } = (await session().threadsRequest()).body;
    assert.deepEqual(
      threads.slice(0, 3).map(({ id }) => id),
      [1, 2, 3],
    );
    assert.match(threads.find(({ id }) => id === threadId)!.name, /^hart \d: pid 1 init$/);
  });

  it('what needs a machine that stands is refused while it runs, not answered wrongly', async () => {
    await session().boot();
    await session().written('$ ');
    await assert.rejects(session().stackTraceRequest({ threadId: 1 }), /running: pause it first/);
    await assert.rejects(session().scopesRequest({ frameId: 1 }), /running: pause it first/);
    await assert.rejects(session().variablesRequest({ variablesReference: 1 }), /running: pause it first/);
    await assert.rejects(session().continueRequest({ threadId: 1 }), /running/);
    await assert.rejects(session().nextRequest({ threadId: 1 }), /running/);
  });

  it('a thread that does not exist is refused', async () => {
    await session().boot({ stopOnEntry: true });
    await session().stopped();
    await assert.rejects(session().stackTraceRequest({ threadId: 9 }), /no thread 9/);
    await assert.rejects(session().nextRequest({ threadId: 0 }), /no thread 0/);
  });
});

/** User and system time of a process from /proc: fields 14 and 15, in hundredths of a second. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
