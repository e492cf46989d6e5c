import { strict as assert } from 'node:assert';
import { sessions } from '../support';

describe('setInstructionBreakpoints', function () {
  this.timeout(60_000);
  const session = sessions();

  it('stops at an address, and at an offset from one', async () => {
    await session().boot({ stopOnEntry: true });
    await session().stopped();
    const main = (await session().evaluateRequest({ expression: '&main', context: 'watch' })).body.memoryReference!;
    await session().customRequest('setInstructionBreakpoints', {
      breakpoints: [{ instructionReference: main, offset: 4 }],
    });
    const stop = await session().goOn();
    assert.equal(stop.reason, 'instruction breakpoint');
    assert.equal(await session().value('(long)$pc - (long)&main'), '4');
  });

  it('asks conditions, counts hits and logs as at a line', async () => {
    await session().boot({ stopOnEntry: true });
    await session().stopped();
    const at = (await session().evaluateRequest({ expression: '&kalloc', context: 'watch' })).body.memoryReference!;
    const set = async (extras: object): Promise<void> => {
      const breakpoints = [{ instructionReference: at, ...extras }];
      await session().customRequest('setInstructionBreakpoints', { breakpoints });
    };
    await set({ logMessage: 'kalloc for {pid}, from {$ra}', condition: 'pid == 2' });
    await session().continueRequest({ threadId: 1 });
    await session().written('$ ');
    assert.match(session().messages, /^kalloc for 2, from .*0x8/m);
    await session().pauseRequest({ threadId: 1 });
    await session().stopped();
    await set({ hitCondition: '% 10' });
    await session().continueRequest({ threadId: 1 });
    await session().type('ls');
    assert.equal((await session().stopped()).reason, 'instruction breakpoint');
  });

  it('refuses what is no address', async () => {
    await session().boot({ stopOnEntry: true });
    await session().stopped();
    await assert.rejects(
      session().customRequest('setInstructionBreakpoints', { breakpoints: [{ instructionReference: 'main' }] }),
      /"main" is no address/,
    );
  });
});
