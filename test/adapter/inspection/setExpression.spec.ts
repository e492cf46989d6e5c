import { strict as assert } from 'node:assert';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { oneSession } from '../support';

describe('setExpression', function () {
  this.timeout(60_000);
  const session = oneSession(async (one) => {
    await one.boot({ functions: ['sys_write'] });
    await one.stopped();
  });

  async function set(expression: string, value: string, more: object = {}) {
    const { body } = (await session().customRequest('setExpression', {
      expression,
      value,
      ...more,
    })) as DebugProtocol.SetExpressionResponse;
    return body;
  }

  it('writes memory, registers, CSRs and fields', async () => {
    assert.equal((await set('proc[0].xstate', '2 + 3')).value, '5');
    assert.equal(await session().value('proc[0].xstate'), '5');
    assert.equal((await set('$s4', '-1')).value, '0xffffffffffffffff');
    assert.equal((await set('$sscratch', '0x88')).value, '0x88');
    assert.equal((await set('proc[0].xstate', '255', { format: { hex: true } })).value, '0xff');
    const body = await set('proc[0].trapframe->a5', '1');
    assert.match(body.memoryReference ?? '', /^0x8/);
    assert.equal(body.type, 'uint64');
  });

  it('writes page-table entries, and fields of them, where they lie', async () => {
    const frameId = (await session().stack()).find(({ name }) => name === 'main')!.id;
    const entry = async () => BigInt(await session().value('$pte($sp) + 0', 'watch', frameId));
    const before = await entry();
    assert.equal((await set('$pte($sp).RSW', '3', { frameId })).value, '3');
    assert.equal(await entry(), before | (3n << 8n));
    assert.match((await set('$pte($sp)', String(before), { frameId })).value, /^0x[0-9a-f]+ \(V R W - U/);
    assert.equal(await entry(), before);
    await assert.rejects(set('$pte($sp).V', '2', { frameId }), /2 does not fit into 1 bits? of pte.V/);
  });

  it('writes in the frame that is given, of a user program too', async () => {
    const frameId = (await session().stack()).find(({ name }) => name === 'main')!.id;
    const before = await session().value('*(int *)$sp', 'watch', frameId);
    await set('*(int *)$sp', '77', { frameId });
    assert.equal(await session().value('*(int *)$sp', 'watch', frameId), '77');
    await set('*(int *)$sp', before, { frameId });
    // The functions that main called, and the trap, have saved its s0.
    const s0 = await session().value('(uint64)$s0', 'watch', frameId);
    await set('$s0', '0x5150', { frameId });
    assert.equal(
      await session().value('(uint64)$s0', 'watch', (await session().stack()).find(({ name }) => name === 'main')!.id),
      '0x5150',
    );
    await set('$s0', s0, { frameId });
  });

  it('refuses what is no place', async () => {
    for (const [expression, value, why] of [
      ['1', '2', /computed value, not a place/],
      ['proc', '0', /cannot be assigned to/],
      ['*(int *)0', '1', /cannot write memory at 0x0/],
      ['$zero', '1', /computed value, not a place/],
      ['$mhartid', '1', /mhartid cannot be written/],
      ['nobody', '1', /expression:1:1: no variable/],
      ['proc[0].pid', '1 +', /expression:1:4: an operand is missing/],
    ] as const)
      await assert.rejects(set(expression, value), why, expression);
  });
});
