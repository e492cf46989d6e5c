import { strict as assert } from 'node:assert';
import { lineOf, oneSession, source } from '../support';

describe('gotoTargets', function () {
  this.timeout(60_000);
  const session = oneSession(async (one) => {
    await one.boot({ functions: ['kvmmake'] });
    await one.stopped();
  });
  const targets = async (path: string, line: number) =>
    (await session().gotoTargetsRequest({ source: { path }, line })).body.targets;

  it('are the places of a line, by the function they are in', async () => {
    const line = lineOf('kernel/vm.c', /kvmmap\(table, VIRTIO0/);
    const found = await targets(source('kernel/vm.c'), line);
    assert.equal(found.length, 1);
    assert.equal(found[0]!.label, `kvmmake at line ${line}`);
    assert.equal(found[0]!.line, line);
    assert.match(found[0]!.instructionPointerReference!, /^0x8000/);
  });

  it('are those of the next line with code, and none where there is none', async () => {
    const comment = lineOf('kernel/vm.c', /Text cannot be written/);
    assert.equal((await targets(source('kernel/vm.c'), comment))[0]?.line, comment + 1);
    assert.deepEqual(await targets(source('kernel/vm.c'), 100_000), []);
    assert.deepEqual(await targets('/nowhere/else.c', 3), []);
  });

  it('need a path', async () => {
    await assert.rejects(session().gotoTargetsRequest({ source: {}, line: 1 }), /needs the path/);
  });
});
