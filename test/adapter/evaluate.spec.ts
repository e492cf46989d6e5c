import { strict as assert } from 'node:assert';
import { sessions } from './support';

describe('evaluate', function () {
  this.timeout(60_000);
  const session = sessions();
  beforeEach(async () => {
    await session().boot({ functions: ['sys_write'] });
    await session().stopped();
  });

  it('variables, members, pointers, casts and registers', async () => {
    for (const [expression, expected] of [
      ['proc[0].pid', /^1$/],
      ['proc[0].name', /^"i?n?i?t?.*"$/],
      ['&proc[0] == cpus[0].proc', /^1$/],
      ['cpus[0].proc->trapframe->a7', /^16$/],
      ['*cpus[0].proc->trapframe', /^\{kernel_satp = /],
      ['sizeof(struct proc) > 100', /^1$/],
      ['(char)0x41', /^65 'A'$/],
      ['$sp', /^0x3fffff/],
      ['$satp.MODE', /^8 \(Sv39\)$/],
      ['$hart', /^0$/],
      ['syscalls[16]', /<sys_write at sysfile.c:\d+>/],
      ['$va2pa($sp) & 0xfff', /\d/],
      ['1 / 0', undefined],
      ['nobody', undefined],
      ['$constructor', undefined],
      ['proc[', undefined],
      ['', undefined],
    ] as const) {
      if (expected) assert.match(await session().value(expression), expected, expression);
      else await assert.rejects(session().value(expression), /expression:1:\d+/, expression);
    }
  });

  it('assigns in the console only', async () => {
    await assert.rejects(session().value('proc[0].killed = 7'), /expression:1/);
    const invalidated = session().waitForEvent('invalidated');
    assert.equal(await session().value('proc[0].killed = 7', 'repl'), '7');
    await invalidated;
    assert.equal(await session().value('proc[0].killed'), '7');
  });

  it('sets expressions', async () => {
    const { body } = await session().customRequest('setExpression', { expression: 'proc[0].xstate', value: '2 + 3' });
    assert.equal((body as { value: string }).value, '5');
    assert.equal(await session().value('proc[0].xstate'), '5');
  });

  it('shows numbers in hexadecimal when asked to', async () => {
    const { body } = await session().evaluateRequest({
      expression: 'proc[0].sz + 0',
      context: 'watch',
      format: { hex: true },
    });
    assert.match(body.result, /^0x/);
  });

  it('a hover says where an address leads, with the walk below', async () => {
    const { body } = await session().evaluateRequest({ expression: 'proc[0].trapframe', context: 'hover' });
    assert.match(body.result, /^0x8[0-9a-f]{7} → PA 0x8[0-9a-f]{7}, V R W - - - A? ?/);
    const rows = await session().children(body.variablesReference);
    assert.deepEqual(
      rows.map(({ name }) => name),
      ['value', 'verdict', 'level 2', 'level 1', 'level 0', 'PA'],
    );
    assert.match(rows[1]!.value, /load ok, store ok, fetch fails: X=0/);
    assert.match(rows[4]!.value, /^\[\d+\] PTE 0x[0-9a-f]+ at 0x8[0-9a-f]{7}, V R W/);
    assert.ok(rows[0]!.variablesReference > 0);
  });

  it('a hover says at which level and bit a walk fails', async () => {
    const { body } = await session().evaluateRequest({ expression: '(char *)0x5008', context: 'hover' });
    assert.match(body.result, /^0x5008.* → no translation: level \d.*V=0/);
  });

  it('a hover of a small number shows the number', async () => {
    const { body } = await session().evaluateRequest({ expression: 'proc[0].pid', context: 'hover' });
    assert.equal(body.result, '1');
  });

  it('a hover of a structure shows its members and its address', async () => {
    const { body } = await session().evaluateRequest({ expression: 'proc[0].context', context: 'hover' });
    const rows = await session().children(body.variablesReference);
    assert.equal(rows[0]!.name, 'ra');
    assert.equal(rows.at(-1)!.name, 'address');
    assert.match(rows.at(-1)!.value, /^0x8[0-9a-f]{7} → PA 0x8/);
  });
});
