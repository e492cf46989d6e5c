import { strict as assert } from 'node:assert';
import { golden, masked } from '../golden';
import { lineOf, named, oneSession } from '../support';

describe('variables', function () {
  this.timeout(60_000);
  const session = oneSession(async (one) => {
    await one.boot({ functions: ['sys_write'] });
    await one.stopped();
  });
  const evaluated = async (expression: string) =>
    (await session().evaluateRequest({ expression, context: 'watch' })).body;

  it('unfold structures, pointers, arrays and enumerations', async () => {
    const proc = await evaluated('proc');
    assert.equal(proc.indexedVariables, 64);
    const [first] = await session().children(proc.variablesReference);
    const members = await session().children(first!.variablesReference);
    assert.equal(named(members, 'pid').value, '1');
    assert.equal(named(members, 'state').value, 'RUNNING');
    assert.equal(named(members, 'pid').evaluateName, 'proc[0].pid');
    const trapFrame = named(members, 'trapframe');
    assert.equal(trapFrame.namedVariables, 36);
    assert.equal(named(await session().children(trapFrame.variablesReference), 'a7').value, '16');
    const lines = members.map(({ name, type, value }) => `${name}: ${type} = ${masked(value)}`);
    golden('values-proc', lines);
  });

  it('evaluate again by their evaluateName', async () => {
    const names: string[] = [];
    const walk = async (reference: number, depth: number): Promise<void> => {
      for (const child of (await session().children(reference)).slice(0, 6)) {
        if (child.evaluateName !== undefined) {
          names.push(child.evaluateName);
          assert.equal(await session().value(child.evaluateName), child.value, child.evaluateName);
        }
        if (child.variablesReference > 0 && depth > 0) await walk(child.variablesReference, depth - 1);
      }
    };
    for (const expression of ['proc[0].ofile[0..3]', '*proc[0].trapframe', '$sstatus', '$pte($sp)', 'cpus'])
      await walk((await evaluated(expression)).variablesReference, 2);
    assert.ok(names.length > 40, names.join(' '));
  });

  it('come a page at a time, and by kind', async () => {
    const { variablesReference } = await evaluated('proc');
    const page = async (args: object): Promise<string[]> =>
      (await session().variablesRequest({ variablesReference, ...args })).body.variables.map(({ name }) => name);
    assert.deepEqual(await page({ start: 2, count: 3 }), ['[2]', '[3]', '[4]']);
    assert.deepEqual(await page({ filter: 'indexed', start: 62, count: 10 }), ['[62]', '[63]']);
    assert.deepEqual(await page({ filter: 'named' }), []);
    assert.equal((await page({})).length, 64);
    assert.deepEqual(await page({ start: 1000, count: 5 }), []);
    const slice = await evaluated('proc[0].ofile[2..5]');
    assert.deepEqual(
      (await session().children(slice.variablesReference)).map(({ name, evaluateName }) => [name, evaluateName]),
      [2, 3, 4].map((index) => [`[${index}]`, `proc[0].ofile[2..5][${index}]`]),
    );
  });

  it('are shown in hexadecimal when asked for', async () => {
    const { variablesReference } = await evaluated('proc[0]');
    const { variables } = (await session().variablesRequest({ variablesReference, format: { hex: true } })).body;
    assert.equal(named(variables, 'pid').value, '0x1');
    assert.match(named(variables, 'kstack').value, /^0x3f/);
    const plain = await session().children(variablesReference);
    assert.equal(named(plain, 'pid').value, '1');
  });

  it('say which of them can be set, and what each is', async () => {
    const members = await session().children((await evaluated('proc[0]')).variablesReference);
    assert.deepEqual(named(members, 'pid').presentationHint, { kind: 'data' });
    const text = (await evaluated('"constant"')).presentationHint;
    assert.deepEqual(text, { kind: 'data', attributes: ['readOnly'] });
    assert.deepEqual((await evaluated('1 + 1')).presentationHint?.attributes, ['readOnly']);
    assert.equal((await evaluated('sys_write')).presentationHint?.kind, 'method');
    const globals = await session().scope('Globals of syscall.c', 1, 1);
    assert.deepEqual(named(globals, 'syscalls').presentationHint?.attributes, ['static']);
  });

  it('unfold page-table entries into their fields', async () => {
    const fields = await session().children((await evaluated('$pte($sp)')).variablesReference);
    assert.deepEqual(
      fields.map(({ name }) => name),
      ['V', 'R', 'W', 'X', 'U', 'G', 'A', 'D', 'RSW', 'PPN', 'reserved', 'PA'],
    );
    assert.deepEqual(
      ['V', 'R', 'W', 'X', 'U'].map((name) => named(fields, name).value),
      ['1', '1', '1', '0', '0'],
    );
    assert.match(named(fields, 'PPN').value, /^\d+ \(page 0x8[0-9a-f]{7}\)$/);
  });

  it('of a reference that is unknown are refused', async () => {
    await assert.rejects(session().variablesRequest({ variablesReference: 100_000 }), /no variables reference 100000/);
    await assert.rejects(session().variablesRequest({ variablesReference: 0 }), /no variables reference 0/);
  });
});

describe('variables of a user program', function () {
  this.timeout(60_000);
  const session = oneSession(async (one) => {
    await one.boot();
    await one.written('$ ');
    await one.setLines('user/wc.c', lineOf('user/wc.c', /^ *bytes \+= n;/));
    await one.type('wc README');
    await one.stopped();
  });

  it('are its own, read from its own memory', async () => {
    const lines: string[] = [];
    for (const scope of ['Arguments', 'Locals'])
      for (const { name, type, value } of await session().scope(scope)) lines.push(`${name}: ${type} = ${value}`);
    for (const expression of [
      ...['count::buf[0..5]', 'wc.c::count', 'argv[1]', 'argv[0..2]', '*argv[1] == 82', '$pid', '$mode'],
      ...['$proc($pid)->name', 'sizeof(buf)', '&buf[16]', '*(char (*)[8])buf', 'printf', 'kernel::printf', 'digits'],
    ]) {
      lines.push(
        `${expression} => ${await session()
          .value(expression)
          .catch((error: Error) => error.message)}`,
      );
    }
    golden('values-wc', lines);
  });

  it('can be set, and the program goes on with them', async () => {
    const from = session().console.length;
    assert.equal(await session().value('bytes = 1000', 'repl'), '1000');
    await session().setLines('user/wc.c');
    await session().continueRequest({ threadId: 1 });
    await session().written('README', from);
    const size = Number(/(\d+) README/.exec(session().console.slice(from))![1]);
    assert.ok(size > 1000 && size < 4000, session().console.slice(from));
  });
});
