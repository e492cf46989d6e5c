/** Hovers: a value means something in the address space of its frame, and not every number is an address. */
import { strict as assert } from 'node:assert';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { shellAsleep } from '../stacks';
import { lineOf, named, sessions } from '../support';

describe('hover in the frames of one stop', function () {
  this.timeout(60_000);
  const session = sessions();
  const hover = async (expression: string, frameId: number): Promise<DebugProtocol.EvaluateResponse['body']> =>
    (await session().evaluateRequest({ expression, context: 'hover', frameId })).body;
  const translate = async (expression: string, frameId: number) =>
    (await session().ask('xv6.translate', { expression, frameId })).translation;

  /** To the system call that `cat` makes, with its frames by name. */
  const atRead = async (): Promise<DebugProtocol.StackFrame[]> => {
    await session().boot({});
    await session().written('$ ');
    await session().setFunctionBreakpointsRequest({ breakpoints: [{ name: 'sys_write' }] });
    await session().type('cat README');
    const frames = async (): Promise<DebugProtocol.StackFrame[]> => {
      await session().stopped();
      const stack = await session().stack();
      if (stack.some(({ name }) => name === 'cat')) return stack;
      await session().continueRequest({ threadId: 1 });
      return frames();
    };
    return frames();
  };

  it("walks the program's table in a user frame, though the kernel's is in force", async () => {
    const stack = await atRead();
    const user = named(stack, 'cat').id;
    for (const expression of ['&buf', '$sp', '$pc']) {
      const expected = await session().value(`$va2pa(${expression})`, 'watch', user);
      const { result } = await hover(expression, user);
      assert.match(result, new RegExp(`→ PA ${expected}, V R . . U `), expression);
      const { pa, mode, root, region } = (await translate(expression, user))!;
      assert.deepEqual([pa, mode, root.id], [expected, 'U', `pid:${await session().value('$pid')}`], expression);
      assert.match(region ?? '', expression === '$pc' ? /user text/ : expression === '$sp' ? /user stack/ : /user/);
    }
    const { result } = await hover('buf', user);
    assert.match(result, /^"/, 'an array says what it holds');
    assert.equal((await translate('buf', user))!.pa, await session().value('$va2pa(&buf)', 'watch', user));
    const { variablesReference } = await hover('buf', user);
    assert.match((await session().children(variablesReference)).at(-1)!.value, /^0x[0-9a-f]+ → PA 0x8/);
  });

  it("walks the hart's table in a kernel frame of the same stop", async () => {
    const stack = await atRead();
    const kernel = named(stack, 'sys_write').id;
    const { pa, mode, root, region } = (await translate('$sp', kernel))!;
    assert.deepEqual([mode, root.id], ['S', 'satp']);
    assert.match(root.label, /satp of hart 0 \(kernel_pagetable\)/);
    assert.match(region ?? '', /kernel stack of pid \d/);
    assert.equal(pa, await session().value('$va2pa($sp)', 'watch', kernel));
    const user = await translate('(char *)0x0', kernel);
    assert.match(user?.summary ?? '', /→ no translation: level \d index 0: V=0, nothing is mapped here/);
    const { result, variablesReference } = await hover('(char *)0x0', kernel);
    assert.match(result, / → no translation: .*; → PA 0x8[0-9a-f]+, V R - X U [^;]*\(user text\), in pid \d+ \w+$/);
    const rows = await session().children(variablesReference);
    assert.match(rows.at(-1)!.name, /^in pid \d+ \w+$/, 'with the walk in the table of the process');
    assert.equal((await session().children(rows.at(-1)!.variablesReference))[1]!.name, 'level 2');
  });

  it('walks the tables of a process that no hart runs', async () => {
    await session().boot({});
    await session().written('$ ');
    await shellAsleep(session());
    await session().pauseRequest({ threadId: 1 });
    await session().stopped();
    const { threads } = (await session().threadsRequest()).body;
    const shell = threads.find(({ name }) => /pid 2 sh/.test(name))!;
    const stack = await session().stack(shell.id);
    const user = named(stack, 'main').id;
    const { pa, mode, root, region } = (await translate('$sp', user))!;
    assert.deepEqual([mode, root.id, region], ['U', 'pid:2', 'user stack']);
    assert.equal(pa, await session().value('$va2pa($sp)', 'watch', user));
    const kernel = stack[0]!.id;
    const inKernel = (await translate('$sp', kernel))!;
    assert.deepEqual([inKernel.mode, inKernel.root.id], ['S', 'kernel']);
    assert.match(inKernel.region ?? '', /kernel stack of pid 2 \(sh\)/);
  });
});

describe('hover of a number', function () {
  this.timeout(60_000);
  const session = sessions();
  const hover = async (expression: string): Promise<string> => {
    const frameId = (await session().stack())[0]!.id;
    return (await session().evaluateRequest({ expression, context: 'hover', frameId })).body.result;
  };

  it('says of a page-table entry what it maps, and not where it would lead', async () => {
    const line = lineOf('kernel/vm.c', /if \(PTE_LEAF\(pte\)\)/);
    await session().boot({ lines: [{ file: 'kernel/vm.c', lines: [line] }] });
    await session().stopped();
    const frameId = (await session().stack())[0]!.id;
    for (const expression of ['pagetable[i]', 'pte', '*pagetable', 'proc[0].pagetable[0]']) {
      const result = await hover(expression);
      assert.match(result, /^0x[0-9a-f]+ \([^)]*: (V=0: not valid|next table at 0x8[0-9a-f]+|maps PA 0x8[0-9a-f]+)\)$/);
      assert.equal(result, await session().value(expression), expression);
      const { translation, value } = await session().ask('xv6.translate', { expression, frameId });
      assert.deepEqual([translation, value], [undefined, result]);
    }
    // The same number as a uint64 is none: as an address it leads nowhere, and that is not said.
    assert.match(await hover('(uint64)pte'), /^\d+$/);
    assert.match(await hover('pagetable'), /^0x8[0-9a-f]{7}.* → PA 0x8/);
  });

  it('is silent about sizes, flags and counts, and about an address that leads nowhere from here', async () => {
    await session().boot({ functions: ['sys_write'] });
    await session().stopped();
    for (const expression of [
      'proc[0].sz',
      'proc[0].sz + 0x5000',
      '$satp',
      '$scause',
      '$a7',
      '$sstatus.SPP',
      '$pte($sp)',
    ])
      assert.doesNotMatch(await hover(expression), /→/, expression);
    assert.match(await hover('0x5000'), /→ no translation: level \d/, 'a number that is written as such is asked for');
    assert.match(await hover('(char *)proc[0].sz'), /→ no translation/);
    assert.match(await hover('(uint64)&proc[0]'), /→ PA 0x8/, 'one that leads somewhere');
    assert.match(await hover('$stvec'), /→ PA 0x8/);
  });
});
