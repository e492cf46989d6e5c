import { strict as assert } from 'node:assert';
import { lineOf, sessions, source } from '../support';

describe('goto', function () {
  this.timeout(60_000);
  const session = sessions();
  beforeEach(async () => {
    await session().boot({ functions: ['kvmmake'] });
    await session().stopped();
  });

  async function target(line: number): Promise<number> {
    const { body } = await session().gotoTargetsRequest({ source: { path: source('kernel/vm.c') }, line });
    return body.targets[0]!.id;
  }

  it('goes on from another line of the function', async () => {
    const line = lineOf('kernel/vm.c', /kvmmap\(table, PLIC/);
    const targetId = await target(line);
    await session().gotoRequest({ threadId: 1, targetId });
    const stop = await session().stopped();
    assert.equal(stop.reason, 'goto');
    assert.deepEqual((await session().places())[0], `kvmmake kernel/vm.c:${line}`);
    // Execution continues there: the next call is the one of that line.
    await session().setFunctionBreakpointsRequest({ breakpoints: [{ name: 'kvmmap' }] });
    await session().goOn();
    assert.equal(await session().value('va', 'watch', (await session().stack())[0]!.id), '0xc000000');
    await assert.rejects(session().gotoRequest({ threadId: 1, targetId }), /no goto target/, 'of an earlier stop');
  });

  it('goes to no other function, and says why', async () => {
    const targetId = await target(lineOf('kernel/vm.c', /kernel_pagetable = kvmmake/));
    await assert.rejects(session().gotoRequest({ threadId: 1, targetId }), /target is in kvminit, the hart in kvmmake/);
    await assert.rejects(session().gotoRequest({ threadId: 1, targetId: 99 }), /no goto target 99/);
    await assert.rejects(session().gotoRequest({ threadId: 77, targetId }), /no thread 77/);
  });
});
