/** What numbers are: addresses in hexadecimal, page-table entries by their bits, tables by whose they are; and all in one base. */
import { strict as assert } from 'node:assert';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { lineOf, sessions } from '../support';

describe('the meaning of numbers', function () {
  this.timeout(60_000);
  const session = sessions();
  const at = async (line: RegExp): Promise<number> => {
    await session().boot({ lines: [{ file: 'kernel/vm.c', lines: [lineOf('kernel/vm.c', line)] }] });
    await session().stopped();
    return (await session().stack())[0]!.id;
  };
  const evaluate = async (expression: string, frameId: number): Promise<DebugProtocol.EvaluateResponse['body']> =>
    (await session().evaluateRequest({ expression, context: 'watch', frameId })).body;

  it('shows what is plainly an address in hexadecimal, and no size or count', async () => {
    const frame = await at(/if \(PTE_LEAF\(pte\)\)/);
    const value = (expression: string): Promise<string> => session().value(expression, 'watch', frame);
    assert.match(await value('proc[0].kstack'), /^0x3f[0-9a-f]{8}$/);
    assert.match(await value('proc[0].context'), /^\{ra = 0x8[0-9a-f]{7}, sp = 0x3f[0-9a-f]{8}, .* = \d+[,}]/);
    assert.equal(await value('(uint64)0x10000000'), '0x10000000', 'the UART');
    for (const [expression, shown] of [
      ['proc[0].sz', /^\d+$/],
      ['sizeof(struct proc)', /^\d+$/],
      ['(uint64)0x8000000', /^134217728$/],
      ['(uint64)570277983', /^570277983$/],
      ['(long)0x80000000', /^2147483648$/],
      ['(unsigned)0x80000000', /^2147483648$/],
      ['~0UL', /^18446744073709551615$/],
      ['0x80000000 - 1UL', /^2147483647$/],
    ] as const)
      assert.match(await value(expression).catch((error: Error) => error.message), shown, expression);
  });

  it('unfolds an entry into its fields and what it leads to, to the page that is mapped', async () => {
    const frame = await at(/if \(PTE_LEAF\(pte\)\)/);
    const { result, type, variablesReference } = await evaluate('pte', frame);
    assert.equal(type, 'pte_t');
    assert.match(result, /^0x[0-9a-f]+ \(V - - - - - - -: next table at 0x8[0-9a-f]+\)$/);
    const parts = await session().children(variablesReference);
    const names = parts.map(({ name }) => name);
    assert.deepEqual(names.slice(0, 11), ['V', 'R', 'W', 'X', 'U', 'G', 'A', 'D', 'RSW', 'PPN', 'reserved']);
    const table = parts[11]!;
    assert.match(table.name, /^table at 0x8[0-9a-f]+$/);
    assert.equal(parts.find(({ name }) => name === 'PPN')!.evaluateName, 'pte.PPN');
    assert.equal((await evaluate('pte.V', frame)).result, '1');
    assert.equal((await evaluate('pagetable[i].W', frame)).result, '0');
    await assert.rejects(evaluate('pte.Q', frame), /pte_t has no field Q; it has V, R, W/);
    // Down to a leaf.
    let { variablesReference: below } = await evaluate('$proc(1)->pagetable', frame);
    for (let level = 2; level > 0; level--) {
      const [first] = await session().children(below);
      below = (await session().children(first!.variablesReference)).at(-1)!.variablesReference;
    }
    const [leaf] = await session().children(below);
    const page = /^0x[0-9a-f]+ \(V R [^)]*: maps PA (0x8[0-9a-f]+)\)$/.exec(leaf!.value)?.[1];
    assert.ok(page !== undefined, leaf!.value);
    const last = (await session().children(leaf!.variablesReference)).at(-1)!;
    assert.deepEqual([last.name, last.value], ['PA', page]);
  });

  it('sets a bit of an entry', async () => {
    const frame = await at(/if \(PTE_LEAF\(pte\)\)/);
    const before = (await evaluate('*pagetable', frame)).result;
    assert.equal(await session().value('pagetable[0].RSW = 2', 'repl', frame), '2');
    const { result } = await evaluate('pagetable[0]', frame);
    assert.match(result, /RSW=2/);
    assert.doesNotMatch(before, /RSW/);
  });

  it('says whose a table is, and shows its entries that are not zero', async () => {
    const frame = await at(/if \(PTE_LEAF\(pte\)\)/);
    assert.match((await evaluate('kernel_pagetable', frame)).result, /^0x8[0-9a-f]+ \(kernel_pagetable\)$/);
    const { result, variablesReference } = await evaluate('$proc(1)->pagetable', frame);
    assert.match(result, /^0x8[0-9a-f]+ \(user table of pid 1 init\)$/);
    const entries = await session().children(variablesReference);
    assert.deepEqual(
      entries.map(({ name, evaluateName }) => [name, evaluateName]),
      [
        ['[0]', '$proc(1)->pagetable[0]'],
        ['[255]', '$proc(1)->pagetable[255]'],
      ],
    );
    // What is freed here is nobody's any more.
    assert.match((await evaluate('pagetable', frame)).result, /^0x8[0-9a-f]+$/);
    assert.match(
      (await evaluate('(uint64 *)kernel_pagetable', frame)).result,
      /^0x8[0-9a-f]+$/,
      'a number of no meaning',
    );
  });

  it('shows all numbers in hexadecimal when asked to, and again as they are', async () => {
    const frame = await at(/if \(PTE_LEAF\(pte\)\)/);
    const invalidated = session().waitForEvent('invalidated');
    assert.deepEqual(await session().ask('xv6.setHexadecimal', { hexadecimal: true }), { hexadecimal: true });
    await invalidated;
    assert.match(await session().value('proc[0].sz', 'watch', frame), /^0x[0-9a-f]+$/);
    assert.equal(await session().value('proc[0].pid', 'watch', frame), '0x1');
    const { scopes } = (await session().scopesRequest({ frameId: frame })).body;
    const locals = await session().children(scopes[0]!.variablesReference);
    assert.match(locals.find(({ name }) => name === 'pte')!.value, /^0x[0-9a-f]+$/);
    const plainly = await session().evaluateRequest({
      ...{ expression: 'proc[0].pid', context: 'watch', frameId: frame, format: { hex: false } },
    });
    assert.equal(plainly.body.result, '1', 'what the editor asks for is said of one value');
    await session().ask('xv6.setHexadecimal', { hexadecimal: false });
    assert.equal(await session().value('proc[0].pid', 'watch', frame), '1');
  });
});
