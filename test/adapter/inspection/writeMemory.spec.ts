import { strict as assert } from 'node:assert';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { oneSession, type TestSession } from '../support';

async function write(session: TestSession, memoryReference: string, bytes: number[], more: object = {}) {
  const data = Buffer.from(bytes).toString('base64');
  const { body } = (await session.customRequest('writeMemory', {
    memoryReference,
    data,
    ...more,
  })) as DebugProtocol.WriteMemoryResponse;
  return body!;
}

describe('writeMemory', function () {
  this.timeout(60_000);
  const session = oneSession(async (one) => {
    await one.boot({ functions: ['sys_write'] });
    await one.stopped();
  });
  const reference = async (expression: string): Promise<string> =>
    (await session().evaluateRequest({ expression, context: 'watch' })).body.memoryReference!;

  it('writes, at an offset too, and variables show it', async () => {
    const at = await reference('&proc[0].xstate');
    assert.deepEqual(await write(session(), at, [1, 2, 0, 0]), { bytesWritten: 4, offset: 0 });
    assert.equal(await session().value('proc[0].xstate'), '513');
    await write(session(), at, [9], { offset: 1 });
    assert.equal(await session().value('proc[0].xstate'), String(0x901));
    await write(session(), `phys:${at}`, [0, 0, 0, 0]);
    assert.equal(await session().value('proc[0].xstate'), '0');
  });

  it('tells the client what is no longer as it was read', async () => {
    const at = await reference('&proc[0].xstate');
    await session().customRequest('readMemory', { memoryReference: at, count: 64 });
    const told = async (what: () => Promise<unknown>): Promise<unknown> => {
      const event = session().waitForEvent('memory') as Promise<DebugProtocol.MemoryEvent>;
      const invalidated = session().waitForEvent('invalidated');
      await what();
      await invalidated;
      return (await event).body;
    };
    const expected = { memoryReference: at, offset: 0, count: 64 };
    assert.deepEqual(await told(() => write(session(), at, [3])), expected);
    assert.deepEqual(await told(() => session().value('proc[0].xstate = 0', 'repl')), expected);
  });

  it('writes nothing where not all of it is mapped, or as much as there is if asked to', async () => {
    await assert.rejects(write(session(), '0x5000', [1, 2, 3]), /3 bytes at 0x5000 cannot be written: not all/);
    const end = `phys:0x${(0x80000000 + 128 * 1024 * 1024 - 2).toString(16)}`;
    await assert.rejects(write(session(), end, [1, 2, 3]), /cannot be written/);
    assert.deepEqual(await write(session(), end, [1, 2, 3], { allowPartial: true }), { bytesWritten: 2, offset: 0 });
    assert.equal(await session().value('*(unsigned short *)0x87fffffe'), String(0x201));
    assert.deepEqual(await write(session(), '0x5000', [1], { allowPartial: true }), { bytesWritten: 0, offset: 0 });
  });

  it('refuses data that is no base64', async () => {
    await assert.rejects(
      session().customRequest('writeMemory', { memoryReference: '0x80000000', data: '***' }),
      /not encoded in base64/,
    );
  });
});
