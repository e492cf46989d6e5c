/** A kernel that has come to an end of its own, however it words that: the debugger stops, once, if it is to stop at panics. */
import { strict as assert } from 'node:assert';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Assembler } from '../../../emulator/testing/assembler';
import { elf } from '../../../emulator/testing/elf';
import { R } from '../../../emulator/testing/encode';
import { kernelWithBug, sessions, type LaunchOptions } from '../support';

describe('the end of a kernel', function () {
  this.timeout(60_000);
  const session = sessions();

  const boot = async (text: string, options: LaunchOptions = {}): Promise<void> => {
    const kernel = join(session().folder, 'kernel');
    const a = new Assembler().li(R.s0, 0x1000_0000);
    for (const letter of text) a.li(R.t1, letter.charCodeAt(0)).op('sb', { rs1: R.s0, rs2: R.t1 });
    writeFileSync(kernel, elf(a.label('spin').to('spin', 'jal').image()));
    await session().boot({ kernel, filters: ['panic'], ...options });
  };
  const goesOn = async (milliseconds = 2500): Promise<void> => {
    const stops = session().stopped();
    const late = new Promise((resolve) => setTimeout(resolve, milliseconds, 'none'));
    assert.equal(await Promise.race([stops, late]), 'none');
    await session().pauseRequest({ threadId: 1 });
    assert.equal((await stops).reason, 'pause');
  };

  it('is a panic by another name', async () => {
    await boot('PANIC: oops\n');
    const { reason, description, text } = await session().stopped();
    assert.deepEqual([reason, description], ['exception', 'PANIC: oops']);
    assert.match(text ?? '', /^hart 0 at 0x8000\w+ goes round in a loop without end, with interrupts disabled/);
    const { body } = await session().exceptionInfoRequest({ threadId: 1 });
    assert.equal(body.exceptionId, 'panic');
    await session().continueRequest({ threadId: 1 });
    await goesOn();
  });

  it('is told without a word of panic', async () => {
    await boot('So long.\n');
    const { description, text } = await session().stopped();
    assert.match(description ?? '', /a loop without end/);
    assert.match(text ?? '', /the console says "So long\."/);
  });

  it('does not stop without the filter, nor where the condition is false', async () => {
    await boot('PANIC: oops\n', { filters: ['system-call'] });
    await goesOn();
    await session().setFilters({ filterId: 'panic', condition: 'hart == 7' });
    await session().customRequest('restart', {});
    await goesOn();
  });

  it('is only said where nothing is to stop', async () => {
    await boot('PANIC: oops\n', { noDebug: true });
    await new Promise((resolve) => setTimeout(resolve, 2500));
    assert.match(session().messages, /hart 0 at 0x8000\w+ goes round in a loop without end/);
  });

  it('is not said again after a stop at the call of panic', async () => {
    await session().boot({ kernel: kernelWithBug(42), filters: ['panic'] });
    assert.match((await session().stopped()).description ?? '', /^panic: /);
    await session().continueRequest({ threadId: 1 });
    await session().written('panic: ');
    await goesOn();
  });

  it('is not a shell that waits', async () => {
    await session().boot({ filters: ['panic'] });
    await session().written('$ ');
    await goesOn();
    assert.equal(session().messages.includes('loop without end'), false);
  });
});

describe('processes that sleep', function () {
  this.timeout(60_000);
  const session = sessions();

  const goesOn = async (milliseconds: number): Promise<void> => {
    const stops = session().stopped();
    const late = new Promise((resolve) => setTimeout(resolve, milliseconds, 'none'));
    assert.equal(await Promise.race([stops, late]), 'none');
    await session().pauseRequest({ threadId: 1 });
    assert.equal((await stops).reason, 'pause');
  };

  /** Boots, and leaves out the first call of a function. */
  async function without(name: string, options: LaunchOptions): Promise<void> {
    await session().boot({ ...options, functions: [name] });
    const { threadId } = await session().stopped();
    const { id } = (await session().stack(threadId))[0]!;
    await session().evaluateRequest({ expression: '$pc = $ra', context: 'repl', frameId: id });
    await session().setFunctionBreakpointsRequest({ breakpoints: [] });
    await session().continueRequest({ threadId: threadId! });
  }

  for (const harts of [1, 3]) {
    it(`for good, as the disk's interrupt was not passed on: soon, with the request, ${harts} harts`, async () => {
      await without('virtio_disk_intr', { harts, filters: ['panic'] });
      const { description, text } = await session().stopped();
      assert.equal(description, 'All processes sleep, and nothing will wake them');
      assert.match(text ?? '', /^nothing has run for \d\.\d s, and neither a key nor time will wake any process\n/);
      assert.match(text ?? '', /\npid 1 init sleeps on &bcache\.buf\[\d+\].*: sched < sleep < virtio_disk_rw < bread/);
      assert.match(
        text ?? '',
        /\nthe disk has answered a request that the driver has not taken back: read of sector \d+, 1024 bytes to PA 0x8\w+; status to PA 0x8\w+$/,
      );
      const { body } = await session().exceptionInfoRequest({ threadId: 1 });
      assert.equal(body.exceptionId, 'silence');
      await session().continueRequest({ threadId: 1 });
      await goesOn(2500);
    });
  }

  it('for good, as a lock was not released: soon, with who holds it', async () => {
    await without('iunlock', { harts: 1, filters: ['panic'] });
    const { description, text } = await session().stopped();
    assert.equal(description, 'All processes sleep, and nothing will wake them');
    assert.match(text ?? '', /\npid 1 init sleeps on &\w.*, which it holds itself: sched < sleep < acquiresleep < /);
  });

  it('until a key comes are none of these: a shell, and a pipe to one that waits for it', async () => {
    await session().boot({ harts: 3, filters: ['panic'] });
    await session().written('$ ');
    await goesOn(2500);
    await session().continueRequest({ threadId: 1 });
    await session().type('cat | wc');
    await goesOn(3500);
  });

  for (const [why, options] of [
    ['without the filter', { filters: ['kernel-trap'] }],
    ['with a network, as a packet may wake them', { filters: ['panic'], network: [] }],
  ] satisfies [string, LaunchOptions][]) {
    it(`${why} go on to sleep`, async () => {
      await without('virtio_disk_intr', options);
      await goesOn(2500);
    });
  }
});
