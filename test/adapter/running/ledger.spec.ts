/** The rules of the frame ledger, on kernels with planted bugs, and on the sound one. */
import { strict as assert } from 'node:assert';
import { plantedKernel } from '../planted';
import { kernelWithBug, sessions } from '../support';

const RULES = [
  ...['page-freed-twice', 'page-freed-mapped', 'page-freed-table', 'page-freed-root', 'page-freed-foreign'],
  ...['foreign', 'code', 'superpage', 'beyond', 'shared'].map((rule) => `page-entry-${rule}`),
  ...['page-reference-count', 'page-written-shared', 'page-lost', 'page-used-freed'],
];

describe('the rules of the frame ledger', function () {
  this.timeout(90_000);
  const session = sessions();

  it('are off by default, and each has a box of its own', async () => {
    const { body } = await session().initializeRequest();
    const filters = body?.exceptionBreakpointFilters?.filter(({ filter }) => RULES.includes(filter)) ?? [];
    assert.deepEqual(
      filters.map(({ filter, default: on }) => [filter, on ?? false]),
      RULES.map((rule) => [rule, false]),
    );
  });

  it('stop at the call that freed a page which another process has mapped, in the past, and go on from there', async () => {
    await session().boot({ kernel: kernelWithBug(31), filters: ['page-freed-mapped', 'panic'] });
    const { description, text } = await session().stopped();
    assert.match(description ?? '', /^The page at PA 0x[0-9a-f]+ is freed and stays mapped, .* before the present$/);
    assert.match(
      text ?? '',
      /\nthe entry for 0x2000 in the table of pid 1 init, at PA 0x[0-9a-f]+, still maps it \(V R /,
    );
    assert.match(text ?? '', /\nkfree was called for it by cow_break at cow\.c:\d+ \(pid 2\)\n/);
    assert.match(text ?? '', /\nit was allocated by uvmalloc at uvm\.c:\d+ \(pid 1\)$/);
    const [inner, outer] = await session().places();
    assert.deepEqual(
      [inner, outer].map((one) => one?.split(' ')[0]),
      ['kfree', 'cow_break'],
    );
    const page = await session().value('$a0');
    assert.match(description ?? '', new RegExp(`^The page at PA ${page} `));
    const { body } = await session().exceptionInfoRequest({ threadId: 1 });
    assert.equal(body.exceptionId, 'freed mapped');
    // The next is another call.
    assert.doesNotMatch((await session().goOn()).description ?? '', new RegExp(page));
    await session().customRequest('reverseContinue', { threadId: 1 });
    assert.match((await session().stopped()).description ?? '', new RegExp(`^The page at PA ${page} `));
  });

  it('stop where a program is entered that has a page beyond its end, and there again on the way back', async () => {
    await session().boot({ kernel: kernelWithBug(26), filters: ['page-entry-beyond', 'page-entry-foreign', 'panic'] });
    await session().written('$ ');
    await session().type('pagefault beyond');
    const { description, text } = await session().stopped();
    assert.match(
      `${description}\n${text}`,
      /0x3000 in the table of pid 3 pagefault is mapped beyond the end of the process's memory\nthe entry has U, and p->sz ends below 0x3000/,
    );
    const story = await session().value('$why', 'repl');
    assert.match(story, /\nThe entry for 0x3000 in the table of pid 3 pagefault /);
    assert.match(story, /0 → 0x\w+ \(PA 0x\w+, V R W - U - - -\) by mappages at vm\.c:\d+ < /);
    assert.match(story, /\nThe page at PA 0x\w+\n[^]*allocated by page_in /);
    assert.match((await session().goOn()).description ?? '', /^panic: freewalk/);
    await session().customRequest('reverseContinue', { threadId: 1 });
    assert.equal((await session().stopped()).description?.startsWith('0x3000 in the table'), true);
  });

  it('tell of pages that a freed table takes with it', async () => {
    await session().boot({ kernel: kernelWithBug(8), filters: ['page-freed-mapped', 'panic'] });
    await session().written('$ ');
    await session().type('forktest');
    const { text } = await session().stopped();
    assert.match(text ?? '', /kfree was called for it by free_tables at kpt\.c:\d+ \(pid \d+\)/);
  });

  it('stop where the kernel stores into a page that is shared by copy on write, and there again on the way back', async () => {
    await session().boot({ kernel: kernelWithBug(34), filters: ['page-written-shared', 'panic'] });
    await session().written('$ ');
    await session().type('labtests copyout-to-shared');
    const { description, text } = await session().stopped();
    assert.match(
      description ?? '',
      /^The kernel writes to the page at PA 0x\w+, which 2 programs share and none may write$/,
    );
    assert.match(text ?? '', /\nmemmove\+\d+ at string\.c:\d+ \(pid 4\) stores at PA 0x\w+, /);
    const places = await session().places();
    assert.deepEqual([places[0]?.split(' ')[0], places.some((one) => one?.startsWith('copyout '))], ['memmove', true]);
    await session().customRequest('reverseContinue', { threadId: 1 });
    await session().stopped();
    const again = await session().goOn();
    assert.equal(again.description, description);
  });

  it('stop where a page is lost as two harts have changed its count at the same time', async () => {
    await session().boot({ kernel: kernelWithBug(33), harts: 3, filters: ['page-lost', 'panic'] });
    await session().written('$ ');
    await session().type('labtests copy-at-once');
    const { description, text } = await session().stopped();
    assert.match(description ?? '', /^The page at PA 0x\w+ is lost: no program has it any more, and it is not free$/);
    const [, count] = /its count, (references\[\d+\]), is 1: \$writes\(\1\) tells who has changed it/.exec(text ?? '')!;
    assert.equal(await session().value(count!), '1');
  });

  it('stop where a program uses a page that was freed, before what it finds there makes it fail', async () => {
    await session().boot({ kernel: kernelWithBug(32), filters: ['page-used-freed', 'unresolved', 'panic'] });
    await session().written('$ ');
    await session().type('ls');
    const { description, text } = await session().stopped();
    assert.match(description ?? '', /^The page at PA 0x\w+ is free, and is (read|written)$/);
    assert.match(
      text ?? '',
      /\nthe program at 0x\w+ \(pid \d+\) .* PA 0x\w+: .*\nit was freed by cow_break at cow\.c:\d+ \(pid 2\)\n/,
    );
  });

  it('say of a kernel that counts nothing that it has no counts', async () => {
    await session().boot({ filters: ['page-reference-count'], referenceCounts: 'ref.count' });
    const { body } = await session().setExceptionBreakpointsRequest({ filters: ['page-reference-count'] });
    assert.deepEqual(
      body?.breakpoints?.map(({ verified, message }) => [verified, message]),
      [[false, 'Reference Count Wrong cannot be caught: the kernel has no array ref.count of counts.']],
    );
  });

  it('know allocators by the names in the launch configuration, and these must make sense', async () => {
    const wrong = (allocators: unknown) =>
      assert.rejects(
        session().boot({ allocators: allocators as never }),
        /"allocators" in the launch configuration is .*; it must be a list/,
      );
    await wrong('superalloc');
    await wrong([{ allocate: 'super alloc' }]);
    await wrong([{ allocate: 'superalloc', size: '3', of: 1 }]);
    await wrong([{ size: '2M' }]);
    await session().boot({ allocators: [{ free: 'superfree', size: '2M' }], filters: ['page-freed-twice'] });
    const { body } = await session().setExceptionBreakpointsRequest({ filters: ['page-freed-twice'] });
    assert.equal(
      body?.breakpoints?.[0]?.message,
      'Page Freed Twice cannot be caught: the kernel has no function superfree.',
    );
  });

  it('have conditions on the page', async () => {
    await session().boot({
      kernel: kernelWithBug(31),
      filters: [{ filterId: 'page-freed-mapped', condition: '$page < 0x80000000' }, 'panic'],
    });
    await session().written('$ ');
  });

  it('are not broken by a sound kernel with copy on write', async () => {
    await session().boot({ kernel: plantedKernel('COW'), harts: 3, filters: [...RULES, 'panic'] });
    await session().written('$ ');
    const from = await session().type('forktest');
    await session().written('$ ', from);
    await session().type('ls | wc; labtests copyout-to-shared copyout-to-two copy-at-once');
    await session().written('labtests copy-at-once: OK\n$ ');
  });
});
