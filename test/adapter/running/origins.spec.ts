/** Who wrote this, and where does this value come from: over registers, CSRs, memory, system calls, to the key that was typed. */
import { strict as assert } from 'node:assert';
import type { QueryAnswer } from '../../../debug-adapter/protocol';
import { lineOf, sessions, type Stop, type TestSession } from '../support';

const current = sessions;

async function frameNamed(session: TestSession, name: RegExp): Promise<number> {
  const found = (await session.stack()).find((frame) => name.test(frame.name));
  assert.ok(found, String(name));
  return found.id;
}

describe('who wrote this', function () {
  this.timeout(120_000);
  const session = current();

  async function whoWrote(name: string, frame?: RegExp): Promise<Stop> {
    const frameId = frame && (await frameNamed(session(), frame));
    await session().ask('xv6.whoWrote', { name, ...(frameId !== undefined && { frameId }) });
    return session().stopped();
  }

  it('of a write that has just been done: that one', async () => {
    await session().boot({ functions: ['fork'] });
    await session().stopped();
    const info = await session().dataBreakpointInfoRequest({ name: 'nextpid' });
    await session().setFunctionBreakpointsRequest({ breakpoints: [] });
    await session().setDataBreakpointsRequest({ breakpoints: [{ dataId: info.body.dataId! }] });
    await session().goOn();
    assert.equal(await session().value('nextpid'), '3');
    const stop = await whoWrote('nextpid');
    assert.match(stop.description!, /^Last write of nextpid: 2 → 3/);
    assert.equal(await session().value('nextpid'), '2', 'it is about to be written');
    await session().ask('xv6.whoWrote', { again: true });
    assert.match((await session().stopped()).description!, /^Last write of nextpid: 1 → 2/);
  });

  it('of what the debugger has written: the debugger, until the guest writes there again', async () => {
    await session().boot({ functions: ['fork'] });
    await session().stopped();
    await session().evaluateRequest({ expression: 'nextpid = 77', context: 'repl' });
    const frameId = await frameNamed(session(), /^fork/);
    await session().evaluateRequest({ expression: '$a7 = 5', context: 'repl', frameId });
    await session().evaluateRequest({ expression: '$sscratch = 5', context: 'repl', frameId });
    for (const [name, change] of [
      ['nextpid', /^Last write of nextpid: \d → 77\nby the debugger$/],
      ['$a7', /^Last write of \$a7: .* → 5\nby the debugger$/],
      ['$sscratch', /^Last write of \$sscratch: .* → (0x)?5\nby the debugger$/],
    ] as const) {
      assert.match((await whoWrote(name)).text!, change);
      await session().ask('xv6.goTo', { instant: 'present' });
      await session().stopped();
    }
    const { title } = await session().ask('xv6.query', {
      query: '$origin(nextpid)',
      frameId: await frameNamed(session(), /./),
    });
    assert.match(title, /written by the debugger/);
    await session().continueRequest({ threadId: 1 });
    await session().written('$ ');
    await session().type('ls');
    await session().stopped();
    assert.equal(await session().value('nextpid'), '78');
    assert.match((await whoWrote('nextpid')).text!, /^Last write of nextpid: 77 → 78\nby (?!the debugger)/);
  });

  it('of a register: the instruction that the hart did for it last', async () => {
    await session().boot({ functions: ['kalloc'] });
    await session().stopped();
    const ra = await session().value('$ra');
    const stop = await whoWrote('$ra');
    assert.match(stop.description!, /^Last write of \$ra: /);
    assert.match(stop.text!, /by (jalr|jal|call|auipc).* at 0x\w+ \(newtable/);
    assert.notEqual(await session().value('$ra'), ra);
    await session().step('next', 1, 'instruction');
    await session().setFunctionBreakpointsRequest({ breakpoints: [] });
    // A register of a caller is where the function that it called has saved it.
    await session().ask('xv6.goTo', { instant: 'present' });
    await session().stopped();
    const saved = await session().value('$s0', 'watch', await frameNamed(session(), /^kvmmake/));
    const put = await whoWrote('$s0', /^kvmmake/);
    assert.match((await session().places())[0]!, /^newtable /);
    assert.match(put.text!, /by sd s0/);
    assert.equal(await session().value('$s0'), saved);
  });

  it('of any register: from there on it keeps its value, instruction by instruction, up to where it was asked', async () => {
    let instant = '';
    session().on('xv6.instant', ({ body }: { body: { instant: string } }) => (instant = body.instant));
    // A breakpoint stops a moment after the step that leads there.
    const moment = (name: string): string => name.replace(/:\d$/, '');
    // With interrupts and page faults on the way.
    await session().boot({ functions: ['freeproc'], harts: 3 });
    await session().written('$ ');
    await session().type('ls');
    const { threadId } = await session().stopped();
    const hart = threadId!;
    const here = instant;
    let steps = 0;
    for (const name of ['a0', 'a1', 'a4', 'a5', 'ra', 's1', 's2', 't1', 'gp']) {
      const [frame] = await session().stack(hart);
      const value = await session().value(`$${name}`, 'watch', frame!.id);
      await session().ask('xv6.whoWrote', { name: `$${name}`, frameId: frame!.id });
      const stop = await session().stopped();
      if (stop.description!.includes('never been written')) {
        assert.equal(value, '0x0', name);
        continue;
      }
      for (let step = 0; step < 40 && moment(instant) !== moment(here); step++) {
        const at = await session().step('stepIn', hart, 'instruction');
        assert.equal(at.threadId, hart);
        const [now] = await session().stack(hart);
        assert.equal(await session().value(`$${name}`, 'watch', now!.id), value, `${name} after ${step} steps`);
        steps++;
      }
      if (instant === here) continue;
      await session().ask('xv6.goTo', { instant: here, hart: hart - 1 });
      await session().stopped();
    }
    assert.ok(steps > 50, String(steps));
  });

  it('of a CSR: an instruction, or the trap', async () => {
    await session().boot({ functions: ['sys_dup'] });
    await session().stopped();
    const trap = await whoWrote('$scause');
    assert.match(trap.text!, /^Last write of \$scause: .* → 0x8\nby the trap that is taken at 0x/);
    assert.match((await session().stack())[0]!.name, /^dup/);
    await session().ask('xv6.goTo', { instant: 'present' });
    await session().stopped();
    await whoWrote('$satp');
    assert.match((await session().stack())[0]!.name, /^uservec/);
    await session().ask('xv6.goTo', { instant: 'present' });
    await session().stopped();
    await session()
      .ask('xv6.whoWrote', { name: '$instret' })
      .then(
        () => session().stopped(),
        () => undefined,
      );
  });
});

describe('where a value comes from', function () {
  this.timeout(120_000);
  const session = current();

  async function origin(expression: string, frame?: RegExp): Promise<QueryAnswer> {
    const frameId = await frameNamed(session(), frame ?? /./);
    return session().ask('xv6.query', { query: `$origin(${expression})`, frameId });
  }

  /** The shell is about to execute ls. */
  async function atExec(): Promise<void> {
    await session().boot();
    await session().written('$ ');
    await session().setFunctionBreakpointsRequest({ breakpoints: [{ name: 'exec' }] });
    await session().type('ls');
    await session().stopped();
  }

  it('of a letter of a command: the key that was typed', async () => {
    await atExec();
    const { title, rows } = await origin('path[1]');
    assert.match(title, /^path\[1\]: the key 'l' that was typed; \d+ plain copies skipped$/);
    const places = rows.map(({ place }) => place!.replace(/\+.*/, ''));
    assert.deepEqual(places, [
      ...['uartintr', 'consoleintr', 'consoleread', 'memmove'],
      ...['readline', 'memmove', 'strcpy', 'memmove'],
    ]);
    assert.deepEqual([...new Set(rows.map(({ process }) => process))], [undefined, 'pid 2 sh', 'pid 3 sh']);
    const slash = await origin('path[0]');
    assert.match(slash.title, /^path\[0\]: a constant, by /);
    assert.equal(slash.rows[0]!.line, lineOf('user/sh.c', /char path\[MAXPATH\] = /));
    const call = await origin('$a7');
    assert.match(call.title, /a constant, by addi a7, zero, 7/);
  });

  it('of bytes that several places have put together: not certain, and says so', async () => {
    await atExec();
    const { title, rows } = await origin('*(unsigned int *)path');
    assert.equal(title, '*(unsigned int *)path: not certain: written in pieces that come from several places');
    // As far as the whole word was copied, by the kernel, that is certain.
    assert.deepEqual(
      rows.map(({ what, place }) => `${what.replace(/^\d+: /, '')}, ${place!.replace(/\+.*/, '')}`),
      ['written in pieces that come from several places, strcpy', 'copied byte by byte, memmove'],
    );
  });

  it('of a word of a program’s file: the disk', async () => {
    await session().boot({ functions: ['exec'] });
    await session().stopped();
    await session().goOn();
    const { title } = await origin('*(unsigned int *)path');
    assert.match(title, /: brought by virtio0 \(DMA\)/);
  });

  it('of a page: through tables and the list of free pages to where its address was computed', async () => {
    await session().boot();
    await session().written('$ ');
    await session().setFunctionBreakpointsRequest({ breakpoints: [{ name: 'mappages' }] });
    await session().type('ls');
    await session().stopped();
    const { title, rows } = await origin('pagetable');
    assert.match(title, /: computed by add /);
    assert.match(rows[0]!.place!, /^kinit/);
    const texts = rows.map(({ what }) => what);
    assert.ok(texts.some((text) => text.startsWith('made of the page at 0x8')));
    assert.ok(texts.some((text) => text.startsWith('the page of the entry 0x2')));
    const { title: none } = await origin('$s11', /./);
    assert.doesNotMatch(none, /undefined/);
    await assert.rejects(origin('pagetable + 1'), /is computed, and lies nowhere/);
    await assert.rejects(origin('proc[0]'), /at most 8 bytes/);
  });
});
