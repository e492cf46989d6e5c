/** A hart that spins with interrupts off, as at the end of xv6's panic: `for(;;);`. */
import { strict as assert } from 'node:assert';
import { TestSession } from '../support';

/** `j .` */
const LOOP = Buffer.from([0x6f, 0, 0, 0]).toString('base64');

for (const harts of [1, 3]) {
  describe(`a hart that spins, of ${harts}`, function () {
    this.timeout(60_000);
    let session: TestSession;
    let threadId: number;
    let pc: string;

    const pause = async (): Promise<string> => {
      await session.pauseRequest({ threadId });
      return (await session.stopped()).reason;
    };
    const breakpointAt = async (address?: string): Promise<void> => {
      const breakpoints = address === undefined ? [] : [{ instructionReference: address }];
      await session.customRequest('setInstructionBreakpoints', { breakpoints });
    };

    before(async () => {
      session = await TestSession.open();
      await session.boot({ harts, functions: ['kerneltrap'] });
      threadId = (await session.stopped()).threadId ?? 1;
      await session.setFunctionBreakpointsRequest({ breakpoints: [] });
      pc = (await session.stack(threadId))[0]!.instructionPointerReference!;
      await session.customRequest('writeMemory', { memoryReference: pc, data: LOOP });
      await session.continueRequest({ threadId });
      await new Promise((resolve) => setTimeout(resolve, 700));
    });
    after(() => session.stop());

    const place = async (): Promise<string | undefined> =>
      (await session.stack(threadId))[0]!.instructionPointerReference;

    it('is paused', async () => {
      assert.equal(await pause(), 'pause');
      assert.equal(await place(), pc);
    });

    it('is stepped by an instruction, over and over', async () => {
      for (let i = 0; i < 5; i++) {
        const stop = await session.step('stepIn', threadId, 'instruction');
        assert.deepEqual([stop.reason, stop.threadId, await place()], ['step', threadId, pc]);
      }
    });

    it('is stopped by a breakpoint in its loop, again each time it goes on', async () => {
      await breakpointAt(pc);
      for (let i = 0; i < 3; i++) {
        const stop = await session.goOn();
        // The other harts have run into the same loop.
        threadId = stop.threadId!;
        assert.deepEqual([stop.reason, await place()], ['instruction breakpoint', pc]);
      }
      await breakpointAt();
    });

    it('is stopped by a breakpoint that is set while it runs', async () => {
      await session.continueRequest({ threadId });
      await new Promise((resolve) => setTimeout(resolve, 300));
      await breakpointAt(pc);
      assert.equal((await session.stopped()).reason, 'instruction breakpoint');
      await breakpointAt();
    });

    it('is paused in a step over the line, which has no end', async () => {
      await session.nextRequest({ threadId });
      await new Promise((resolve) => setTimeout(resolve, 300));
      assert.equal(await pause(), 'pause');
      assert.equal(await place(), pc);
    });
  });
}
