import { strict as assert } from 'node:assert';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { kernelWithBug, lineOf, sessions, source } from '../support';

describe('setBreakpoints', function () {
  this.timeout(60_000);
  const session = sessions();

  it('verifies with the true line and column, and hits', async () => {
    const line = lineOf('kernel/sysfile.c', /return f \? filewrite/);
    await session().boot({ stopOnEntry: true });
    await session().stopped();
    const [breakpoint] = await session().setLines('kernel/sysfile.c', line);
    assert.equal(breakpoint!.verified, true);
    assert.equal(breakpoint!.line, line);
    assert.equal(breakpoint!.source?.path, source('kernel/sysfile.c'));
    assert.match(breakpoint!.instructionReference ?? '', /^0x8000/);
    const stop = await session().goOn();
    assert.equal(stop.reason, 'breakpoint');
    assert.deepEqual(stop.hitBreakpointIds, [breakpoint!.id]);
    const [frame] = await session().stack();
    assert.equal(frame!.name, 'sys_write');
    assert.equal(frame!.line, line);
    assert.equal(frame!.column, breakpoint!.column);
  });

  it('moves a breakpoint on a line without code to the next that has some', async () => {
    const comment = lineOf('kernel/vm.c', /^\/\/ Maps \[va, va \+ size\)/);
    await session().boot({ stopOnEntry: true });
    await session().stopped();
    const [moved] = await session().setLines('kernel/vm.c', comment);
    assert.equal(moved!.verified, true);
    assert.ok(moved!.line! > comment);
  });

  it('binds those that were set before the launch when the kernel is there', async () => {
    const line = lineOf('kernel/main.c', /kinit\(\);/);
    const [early] = await session().setLines('kernel/main.c', line);
    assert.equal(early!.verified, false);
    const changed = session().waitForEvent('breakpoint');
    await session().boot();
    const { breakpoint } = (await changed).body as DebugProtocol.BreakpointEvent['body'];
    assert.deepEqual([breakpoint.id, breakpoint.verified, breakpoint.line], [early!.id, true, line]);
    assert.deepEqual((await session().stopped()).hitBreakpointIds, [early!.id]);
  });

  it('hits in assembly, on the trampoline at the top of the address space', async () => {
    const line = lineOf('kernel/trampoline.S', /sd t0, 112\(a0\)/);
    await session().boot({ lines: [{ file: 'kernel/trampoline.S', lines: [line] }] });
    const stop = await session().stopped();
    assert.equal(stop.reason, 'breakpoint');
    const [frame] = await session().stack();
    assert.equal(frame!.line, line);
    assert.match(frame!.instructionPointerReference ?? '', /^0x3ffffff/);
  });

  it('says why a breakpoint cannot be set', async () => {
    await session().boot();
    const [host] = await session().setLines('mkfs/mkfs.c', 10);
    assert.equal(host!.verified, false);
    assert.match(host!.message ?? '', /Neither the kernel nor one of the 13 user programs has code from this file/);
    const other = { path: '/somewhere/other-lab/kernel/proc.c' };
    const { body } = await session().setBreakpointsRequest({ source: other, breakpoints: [{ line: 100 }] });
    assert.equal(body.breakpoints[0]!.verified, false);
    assert.match(body.breakpoints[0]!.message ?? '', /has code from this file/);
    await assert.rejects(session().customRequest('setBreakpoints', {}), /"source" is missing/);
    await assert.rejects(session().customRequest('setBreakpoints', { source: {} }), /needs the path/);
    const [late] = await session().setLines('kernel/main.c', 10_000);
    assert.equal(late!.verified, false);
    assert.match(late!.message ?? '', /10000/);
  });

  it('takes breakpoints back', async () => {
    const line = lineOf('kernel/sysfile.c', /return f \? filewrite/);
    await session().boot({ lines: [{ file: 'kernel/sysfile.c', lines: [line] }] });
    await session().stopped();
    await session().setLines('kernel/sysfile.c');
    await session().continueRequest({ threadId: 1 });
    await session().written('$ ');
  });

  it('sets and takes back while the guest runs', async () => {
    await session().boot();
    await session().written('$ ');
    await session().setLines('kernel/sysproc.c', lineOf('kernel/sysproc.c', /return fork\(\);/));
    await session().type('ls');
    assert.equal((await session().stopped()).reason, 'breakpoint');
    assert.match((await session().places())[0]!, /^sys_fork/);
  });

  it('asks conditions and logs', async () => {
    const line = lineOf('kernel/sysfile.c', /return f \? filewrite/);
    await session().boot({ stopOnEntry: true });
    await session().stopped();
    const set = async (extras: object): Promise<DebugProtocol.Breakpoint> =>
      (
        await session().setBreakpointsRequest({
          source: { path: source('kernel/sysfile.c') },
          breakpoints: [{ line, ...extras }],
        })
      ).body.breakpoints[0]!;
    await set({ condition: 'cpus[0].proc->pid == 2' });
    await session().goOn();
    assert.equal(await session().value('cpus[0].proc->pid'), '2');

    await set({ logMessage: 'pid {cpus[0].proc->pid} writes, {nonsense}' });
    await session().continueRequest({ threadId: 1 });
    await session().type('echo x');
    await session().written('x\n$ ');
    assert.match(session().messages, /^pid \d writes, <.*nonsense.*>$/m);

    const wrong = await set({ hitCondition: 'often' });
    assert.equal(wrong.verified, false);
    assert.match(wrong.message ?? '', /often/);
  });

  it('counts hits', async () => {
    await session().boot({ stopOnEntry: true });
    await session().stopped();
    await session().setBreakpointsRequest({
      source: { path: source('kernel/kalloc.c') },
      breakpoints: [{ line: lineOf('kernel/kalloc.c', /push\(\(void \*\)pa\);/), hitCondition: '5' }],
    });
    await session().goOn();
    const pa = async (): Promise<bigint> => BigInt(await session().value('(uint64)pa'));
    const fifth = await pa();
    assert.equal(fifth - BigInt(await session().value('((uint64)end + 4095) / 4096 * 4096')), 4n * 4096n);
    await session().goOn();
    assert.equal((await pa()) - fifth, 4096n);
  });

  it('stops once where a condition cannot be evaluated, and goes on', async () => {
    const line = lineOf('kernel/sysfile.c', /return f \? filewrite/);
    await session().boot({ stopOnEntry: true });
    await session().stopped();
    await session().setBreakpointsRequest({
      source: { path: source('kernel/sysfile.c') },
      breakpoints: [{ line, condition: 'f->nothing == 3' }],
    });
    const stop = await session().goOn();
    assert.equal(stop.reason, 'breakpoint');
    assert.match(stop.description ?? '', /f->nothing == 3.*failed.*not stop for this again/);
    await session().continueRequest({ threadId: 1 });
    await session().written('$ ');
  });

  it('says when it is set that a condition is no expression', async () => {
    const line = lineOf('kernel/sysfile.c', /return f \? filewrite/);
    await session().boot({ stopOnEntry: true });
    await session().stopped();
    const { body } = await session().setBreakpointsRequest({
      source: { path: source('kernel/sysfile.c') },
      breakpoints: [{ line, condition: 'pid == ' }],
    });
    assert.equal(body.breakpoints[0]!.verified, false);
    assert.match(body.breakpoints[0]!.message ?? '', /The condition "pid == " is not valid: expression:1:/);
  });

  it('holds for a process, a hart or a mode alone, by names that C does not have', async () => {
    const line = lineOf('kernel/sysfile.c', /return f \? filewrite/);
    await session().boot({ stopOnEntry: true });
    await session().stopped();
    const set = async (condition: string): Promise<void> => {
      await session().setBreakpointsRequest({
        source: { path: source('kernel/sysfile.c') },
        breakpoints: [{ line, condition }],
      });
    };
    await set('pid == 2 && hart == 0 && mode == supervisor && $proc->pid == 2');
    await session().goOn();
    assert.equal(await session().value('$pid'), '2');
    await set('pid == 1 || hart == 1 || mode == USER');
    await session().continueRequest({ threadId: 1 });
    await session().written('$ ');
  });

  it('holds for the hart that comes there, and for none other', async () => {
    await session().boot({ harts: 3, functions: ['kvminithart'] });
    const seen = new Set([(await session().stopped()).threadId]);
    seen.add((await session().goOn()).threadId);
    seen.add((await session().goOn()).threadId);
    assert.deepEqual([...seen].sort(), [1, 2, 3]);
  });
});

describe('a breakpoint in a kernel with a planted mistake', function () {
  this.timeout(60_000);
  const session = sessions();

  it('follows the line to where the other build has it', async () => {
    const line = lineOf('kernel/vm.c', /return &pagetable\[PX\(0, va\)\];/);
    await session().boot({ kernel: kernelWithBug(42), lines: [{ file: 'kernel/vm.c', lines: [line] }] });
    await session().stopped();
    assert.equal((await session().stack())[0]!.line, line);
  });
});
