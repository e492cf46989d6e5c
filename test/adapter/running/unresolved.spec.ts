/** The filter for exceptions that the kernel does not resolve: the stop is at the exception, in the past. */
import { strict as assert } from 'node:assert';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Assembler } from '../../../emulator/testing/assembler';
import { elf } from '../../../emulator/testing/elf';
import { R } from '../../../emulator/testing/encode';
import { kernelWithBug, sessions } from '../support';

const DEFAULTS = ['kernel-trap', 'unresolved', 'panic'];

describe('an unresolved exception', function () {
  this.timeout(90_000);
  const session = sessions();

  const description = async (): Promise<string> => (await session().goOn()).description ?? '';

  it('is on by default, and so is Kernel Trap', async () => {
    const { body } = await session().initializeRequest();
    const on = body?.exceptionBreakpointFilters?.filter((filter) => filter.default).map(({ filter }) => filter);
    assert.deepEqual(on, ['kernel-trap', 'unresolved', 'stale-translation', 'panic']);
  });

  it('of a forked child, by pages that were mapped elsewhere: its first instruction, then what came of it', async () => {
    await session().boot({ kernel: kernelWithBug(17), filters: DEFAULTS });
    const { description: title, text } = await session().stopped();
    assert.match(
      title ?? '',
      /^instruction page fault at 0x5f8 .*pid 2 \(init\)\), not resolved, .* before the present$/,
    );
    assert.match(text ?? '', /: level 2 index 0: V=0.*\nnot resolved: its handler ended pid 2 init with status -1\n/);
    const { body } = await session().exceptionInfoRequest({ threadId: 1 });
    assert.equal(body.exceptionId, 'instruction page fault');
    assert.match(body.description ?? '', /walk of 0x5f8 from root/);
    assert.equal(await session().value('$pc'), '0x5f8');
    assert.equal(await description(), 'panic: uvmunmap: not mapped');
    // Whoever goes back comes by it.
    await session().customRequest('reverseContinue', { threadId: 1 });
    assert.match((await session().stopped()).description ?? '', /^instruction page fault at 0x5f8 .*, not resolved, /);
  });

  it('of a program whose code was freed', async () => {
    await session().boot({ kernel: kernelWithBug(31), filters: DEFAULTS });
    await session().written('$ ');
    await session().type('forktest');
    const { description: title, text } = await session().stopped();
    // Its child, which died before, is what fork had made it, and went to an address that nobody had promised it.
    assert.match(title ?? '', /^illegal instruction \(user mode, pid 2 \(sh\)\), not resolved/);
    assert.match(text ?? '', /\nnot resolved: its handler ended pid 2 sh with status -1/);
    assert.match(await description(), /^illegal instruction .*pid 1 \(init\)\), not resolved/);
    assert.equal(await description(), 'panic: init exiting');
  });

  it('of a program of its own', async () => {
    await session().boot({ filters: DEFAULTS });
    await session().written('$ ');
    await session().type('pagefault null');
    assert.match(
      (await session().stopped()).description ?? '',
      /^store page fault at 0x0 .*\(pagefault\)\), not resolved/,
    );
    await session().setFilters({ filterId: 'unresolved', condition: '$stval == 0x80000000' });
    await session().continueRequest({ threadId: 1 });
    await session().type('pagefault null');
    await session().written('stval=0x0\n$ ');
    await session().type('pagefault kernel');
    assert.match((await session().stopped()).description ?? '', /^load page fault at 0x80000000 /);
  });

  it('of an entry that was made before its page: an access fault, which no test wants', async () => {
    await session().boot({ filters: DEFAULTS, functions: ['null_pointer'] });
    await session().written('$ ');
    await session().type('pagefault null');
    const { threadId } = await session().stopped();
    // The stack page's, with V, R, W and U.
    const expression = '$pte($sp) = 0x17';
    const frameId = (await session().stack(threadId))[0]!.id;
    await session().evaluateRequest({ expression, context: 'repl', frameId });
    const { description: title, text } = await session().goOn();
    assert.match(title ?? '', /^store access fault at 0x\w+ \(user mode, pid 3 \(pagefault\)\), not resolved/);
    assert.match(text ?? '', /PA 0x\w+ is not RAM|at PA 0x\w+ refuses/);
    assert.match(text ?? '', /its PPN is 0: it was mapped before the page was allocated/);
  });

  it('is none where the user has stopped at it', async () => {
    await session().boot({ filters: [...DEFAULTS, 'page-fault'] });
    await session().written('$ ');
    await session().type('pagefault null');
    assert.match(
      (await session().stopped()).description ?? '',
      /^store page fault at 0x0 [^,]*, pid 3 \(pagefault\)\)$/,
    );
    await session().continueRequest({ threadId: 1 });
    await session().written('stval=0x0\n$ ');
  });

  it('is none of those that tests want, nor of those that are resolved', async () => {
    await session().boot({ harts: 3, filters: DEFAULTS });
    await session().written('$ ');
    await session().type('usertests exec-hostile faults fork-tree');
    await session().written('ALL TESTS PASSED');
  });

  it('is a kernel trap first: at its own instruction, and the panic comes after it', async () => {
    await session().boot({ kernel: kernelWithBug(11), filters: DEFAULTS });
    const { description: title, text } = await session().stopped();
    assert.equal(title, 'load page fault at 0x690 (supervisor mode)');
    assert.match(text ?? '', /V R X are set; U=1, mode S, sstatus\.SUM=0: this one bit decides/);
    assert.match((await session().places())[0]!, /^memmove kernel\/string\.c/);
    assert.equal(await description(), 'panic: kerneltrap');
  });

  it('without Kernel Trap is found by the panic', async () => {
    await session().boot({ kernel: kernelWithBug(11), filters: ['panic', 'unresolved'] });
    const { description: title, text } = await session().stopped();
    assert.match(title ?? '', /^load page fault at 0x690 \(supervisor mode\), not resolved, .* before the present$/);
    assert.match(text ?? '', /\nnot resolved: its handler came to a panic: kerneltrap\n/);
  });

  it('of a storm is told by its first faults, not by each', async () => {
    await session().boot({ kernel: kernelWithBug(4), filters: DEFAULTS });
    assert.match((await session().stopped()).description ?? '', /^store page fault at 0x3fffffdff8 /);
    assert.match(await description(), /^store page fault at 0x3fffffded0 /);
    assert.equal(await description(), 'Trap loop');
  });
});

describe('a store into ROM', function () {
  this.timeout(60_000);
  const session = sessions();

  const boot = async (filters: string[]): Promise<void> => {
    const kernel = join(session().folder, 'kernel');
    const a = new Assembler().li(R.s0, 0x1000).li(R.t1, 77).op('sw', { rs1: R.s0, rs2: R.t1, imm: 8 });
    writeFileSync(kernel, elf(a.label('spin').to('spin', 'jal').image()));
    await session().boot({ kernel, filters });
  };

  it('is lost, and told', async () => {
    await boot(['unresolved']);
    const { description, text } = await session().stopped();
    assert.equal(description, 'Store into ROM at 0x1008 is lost');
    assert.match(
      text ?? '',
      /^the 4-byte store of 0x4d to 0x1008 has no effect: that is the boot ROM, not RAM\nby sw /,
    );
  });

  it('passes without the filter', async () => {
    await boot(['kernel-trap']);
    const stop = session().stopped();
    const late = new Promise((resolve) => setTimeout(resolve, 1000, 'none'));
    assert.equal(await Promise.race([stop, late]), 'none');
    await session().pauseRequest({ threadId: 1 });
    await stop;
  });
});
