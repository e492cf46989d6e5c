import { strict as assert } from 'node:assert';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { oneSession } from '../support';

describe('completions', function () {
  this.timeout(60_000);
  const session = oneSession(async (one) => {
    await one.boot({ functions: ['mappages'] });
    await one.stopped();
  });

  async function complete(text: string, more: Partial<DebugProtocol.CompletionsArguments> = {}) {
    const frameId = (await session().stack())[0]!.id;
    const { body } = await session().completionsRequest({ text, column: text.length + 1, frameId, ...more });
    return body.targets;
  }
  const labels = async (text: string): Promise<string[]> => (await complete(text)).map(({ label }) => label);

  it('offers what is in scope, nearest first', async () => {
    assert.deepEqual((await labels('p')).slice(0, 3), ['pagetable', 'pa', 'perm']);
    const [kalloc] = await complete('kallo');
    assert.deepEqual(kalloc, {
      label: 'kalloc',
      type: 'function',
      detail: 'void *(void)',
      sortText: '00000',
      length: 5,
    });
    assert.ok((await labels('RUNN')).includes('RUNNING'));
    assert.ok((await labels('hart')).includes('hart'));
  });

  it('offers members after . and ->, through pointers, brackets and built-ins', async () => {
    assert.ok((await labels('proc[0].')).includes('trapframe'));
    assert.deepEqual(await labels('proc[0].tr'), ['trapframe']);
    assert.ok((await labels('proc[0].trapframe->')).includes('kernel_satp'));
    assert.ok((await labels('1 + cpus[ticks ? 0 : 0].context.')).includes('s11'));
    assert.deepEqual(await labels('((struct proc *)0)->ks'), ['kstack']);
    assert.deepEqual(await labels('kmem.lo'), ['lock']);
    assert.deepEqual(await labels('pa.'), [], 'a number has no members');
    assert.deepEqual(await labels('nobody->'), []);
  });

  it('offers registers, CSRs with their fields, and built-ins after $', async () => {
    const names = await labels('$');
    for (const name of ['$sp', '$pc', '$satp', '$hart', '$va2pa(', '$pte(', '$proc(', '$pid'])
      assert.ok(names.includes(name), name);
    assert.deepEqual(await labels('$sstatus.sp'), ['SPIE', 'SPP']);
    assert.ok((await labels('$scause.')).includes('code'));
  });

  it('offers types where a cast or sizeof wants one, and tags', async () => {
    assert.deepEqual(await labels('struct trapf'), ['trapframe']);
    assert.deepEqual(await labels('(pagetable_'), ['pagetable_t']);
    assert.ok((await labels('sizeof(')).includes('struct proc'));
    assert.ok((await labels('sizeo')).includes('sizeof'));
  });

  it('offers what a file holds', async () => {
    assert.deepEqual(await labels('proc.c::nextp'), ['nextpid']);
    assert.ok((await labels('kernel/vm.c::')).includes('walk'));
  });

  it('offers nothing within a string, and minds the cursor and the line', async () => {
    assert.deepEqual(await labels('"ka'), []);
    const [found] = await complete('proc[0].pi + 1', { column: 11 });
    assert.equal(found?.label, 'pid');
    const lines = await complete('1 +\nkernel_pa', { line: 2, column: 10 });
    assert.deepEqual(
      lines.map(({ label }) => label),
      ['kernel_pagetable'],
    );
    assert.deepEqual(await complete('x', { line: 7, column: 99 }), await complete(''));
  });

  it('without a frame offers globals', async () => {
    const { body } = await session().completionsRequest({ text: 'pagetabl', column: 9 });
    assert.ok(!body.targets.some(({ label, type }) => label === 'pagetable' && type === 'variable'));
    const globals = await session().completionsRequest({ text: 'kernel_pag', column: 11 });
    assert.deepEqual(
      globals.body.targets.map(({ label }) => label),
      ['kernel_pagetable'],
    );
  });
});
