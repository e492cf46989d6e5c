import { strict as assert } from 'node:assert';
import { lineOf, sessions } from '../support';

const MAIN = 'kernel/main.c';

describe('stepping', function () {
  this.timeout(60_000);
  const session = sessions();

  it('next goes line by line, over calls', async () => {
    const first = lineOf(MAIN, /consoleinit\(\);/);
    await session().boot({ lines: [{ file: MAIN, lines: [first] }] });
    await session().stopped();
    const lines: number[] = [];
    for (let step = 0; step < 4; step++) {
      assert.equal((await session().step('next')).reason, 'step');
      lines.push((await session().stack())[0]!.line);
    }
    assert.deepEqual(lines, [first + 1, first + 2, first + 3, first + 4]);
  });

  it('stepIn enters a function behind its prologue, stepOut leaves it', async () => {
    const line = lineOf(MAIN, /kvminit\(\);/);
    await session().boot({ lines: [{ file: MAIN, lines: [line] }] });
    await session().stopped();
    await session().step('stepIn');
    const first = lineOf('kernel/vm.c', /kernel_pagetable = kvmmake\(\);/);
    assert.equal((await session().places())[0], `kvminit kernel/vm.c:${first}`);
    await session().step('stepIn');
    assert.match((await session().places())[0]!, /^kvmmake kernel\/vm\.c/);
    assert.deepEqual(
      (await session().places()).slice(1, 3).map((place) => place.split(' ')[0]),
      ['kvminit', 'main'],
    );
    await session().step('stepOut');
    assert.match((await session().places())[0]!, /^kvminit /);
    await session().step('stepOut');
    assert.match((await session().places())[0]!, /^main /);
  });

  it('next goes over a recursion, and at the end of a function to its caller', async () => {
    const line = lineOf('kernel/vm.c', /freewalk\(\(pagetable_t\)PTE2PA\(pte\)\);/);
    await session().boot();
    await session().written('$ ');
    await session().setLines('kernel/vm.c', line);
    await session().type('echo');
    await session().stopped();
    await session().setLines('kernel/vm.c');
    const depth = (await session().stack()).length;
    const sp = await session().value('$sp');
    await session().step('next');
    assert.equal((await session().stack()).length, depth);
    assert.equal(await session().value('$sp'), sp);
    assert.equal((await session().stack())[0]!.line, line + 1);
    await session().step('stepOut');
    assert.equal((await session().stack()).length, depth - 1);
  });

  it('is ended by a breakpoint on the way', async () => {
    const line = lineOf(MAIN, /kvminit\(\);/);
    await session().boot({ lines: [{ file: MAIN, lines: [line] }], functions: ['mappages'] });
    await session().stopped();
    const stop = await session().step('next');
    assert.equal(stop.reason, 'function breakpoint');
    assert.match((await session().places())[0]!, /^mappages/);
  });

  it('runs interrupts through: a step never ends in the trap handler', async () => {
    await session().boot({ harts: 3 });
    await session().written('$ ');
    await session().setFunctionBreakpointsRequest({ breakpoints: [{ name: 'exec' }] });
    await session().type('ls');
    const { threadId = 1 } = await session().stopped();
    await session().setFunctionBreakpointsRequest({ breakpoints: [] });
    let at = threadId;
    // Enough steps for interrupts: a tick comes every tenth of a second of the guest's time.
    for (let step = 0; step < 8; step++) {
      const stop = await session().step('next', at);
      assert.equal(stop.reason, 'step');
      at = stop.threadId!;
      const places = await session().places(at);
      assert.ok(!places.some((place) => /kernelvec|kerneltrap/.test(place)), places.join('\n'));
    }
  });

  it('goes with the process over swtch, not with the hart', async () => {
    const line = lineOf('kernel/sched.c', /swtch\(&p->context, &mycpu\(\)->context\);/);
    await session().boot({ harts: 3 });
    await session().written('$ ');
    await session().setLines('kernel/sched.c', line);
    await session().type('ls');
    const { threadId = 1 } = await session().stopped();
    assert.match((await session().places(threadId))[0]!, /^sched /);
    await session().setLines('kernel/sched.c');
    const pid = await session().value('p->pid', 'watch', (await session().stack(threadId))[0]!.id);
    const stop = await session().step('next', threadId);
    const [frame] = await session().stack(stop.threadId);
    assert.equal(frame!.line, line + 1);
    const hart = stop.threadId! - 1;
    assert.equal(await session().value(`cpus[${hart}].proc->pid`, 'watch', frame!.id), pid);
  });

  it('takes a line for a statement, and an instruction for neither', async () => {
    await session().boot({ functions: ['kvmmake'] });
    await session().stopped();
    const after = async (granularity: 'statement' | 'line' | 'instruction'): Promise<[string, string]> => {
      const [frame] = await session().stack();
      await session().step('next', 1, granularity);
      const [place] = await session().places();
      const [{ instructionPointerReference: pc } = { instructionPointerReference: '' }] = await session().stack();
      await session().restartFrameRequest({ frameId: (await session().stack())[0]!.id });
      await session().stopped();
      assert.equal((await session().stack())[0]!.instructionPointerReference, frame!.instructionPointerReference);
      return [place!, pc!];
    };
    const statement = await after('statement');
    assert.deepEqual(await after('line'), statement);
    assert.notDeepEqual(await after('instruction'), statement);
  });

  it('by instruction goes into a call, or over it', async () => {
    const line = lineOf(MAIN, /kvminit\(\);/);
    await session().boot({ lines: [{ file: MAIN, lines: [line] }] });
    await session().stopped();
    const before = BigInt((await session().value('$pc')).split(' ')[0]!);
    await session().step('next', 1, 'instruction');
    const after = BigInt((await session().value('$pc')).split(' ')[0]!);
    assert.ok(after - before === 4n || after - before === 2n);
    assert.match((await session().places())[0]!, /^main /);
  });

  it('by instruction from a user program enters the kernel at its trap vector', async () => {
    await session().boot({ filters: ['system-call'] });
    await session().stopped();
    assert.match((await session().places())[0]!, / user\/usys\.S:\d+$/);
    await session().setFilters();
    await session().step('stepIn', 1, 'instruction');
    assert.match((await session().places())[0]!, /^uservec/);
  });

  it('next from a user program goes to the next line of the kernel', async () => {
    await session().boot({ filters: ['system-call'] });
    await session().stopped();
    await session().setFilters();
    await session().step('next');
    assert.match((await session().places())[0]!, /^u(servec|sertrap) /);
  });

  it('out of the outermost function says that there is no caller', async () => {
    await session().boot({ functions: ['init:start'] });
    await session().stopped();
    await assert.rejects(session().stepOutRequest({ threadId: 1 }), /start is the outermost function/);
    assert.match((await session().places())[0]!, /^start user\/ulib\.c/);
  });
});
