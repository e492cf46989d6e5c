import { strict as assert } from 'node:assert';
import { sessions } from '../support';

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
    const again = session().waitForEvent('invalidated');
    await assert.rejects(session().value('(proc[0].killed = 8) / 0', 'repl'), /expression:1/);
    await again;
    assert.equal(await session().value('proc[0].killed'), '8');
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

  it('gives the names that the debugger adds', async () => {
    for (const [expression, expected] of [
      ['$pid', /^1$/],
      ['pid == 1 && hart == 0 && mode == SUPERVISOR', /^1$/],
      ['$mode', /^SUPERVISOR$/],
      ['$instret > 1000', /^1$/],
      ['$instret', /^\d+$/],
      ['$proc(1)', /^0x8[0-9a-f]{7} <proc>$/],
      ['$proc($pid)->name', /^"init"$/],
      ['$proc(99)', /there is no process 99; there are 1/],
      ['$pte($sp)', /^0x[0-9a-f]+ \(V R W - - - A D: maps PA 0x8[0-9a-f]{7}\)$/],
      ['$pte($sp).U', /^0$/],
      ['$pte(0x5000)', /V=0: not valid/],
      ['$pte(0x5000).Q', /\$pte has no field Q; it has V, R, W/],
      ['$va2pa($pc)', /^0x8000/],
      ['$va2pa(0x5000)', /expression:1:\d+: 0x5000 is not mapped here/],
      ['$va2pa(1, 2)', /no function \$va2pa that takes 2 values/],
      ['proc.c::nextpid', /^\d+$/],
      ['kernel/proc.c::nextpid == proc.c::nextpid', /^1$/],
      ['trap.c::nextpid', /trap.c has no static variable and no function "nextpid"/],
      ['syscalls[16] == sys_write', /^1$/],
    ] as const) {
      const shown = await session()
        .value(expression)
        .catch((error: Error) => error.message);
      assert.match(shown, expected, expression);
    }
  });

  it("answers in the frame of a user program with its names, and then with the kernel's", async () => {
    const frame = (await session().stack()).find(({ name }) => name === 'main')!.id;
    const value = (expression: string): Promise<string> => session().value(expression, 'watch', frame);
    assert.match(await value('printf'), /<printf at printf.c:97>|user|0x[0-9a-f]{3} </);
    assert.match(await value('kernel::printf'), /0x8000[0-9a-f]{4} <printf at printf.c:\d+>/);
    assert.equal(await value('proc[0].pid'), '1');
    assert.equal(await value('$proc(1)->name'), '"init"');
    assert.equal(await value('$pte($pc).U'), '1');
    assert.match(await value('$pc'), /^0x[0-9a-f]{1,3} <main\+\d+>$/);
    assert.equal(await value('sizeof(struct proc)'), await session().value('sizeof(struct proc)'));
  });

  it('copies a value whole', async () => {
    const copied = await session().value('proc[0]', 'clipboard');
    assert.ok(copied.length > (await session().value('proc[0]')).length);
    assert.match(copied, /^\{lock = \{locked = \d+.*name = "init"\}$/);
    assert.doesNotMatch(copied, /\.\.\./);
  });

  it('changes nothing but in the console', async () => {
    for (const context of ['watch', 'hover', 'clipboard', 'variables'])
      await assert.rejects(session().value('ticks = 1', context), /would change the program/, context);
    const ticks = await session().value('ticks');
    assert.equal(await session().value('sizeof(ticks++) + (0 ? ticks++ : 1)', 'repl'), '5');
    assert.equal(await session().value('ticks'), ticks);
    assert.equal(await session().value('ticks++', 'repl'), ticks);
    assert.equal(await session().value('ticks'), String(Number(ticks) + 1));
  });
});

describe('evaluate while the machine runs', function () {
  this.timeout(60_000);
  const session = sessions();

  it('answers globals, registers and memory as they are', async () => {
    await session().boot();
    await session().written('$ ');
    const value = async (expression: string, context = 'watch') =>
      (await session().evaluateRequest({ expression, context })).body;
    assert.equal((await value('proc[0].name')).result, '"init"');
    assert.match((await value('$pc', 'hover')).result, /^0x/);
    assert.equal((await value('proc[0]')).variablesReference, 0, 'nothing that would be kept');
    const before = Number((await value('ticks')).result);
    const end = Date.now() + 10_000;
    let now = before;
    while (now === before && Date.now() < end) now = Number((await value('ticks')).result);
    assert.ok(now > before, 'it goes on meanwhile');
    assert.equal((await value('proc[3].xstate = 7', 'repl')).result, '7');
    assert.equal((await value('proc[3].xstate')).result, '7');
    await assert.rejects(value('nobody'), /no variable, function or register is named "nobody"/);
    const { body } = await session().completionsRequest({ text: 'kernel_pag', column: 11 });
    assert.equal(body.targets[0]?.label, 'kernel_pagetable');
  });
});
