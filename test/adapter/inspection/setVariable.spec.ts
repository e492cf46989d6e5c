import { strict as assert } from 'node:assert';
import { oneSession } from '../support';

describe('setVariable', function () {
  this.timeout(60_000);
  const session = oneSession(async (one) => {
    await one.boot({ functions: ['mappages'] });
    await one.stopped();
  });

  async function scope(name: string, level = 0): Promise<number> {
    const frame = (await session().stack())[level]!;
    const { scopes } = (await session().scopesRequest({ frameId: frame.id })).body;
    return scopes.find((one) => one.name === name)!.variablesReference;
  }
  async function set(variablesReference: number, name: string, value: string, hex = false): Promise<string> {
    const format = hex ? { format: { hex } } : {};
    return (await session().setVariableRequest({ variablesReference, name, value, ...format })).body.value;
  }
  const children = async (expression: string): Promise<number> =>
    (await session().evaluateRequest({ expression, context: 'watch' })).body.variablesReference;

  it('sets arguments in registers and members in memory, by any expression', async () => {
    const va = await session().value('va');
    assert.equal(await set(await scope('Arguments'), 'va', 'va + 0x1000'), `0x${(BigInt(va) + 0x1000n).toString(16)}`);
    assert.equal(await session().value('$a1'), `0x${(BigInt(va) + 0x1000n).toString(16)}`);
    await set(await scope('Arguments'), 'va', va);
    const proc = await children('proc[5]');
    assert.equal(await set(proc, 'pid', '7 * 6'), '42');
    assert.equal(await set(proc, 'state', 'RUNNABLE'), 'RUNNABLE');
    assert.equal(await set(proc, 'name', '"hand"'), '"hand"');
    assert.equal(await set(proc, 'pid', '0x10', true), '0x10');
    assert.equal(await session().value('proc[5].pid'), '16');
    assert.equal(await set(await children('proc[5].ofile'), '[2]', '0'), '0x0');
  });

  it('sets one of very many, and lists no more at once than can be shown', async () => {
    const many = await children('*(char (*)[10000000])proc');
    const began = Date.now();
    assert.equal(await set(many, '[3]', '65'), "65 'A'");
    await assert.rejects(set(many, 'x', '1'), /There is no "x" here/);
    assert.ok(Date.now() - began < 20_000, 'it looks at one element only');
    assert.equal(await set(many, '[3]', '0'), "0 '\\000'");
    const { variables } = (await session().variablesRequest({ variablesReference: many, count: 10_000_000 })).body;
    assert.equal(variables.length, 10_000);
  });

  it('sets registers and CSRs and their fields, where they really are', async () => {
    assert.equal(await set(await scope('Registers'), 's3', '0x1234'), '0x1234');
    assert.equal(await session().value('$s3'), '0x1234');
    assert.match(await set(await scope('CSRs'), 'sscratch', '77'), /0x4d/);
    assert.equal(await session().value('$sscratch'), '0x4d');
    const sstatus = await children('$sstatus');
    assert.equal(await set(sstatus, 'SUM', '1'), '1');
    assert.equal(await session().value('$sstatus.SUM'), '1');
    await set(sstatus, 'SUM', '0');
    await assert.rejects(set(sstatus, 'SPP', '2'), /2 does not fit into 1 bit/);
    // A caller's saved register is in its callee's frame.
    const stack = await session().stack();
    const level = stack.findIndex(({ name }) => name === 'kvmmake');
    const before = await session().value('$s1', 'watch', stack[level]!.id);
    await set(await scope('Registers', level), 's1', '99');
    assert.equal(await session().value('$s1', 'watch', (await session().stack())[level]!.id), '0x63');
    await set(await scope('Registers', level), 's1', before);
  });

  it('tells the client that values have changed', async () => {
    const invalidated = session().waitForEvent('invalidated');
    await set(await children('proc[5]'), 'pid', '1');
    assert.deepEqual((await invalidated).body, { areas: ['stacks', 'variables'] });
  });

  it('says what is wrong with a value, and with a name', async () => {
    const scopes = await scope('Arguments');
    await assert.rejects(set(scopes, 'va', 'nothing at all'), /expression:1/);
    await assert.rejects(set(scopes, 'va', ''), /expression:1:1: the expression is empty/);
    await assert.rejects(set(scopes, 'va', 'va = 1'), /would change the program/);
    await assert.rejects(set(scopes, 'nobody', '1'), /no "nobody"/);
    await assert.rejects(set(await children('proc[5]'), 'name', '"longer than sixteen letters"'), /longer than 16/);
    await assert.rejects(set(await children('proc[5]'), 'lock', '1'), /int cannot be assigned to struct spinlock/);
    await assert.rejects(set(await children('"text"'), '[0]', '1'), /computed value, not a place/);
  });
});
