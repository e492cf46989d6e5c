/** Whom the story of a stop names as the last writer: not the guest where the debugger wrote later, and nobody where nobody did. */
import { strict as assert } from 'node:assert';
import { storyOf } from '../story';
import { sessions } from '../support';

describe('the last writer in the story of a stop', function () {
  this.timeout(120_000);
  const current = sessions();

  it('of a jump has where the address lay, whose lowest bit no jump keeps', async () => {
    const session = current();
    await session.boot({ functions: ['ls:list_directory'], filters: ['process-exit'] });
    await session.written('$ ');
    await session.type('ls');
    await session.stopped();
    const frameId = (await session.stack())[0]!.id;
    // The saved return address: the sample's programs have frame pointers.
    const saved = '*(unsigned long *)($s0 - 8)';
    await session.evaluateRequest({ expression: `${saved} = 0x101010101010101`, context: 'repl', frameId });
    await session.setFunctionBreakpointsRequest({ breakpoints: [] });
    await session.goOn();
    const { lead, text } = await storyOf(session);
    assert.match(lead, /^instruction page fault at 0x101010101010100 \(user mode/);
    assert.match(text, /The address was loaded from PA 0x\w+, where 0x101010101010101 was/);
    // A function of the program had put something there before.
    assert.match(lead, /^What lay there was written last by the debugger, .* ago$/m);
  });

  it('of a null pointer in the kernel blames no entry, and nothing for what the debugger has written', async () => {
    const session = current();
    await session.boot({ functions: ['filewrite'], filters: ['kernel-trap'] });
    await session.stopped();
    await session.evaluateRequest({ expression: 'f = 0', context: 'repl', frameId: (await session.stack())[0]!.id });
    const { description } = await session.goOn();
    assert.match(description!, /^load page fault at 0x\w{1,3} \(supervisor mode\)/);
    const { lead, story } = await storyOf(session);
    assert.doesNotMatch(lead, /The entry|made of|loaded from/);
    assert.ok(story.sections.every(({ about }) => about !== 'cause'));
    assert.match(lead, /It was raised by filewrite at file\.c:\d+/);
  });

  it('of an entry that nothing has ever written says so', async () => {
    const session = current();
    await session.boot({ functions: ['filewrite'], filters: ['kernel-trap'] });
    await session.stopped();
    // A root in RAM that nobody has used yet.
    await session.evaluateRequest({ expression: '$satp = ((unsigned long)8 << 60) | 0x83000', context: 'repl' });
    await session.goOn();
    const { lead } = await storyOf(session);
    assert.match(lead, /^instruction page fault at 0x8000\w+ \(supervisor mode\): level 2 index 2: V=0/);
    assert.match(lead, /^Nothing has written the entry since the past of this run begins$/m);
    assert.doesNotMatch(lead, /debugger/);
  });

  it('of an entry that the debugger has written last blames nobody else', async () => {
    const session = current();
    await session.boot({ functions: ['ls:list_directory'], filters: ['process-exit'], harts: 1 });
    await session.written('$ ');
    await session.type('ls');
    await session.stopped();
    await session.setFunctionBreakpointsRequest({ breakpoints: [] });
    await session.evaluateRequest({ expression: '$pte($sp).W = 0', context: 'repl' });
    await session.goOn();
    const { lead } = await storyOf(session);
    assert.match(
      lead,
      /^store page fault at 0x\w+ \(user mode, pid 3 \(ls\)\): V R are set; W=0: this one bit decides$/m,
    );
    assert.match(lead, /^The entry was written last by the debugger$/m);
    assert.doesNotMatch(lead, /uvmalloc|mappages/);
  });
});
