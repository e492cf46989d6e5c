import { strict as assert } from 'node:assert';
import type { FrameRun } from '../../../debug-adapter/protocol';
import { sessions } from '../support';

describe('xv6.frames', function () {
  this.timeout(60_000);
  const session = sessions();
  const frames = () => session().ask('xv6.frames', {});
  const at = (runs: readonly FrameRun[], pa: bigint) =>
    runs.find((one) => pa >= BigInt(one.pa) && pa < BigInt(one.pa) + 4096n * BigInt(one.count))!;

  it('tells whose each frame of RAM is', async () => {
    await session().boot({ functions: ['sys_write'] });
    await session().stopped();
    const { runs, totals, notes } = await frames();
    assert.deepEqual(notes, []);
    assert.equal(
      runs.reduce((sum, { count }) => sum + count, 0),
      32_768,
    );
    assert.equal(totals.leaked, 0);
    assert.ok(totals.free > 32_000 && totals.table > 70);
    const table = BigInt((await session().ask('xv6.pageTable', { root: 'pid:1' })).shown.root!);
    assert.deepEqual(at(runs, table).table, { label: 'pid 1 init', level: 2 });
    const frame = BigInt(await session().value('$proc(1)->trapframe'));
    assert.deepEqual(
      at(runs, frame).mappings.map(({ label, va, region }) => [label, va, region]),
      [['pid 1 init', '0x3fffffe000', 'trap frame']],
    );
  });

  it('knows a page that nothing leads to any more, and one that is used and free', async () => {
    await session().boot({ functions: ['sys_write'] });
    await session().stopped();
    const lost = BigInt(await session().value('kmem.freelist'));
    await session().evaluateRequest({ expression: 'kmem.freelist = kmem.freelist->next', context: 'repl' });
    const leaked = await frames();
    assert.equal(leaked.totals.leaked, 1);
    assert.equal(at(leaked.runs, lost).use, 'leaked');
    await session().evaluateRequest({
      expression: 'kmem.freelist = (struct run *)$proc(1)->trapframe',
      context: 'repl',
    });
    const { runs, notes } = await frames();
    assert.ok(runs.some(({ problem }) => /free pages, and mapped at 0x3fffffe000 by pid 1 init/.test(problem ?? '')));
    assert.match(notes.join(), /list of free pages is broken/);
    await session().evaluateRequest({ expression: 'kmem.freelist = 0', context: 'repl' });
    assert.equal((await frames()).totals.free, 0);
  });
});

describe('xv6.watchEntry', function () {
  this.timeout(60_000);
  const session = sessions();

  it('stops when the kernel changes an entry, and not when a hart marks it as accessed', async () => {
    await session().boot({ functions: ['sys_exec'] });
    await session().stopped();
    const { translation } = await session().ask('xv6.translate', { expression: '0', root: 'pid:2' });
    const { pteAddress } = translation!.steps.at(-1)!;
    const label = 'entry 0 of pid 2';
    assert.deepEqual(await session().ask('xv6.watchEntry', { pteAddress, label, on: true }), { watched: [pteAddress] });
    assert.deepEqual((await session().ask('xv6.pageTable', {})).watched, [pteAddress]);
    // What the client sets itself leaves it alone.
    await session().setDataBreakpointsRequest({ breakpoints: [] });
    await session().setFunctionBreakpointsRequest({ breakpoints: [] });
    await session().evaluateRequest({ expression: `*(uint64 *)${pteAddress} &= ~0xc0`, context: 'repl' });
    const stop = await session().goOn();
    assert.equal(stop.reason, 'data breakpoint');
    assert.match(stop.description!, /^entry 0 of pid 2: .* → /);
    assert.match((await session().places())[0]!, /kernel\/\w+\.c/);
    assert.deepEqual(await session().ask('xv6.watchEntry', { pteAddress, label, on: false }), { watched: [] });
    await assert.rejects(
      session().ask('xv6.watchEntry', { pteAddress: '0x7', label, on: true }),
      /no address of an entry/,
    );
    await assert.rejects(session().ask('xv6.watchEntry', { pteAddress: '0x50000000', label, on: true }), /no RAM/);
  });
});

describe('xv6.exposure', function () {
  this.timeout(60_000);
  const session = sessions();

  it('tells what is mapped while a program runs that it may not use, with two tables and with one', async () => {
    await session().boot({ functions: ['sys_write'] });
    await session().stopped();
    const { root, label, areas, exposed, kernel } = await session().ask('xv6.exposure', { root: 'satp' });
    assert.deepEqual([root, label], ['pid:1', 'pid 1 init']);
    const hidden = areas.filter(({ flags }) => flags & 1 && !(flags & 16)).map(({ region }) => region);
    assert.deepEqual(hidden, ['guard page below the user stack', 'trap frame', 'trampoline']);
    assert.equal(exposed, 3);
    assert.equal(kernel?.exposed, (await session().ask('xv6.pageTable', { root: 'kernel' })).leaves);
  });

  it('says that there is no program before there is one', async () => {
    await session().boot({ stopOnEntry: true });
    await session().stopped();
    await assert.rejects(session().ask('xv6.exposure', {}), /nothing runs in user mode/);
  });
});
