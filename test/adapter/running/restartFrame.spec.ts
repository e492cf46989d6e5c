import { strict as assert } from 'node:assert';
import { lineOf, sessions } from '../support';

describe('restartFrame', function () {
  this.timeout(60_000);
  const session = sessions();

  it('takes the innermost frame back to its entry, with its arguments', async () => {
    await session().boot({ functions: ['mappages'] });
    await session().stopped();
    const names = ['pagetable', 'va', 'size', 'pa', 'perm', '$ra', '$sp', '$s1', '$s2'];
    const values = (): Promise<string[]> => Promise.all(names.map((name) => session().value(name)));
    const before = await values();
    const line = lineOf('kernel/vm.c', /pte_t \*pte = walk\(pagetable, va \+ offset, 1\);/);
    for (let count = 0; count < 6; count++) await session().step('stepIn', 1, 'instruction');
    assert.notEqual(await session().value('$sp'), before[6], 'the prologue has been done');
    const [frame] = await session().stack();
    assert.equal(frame!.canRestart, true);
    await session().restartFrameRequest({ frameId: frame!.id });
    assert.equal((await session().stopped()).reason, 'restart');
    assert.match(session().messages, /mappages starts again .* stays done/);
    assert.deepEqual((await session().places()).slice(0, 1), [
      'mappages kernel/vm.c:' + String((await session().stack())[0]!.line),
    ]);
    assert.equal(await session().value('$pc == mappages'), '1');
    assert.deepEqual(await values(), before);
    // The function is at its entry again, whose breakpoint has stopped already.
    await session().setFunctionBreakpointsRequest({ breakpoints: [] });
    await session().setLines('kernel/vm.c', line);
    await session().goOn();
    assert.equal((await session().stack())[0]!.line, line);
    assert.equal(await session().value('va'), before[1]);
  });

  it('takes a caller back, its callees undone', async () => {
    await session().boot({ functions: ['mappages'] });
    await session().stopped();
    const va = await session().value('va');
    await session().goOn();
    assert.notEqual(await session().value('va'), va);
    const stack = await session().stack();
    const maker = stack.findIndex(({ name }) => name === 'kvmmake');
    const sp = await session().value('$sp', 'watch', stack[maker + 1]!.id);
    await session().restartFrameRequest({ frameId: stack[maker]!.id });
    await session().stopped();
    assert.equal((await session().stack())[0]!.name, 'kvmmake');
    assert.equal(await session().value('$sp'), sp);
    await session().goOn();
    assert.equal(await session().value('va'), va, 'the first mapping again');
  });

  it('refuses where the frame cannot be had again', async () => {
    await session().boot({ functions: ['sys_write'] });
    await session().stopped();
    const stack = await session().stack();
    const refused = (name: string): Promise<unknown> =>
      session().restartFrameRequest({ frameId: stack.find((frame) => frame.name === name)!.id });
    assert.ok(stack.filter(({ name }) => ['write', 'main'].includes(name)).every(({ canRestart }) => !canRestart));
    await assert.rejects(refused('main'), /main cannot be restarted: a trap has been taken since/);
    await assert.rejects(refused('usertrap'), /usertrap cannot be restarted/);
    await assert.rejects(session().restartFrameRequest({ frameId: 999 }), /no stack frame 999/);
  });
});

describe('restartFrame of optimized code', function () {
  this.timeout(60_000);
  const session = sessions();

  it('says which argument is lost', async () => {
    const line = lineOf('kernel/vm.c', /pte_t \*pte = walk\(pagetable, va \+ offset, 1\);/);
    await session().boot({ lines: [{ file: 'kernel/vm.c', lines: [line] }] });
    await session().stopped();
    const [frame] = await session().stack();
    assert.equal(await session().value('perm'), '<optimized out>');
    assert.equal(frame!.canRestart, false);
    await assert.rejects(
      session().restartFrameRequest({ frameId: frame!.id }),
      /mappages cannot be restarted: its argument perm is optimized out/,
    );
  });
});
