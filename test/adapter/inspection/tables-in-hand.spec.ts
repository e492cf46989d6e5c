/** Addresses are translated by the table that they are meant for: that which the function has in hand, whatever satp says. */
import { strict as assert } from 'node:assert';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { kernelWithBug, lineOf, named, sessions, source } from '../support';

describe('an address in a function that has a table in hand', function () {
  this.timeout(60_000);
  const session = sessions();
  const hover = async (expression: string, frameId: number): Promise<DebugProtocol.EvaluateResponse['body']> =>
    (await session().evaluateRequest({ expression, context: 'hover', frameId })).body;
  const roots = async () => (await session().ask('xv6.pageTable', {})).roots;

  /** In a function, when it is called for a user program from the shell. */
  const inside = async (...functions: string[]): Promise<DebugProtocol.StackFrame[]> => {
    await session().boot({});
    await session().written('$ ');
    await session().setFunctionBreakpointsRequest({ breakpoints: functions.map((name) => ({ name })) });
    await session().type('ls');
    await session().stopped();
    return session().stack();
  };

  it('is one of that table in copyout, and what leads into the kernel is not', async () => {
    const stack = await inside('copyout');
    const frame = named(stack, 'copyout').id;
    const pid = await session().value('$pid', 'watch', frame);
    const expected = await session().value('$pte(dstva, pagetable)', 'watch', frame);
    const { result, variablesReference } = await hover('dstva', frame);
    assert.match(
      result,
      new RegExp(
        `^\\d+ = 0x[0-9a-f]+, as an address → PA 0x8[0-9a-f]{7}, V R W - U . . . \\([^)]*\\), in pagetable of copyout \\(pid ${pid} \\w+\\)$`,
      ),
    );
    assert.ok(expected.includes(result.match(/PA (0x[0-9a-f]{5})/)![1]!), `${expected}: ${result}`);
    const rows = await session().children(variablesReference);
    const other = rows.find(({ name }) => name.startsWith('in satp of hart 0 (kernel_pagetable)'));
    assert.match(other!.value, /→ no translation: level \d index \d+: V=0/);
    const { result: source } = await hover('src', frame);
    assert.match(source, /→ PA 0x8[0-9a-f]{7}, V R W - - /, 'a pointer is followed in satp');
    assert.doesNotMatch(source, /pagetable of copyout/);
    for (const count of ['len', '$proc->sz']) assert.doesNotMatch((await hover(count, frame)).result, /→/, count);
  });

  it("is one of the caller's in walk, whose own variable leads to lower tables", async () => {
    const line = lineOf('kernel/vm.c', /return &pagetable\[PX\(0, va\)\];/);
    await session().boot({});
    await session().written('$ ');
    await session().setBreakpointsRequest({
      source: { path: source('kernel/vm.c') },
      breakpoints: [{ line, condition: 'va >= 0x1000 && va < 0x8000' }],
    });
    await session().type('ls');
    await session().stopped();
    const [walk, caller] = await session().stack();
    assert.match(walk!.name, /^walk/);
    assert.notEqual(
      await session().value('(uint64)pagetable', 'watch', walk!.id),
      await session().value('(uint64)pagetable', 'watch', caller!.id),
    );
    const { translation } = await session().ask('xv6.translate', { expression: 'va', frameId: walk!.id });
    assert.match(translation!.root.id, new RegExp(`^frame:${caller!.name.replace(/\W.*/, '')}:`));
    for (const { id } of await roots()) assert.ok(!id.startsWith('frame:walk:'), 'what walk has in hand is no root');
  });

  it('is one of a table that is no process’s yet, which the panel offers, and of one that is being freed', async () => {
    const stack = await inside('mappages');
    const frame = named(stack, 'mappages').id;
    const [offered] = (await roots()).filter(({ id }) => id.startsWith('frame:'));
    assert.match(offered!.label, /^\w+ of mappages \(no process’s\)$/);
    assert.equal(BigInt(offered!.root!), BigInt(await session().value('(uint64)pagetable', 'watch', frame)));
    const model = await session().ask('xv6.pageTable', { root: offered!.id });
    assert.equal(model.shown.id, offered!.id);
    const { translation } = await session().ask('xv6.translate', { expression: 'va', frameId: frame });
    assert.match(translation!.verdict, /V=0, nothing is mapped here$/);
    assert.equal(translation!.root.id, offered!.id);
    // satp maps the trampoline at this address; the physical page is no address of the table that is made.
    assert.match(
      (await hover('va', frame)).result,
      / → no translation: .*, in pagetable of mappages \(no process’s\)$/,
    );
    assert.equal((await hover('size', frame)).result, '4096', 'the size of a page');
    assert.match((await hover('pa', frame)).result, / → PA 0x8000[0-9a-f]{4}, V R - X [^]*\(kernel text\)$/);
  });

  it('tells at a panic of freewalk whose leaf it is, by the root that the callers have', async () => {
    await session().boot({ kernel: kernelWithBug(42) });
    assert.equal((await session().stopped()).description, 'panic: freewalk: leaf');
    const handed = (await roots()).filter(({ id }) => id.startsWith('frame:'));
    const labels = handed.map(({ label }) => label);
    assert.deepEqual(labels, ['pagetable of freewalk (no process’s)', 'table of exec (pid 1 init)']);
    const stack = await session().stack();
    const caller = named(stack, 'uvmfree').id;
    assert.equal(BigInt(handed[0]!.root!), BigInt(await session().value('(uint64)pagetable', 'watch', caller)));
    const { entries, leaves } = await session().ask('xv6.pageTable', { root: handed[0]!.id });
    assert.ok(entries.length > 0 && leaves > 0);
  });
});
