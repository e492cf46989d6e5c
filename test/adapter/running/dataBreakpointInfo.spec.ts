import { strict as assert } from 'node:assert';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { lineOf, TestSession } from '../support';

/** All tests use one stop: in the kernel, in the first exec. */
describe('dataBreakpointInfo', function () {
  this.timeout(60_000);
  let session: TestSession;
  let frameId = 0;

  before(async () => {
    session = await TestSession.open();
    await session.boot({
      lines: [{ file: 'kernel/sysfile.c', lines: [lineOf('kernel/sysfile.c', /result = exec\(path, argv\);/)] }],
    });
    await session.stopped();
    frameId = (await session.stack())[0]!.id;
  });
  after(() => session.stop());

  const info = async (args: DebugProtocol.DataBreakpointInfoArguments) =>
    (await session.dataBreakpointInfoRequest(args)).body;

  it('finds variables in their container', async () => {
    const { scopes } = (await session.scopesRequest({ frameId })).body;
    const { variablesReference } = scopes.find(({ name }) => name === 'Locals')!;
    const path = await info({ variablesReference, name: 'path' });
    assert.match(path.description, /^path \(char \[128\]\): 128 bytes at physical 0x8/);
    const count = await info({ variablesReference, name: 'i' });
    assert.equal(count.dataId, null);
    assert.match(count.description, /^i is .*: only memory can be watched\.$/);
    const none = await info({ variablesReference, name: 'no such variable' });
    assert.equal(none.dataId, null);
    assert.match(none.description, /no such variable/);
  });

  it('finds members of what a variable leads to', async () => {
    const process = (await session.evaluateRequest({ expression: 'proc[1]', frameId })).body;
    const found = await info({ variablesReference: process.variablesReference, name: 'state' });
    assert.match(found.dataId ?? '', /state/);
    assert.match(found.description, /^proc\[1\]\.state \(enum procstate\): 4 bytes at physical 0x8/);
    assert.deepEqual(found.accessTypes, ['write', 'read', 'readWrite']);
  });

  it('takes expressions, and says which outlive the session', async () => {
    const global = await info({ name: 'proc[1].state', frameId });
    assert.match(global.description, /proc\[1\]\.state \(enum procstate\): 4 bytes/);
    assert.deepEqual([global.dataId, global.canPersist], ['global proc[1].state', true]);
    const pointed = await info({ name: 'cpus[0].proc->sz', frameId });
    assert.equal(pointed.canPersist, false);
    assert.match(pointed.dataId ?? '', /^fix .*\+8 cpus\[0\]\.proc->sz$/);
    const part = await info({ name: 'proc[1].name', frameId, bytes: 2 });
    assert.match(part.description, /: 2 bytes at physical/);
    const entry = await info({ name: '$pte(0x80000000)', frameId });
    assert.match(entry.dataId ?? '', /^fix phys:0x8\w+\+8 /);
  });

  it('takes addresses with a length, in any address space', async () => {
    const here = await info({ name: '0x80001000', asAddress: true, bytes: 16 });
    assert.match(here.description, /0x80001000: 16 bytes at physical 0x80001000/);
    const physical = await info({ name: 'phys:0x80001000', asAddress: true });
    assert.deepEqual([physical.dataId, physical.canPersist], ['fix phys:0x80001000+8', true]);
    const user = await info({ name: 'user:1:0x0', asAddress: true, bytes: 4 });
    assert.match(user.dataId ?? '', /^follow user:1:0x0\+4$/);
    assert.match(user.description, /wherever it is mapped/);
    const fixed = await info({ name: 'user:1:0x0', asAddress: true, bytes: 4, mode: 'physical' });
    assert.match(fixed.dataId ?? '', /^fix user:1:0x0\+4$/);
  });

  it('says why something cannot be watched', async () => {
    const why = async (
      args: Partial<DebugProtocol.DataBreakpointInfoArguments> & { name: string },
    ): Promise<string> => {
      const { dataId, description } = await info({ frameId, ...args });
      assert.equal(dataId, null);
      return description;
    };
    assert.match(await why({ name: '$a0' }), /\$a0 is in a register: only memory/);
    assert.match(await why({ name: '1 + 1' }), /no object in memory/);
    assert.match(await why({ name: 'nothing_of_this_name' }), /nothing_of_this_name/);
    assert.match(await why({ name: '0x10000000', asAddress: true }), /nothing is mapped at 0x10000000, or no RAM/);
    assert.match(await why({ name: 'phys:0x40', asAddress: true }), /no RAM/);
    assert.match(await why({ name: 'user:99:0x40', asAddress: true }), /no process with pid 99/);
    assert.match(await why({ name: '0x80001000', asAddress: true, bytes: 0 }), /0 bytes cannot be watched/);
    assert.match(await why({ name: 'x', asAddress: true }), /no memory reference/);
  });
});
