import { strict as assert } from 'node:assert';
import type { ProcessSummary } from '../../../debug-adapter/protocol';
import { shellAsleep } from '../stacks';
import { TestSession } from '../support';

describe('xv6.processes and xv6.breakWhenRun', function () {
  this.timeout(60_000);
  let session: TestSession;
  before(async () => {
    session = await TestSession.open();
    await session.boot({ harts: 2 });
    await session.written('$ ');
  });
  after(() => session.stop());

  const pause = async (): Promise<void> => {
    await session.pauseRequest({ threadId: 1 });
    await session.stopped();
  };
  const named = async (name: string): Promise<ProcessSummary> => {
    const found = (await session.ask('xv6.processes', {})).processes.find((process) => process.name === name);
    assert.ok(found, `no process ${name}`);
    return found;
  };

  it('tells the processes while the guest runs', async () => {
    const { processes, harts, message } = await session.ask('xv6.processes', {});
    assert.equal(message, undefined);
    assert.deepEqual(
      processes.map(({ pid, name, parentPid }) => [pid, name, parentPid]),
      [
        [1, 'init', undefined],
        [2, 'sh', 1],
      ],
    );
    assert.deepEqual(
      harts.map(({ hart, threadId }) => [hart, threadId]),
      [
        [0, 1],
        [1, 2],
      ],
    );
  });

  it('says of each what the kernel knows of it, by the kernel’s own names', async () => {
    await shellAsleep(session);
    await pause();
    const sh = await named('sh');
    const value = async (expression: string): Promise<bigint> =>
      BigInt((await session.value(`(uint64)${expression}`)).split(' ')[0]!);
    assert.equal(sh.state, 'SLEEPING');
    assert.deepEqual(sh.channel, {
      address: `0x${(await value('&cons.read')).toString(16)}`,
      name: '&cons.read',
    });
    assert.equal(BigInt(sh.address), await value('&proc[1]'));
    assert.equal(BigInt(sh.size!), await value('proc[1].sz'));
    const stack = sh.kernelStack!;
    assert.equal(BigInt(stack.address), await value('proc[1].kstack'));
    assert.equal(stack.size, 4096);
    assert.equal(BigInt(stack.used!), (await value('proc[1].kstack')) + 4096n - (await value('proc[1].context.sp')));
    assert.ok(stack.used! > 100 && stack.used! <= stack.deepest! && stack.deepest! < 4096, JSON.stringify(stack));
    assert.deepEqual(
      sh.trapFrame!.members.find(({ name }) => name === 'a7')?.value,
      `0x${(await value('proc[1].trapframe->a7')).toString(16)}`,
    );
    assert.deepEqual(
      sh.arguments!.strings.map(({ text }) => text),
      ['sh'],
    );
    assert.equal(BigInt(sh.trapFrame!.epc), await value('proc[1].trapframe->epc'));
    assert.deepEqual(
      sh.pageTables.map(({ id, member }) => [id, member]),
      [['pid:2', 'pagetable']],
    );
    assert.equal(
      (await session.ask('xv6.pageTable', { root: sh.pageTables[0]!.id })).shown.root,
      sh.pageTables[0]!.root,
    );
    assert.deepEqual(
      sh.files.map(({ fd, description }) => `${fd}: ${description}`),
      [0, 1, 2].map((fd) => `${fd}: device 1 (console), read and write`),
    );
    assert.equal(sh.workingDirectory, 1);
    assert.equal((await session.stack(sh.threadId)).at(-1)!.name, 'start');
    await session.ask('xv6.showThread', { threadId: sh.threadId });
    assert.equal((await session.stopped()).threadId, sh.threadId);
    await assert.rejects(session.ask('xv6.showThread', { threadId: 999 }), /There is no thread 999/);
    assert.equal((await named('init')).channel!.name, '&proc[0], the wait channel of pid 1');
    await session.continueRequest({ threadId: 1 });
  });

  it('names pipes and files, and the hart that runs a process', async () => {
    await session.setFunctionBreakpointsRequest({ breakpoints: [{ name: 'piperead' }] });
    await session.type('cat README | wc');
    const { threadId } = await session.stopped();
    const { processes, harts } = await session.ask('xv6.processes', {});
    const reader = processes.find(({ hart }) => hart === threadId! - 1)!;
    assert.equal(reader.threadId, threadId);
    assert.equal(harts[threadId! - 1]!.runs, `pid ${reader.pid} ${reader.name}`);
    const [, address] = /^pipe at (0x[0-9a-f]+), read end$/.exec(reader.files[0]!.description) ?? [];
    assert.equal(
      BigInt(address!),
      BigInt((await session.value('(uint64)pi', 'watch', (await session.stack(threadId))[0]!.id)).split(' ')[0]!),
      'the one that it reads from',
    );
    const writers = processes.filter(({ files }) =>
      files.some(({ description }) => description === `pipe at ${address}, write end`),
    );
    assert.ok(writers.length > 0);
    await session.setFunctionBreakpointsRequest({ breakpoints: [] });
    const from = session.console.length;
    await session.continueRequest({ threadId: 1 });
    await session.written('$ ', from);
  });

  it('stops once when a process runs again', async () => {
    await shellAsleep(session);
    const { pid } = await named('sh');
    await session.ask('xv6.breakWhenRun', { pid });
    assert.equal((await named('sh')).awaited, true);
    await session.type('');
    const stop = await session.stopped();
    assert.equal(stop.description, `pid ${pid} sh runs`);
    const places = await session.places(stop.threadId);
    assert.match(places[0]!, /^(mycpu|cpuid|r_tp|sched) /);
    assert.ok(places.includes('[system call: read]'), places.join(' '));
    assert.equal((await named('sh')).awaited, false);
    const from = session.console.length;
    await session.continueRequest({ threadId: 1 });
    await session.written('$ ', from);
    await session.written('$ ', await session.type(''));
    assert.equal((await named('sh')).pid, pid, 'it ran again without a stop');
  });

  it('waits for a process no more when told so, and never for one that is not there', async () => {
    const { pid } = await named('sh');
    await session.ask('xv6.breakWhenRun', { pid });
    await session.ask('xv6.breakWhenRun', { pid, on: false });
    assert.equal((await named('sh')).awaited, false);
    await assert.rejects(session.ask('xv6.breakWhenRun', { pid: 4711 }), /There is no process with pid 4711 now/);
  });
});
