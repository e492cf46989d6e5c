/** Stops that explain themselves: xv6.story, and $why in the debug console. Planted bugs lead to the guilty line without a question. */
import { strict as assert } from 'node:assert';
import type { Story, StorySection } from '../../../debug-adapter/protocol';
import { storyLead } from '../../../debug-adapter/stories/text';
import { storyOf, type WholeStory } from '../story';
import { plantedKernel } from '../planted';
import { kernelWithBug, lineOf, sessions, type Stop } from '../support';

interface Told extends WholeStory {
  stop: Stop;
}

const sectionOf = ({ sections }: Story, about: StorySection['about']): StorySection => {
  const found = sections.find((one) => one.about === about);
  assert.ok(found, `no ${about} among ${sections.map((one) => one.title).join(', ')}`);
  return found;
};

describe('the story of a stop', function () {
  this.timeout(120_000);
  const current = sessions();

  /** Boots a kernel with a planted bug, and types a line if it needs one to show. */
  async function symptom(bug: number, line?: string, more = {}): Promise<Stop> {
    const session = current();
    await session.boot({ kernel: kernelWithBug(bug), harts: 1, ...more });
    if (line !== undefined) {
      await session.written('$ ');
      await session.type(line);
    }
    return session.stopped();
  }

  const told = async (bug: number, line?: string, more = {}): Promise<Told> => {
    const stop = await symptom(bug, line, more);
    return { stop, ...(await storyOf(current())) };
  };
  const vm = (text: RegExp): string => `vm.c:${lineOf('kernel/vm.c', text)}`;

  it('of a page that is mapped twice has the entry that was there, who wrote it, and who wanted to', async () => {
    const { first, story, text } = await told(3);
    assert.equal(story.title, 'panic: mappages: remap');
    const [decision, writer, call] = story.lines.map((one) => one.text);
    const [made, again] = [/^  if \(mappages\(table, stack/, /^      mappages\(table, stack/].map((line) =>
      lineOf('kernel/kpt.c', line),
    );
    assert.match(
      decision!,
      new RegExp(
        `^At ${vm(/^    if \(\*pte & PTE_V\)$/)}, mappages went to panic for the entry for 0x3fffffd000 in the table of pid 1.*` +
          'which maps PA 0x[0-9a-f]+ \\(V R W',
      ),
    );
    assert.match(
      writer!,
      new RegExp(
        `^The entry was written .*s ago by mappages at vm.c:\\d+, called by kpt_make at kpt.c:${made} .*: 0 → 0x`,
      ),
    );
    assert.match(call!, new RegExp(`was called by kpt_make at kpt.c:${again}$`));
    assert.doesNotMatch(text, /was freed|cleared/);
    // At once it is told by the variables of the frame, and nothing of the past.
    assert.equal(first.past, 'looking');
    assert.match(
      storyLead(first),
      /^va in pagetable: the entry for 0x3fffffd000 in the table of pid 1, kpagetable maps PA/,
    );
    assert.doesNotMatch(storyLead(first), / ago|written/);
    // Nor is it known what decided.
    assert.ok(sectionOf(first, 'entry').walk!.steps.every(({ decides }) => decides === undefined));
    const { walk, events } = sectionOf(story, 'entry');
    assert.deepEqual(
      walk!.steps.map(({ level, decides }) => [level, decides !== undefined]),
      [
        [2, false],
        [1, false],
        [0, true],
      ],
    );
    assert.equal(events!.at(-1)!.places[1]!.line, made);
    const { links } = story.lines[1]!;
    const place = links.find(({ target }) => target.kind === 'place' && target.line === made)!;
    assert.equal(writer!.slice(place.from, place.to), `kpt_make at kpt.c:${made}`);
    assert.deepEqual(links[0]!.target, { kind: 'instant', instant: events!.at(-1)!.instant, hart: 0 });
  });

  it('of a leaf that is left has its address, its maker and its page', async () => {
    const { lead, story } = await told(14, 'ls');
    assert.match(lead, /freewalk went to panic for the entry for 0x3000 in the table of pid 3 ls \(level 0, index 3\)/);
    assert.match(lead, /written .* by mappages.*called by uvmalloc .*pid 3 ls/);
    // Its page is in use: nobody has freed it since.
    assert.doesNotMatch(lead, /was freed/);
    const { events } = sectionOf(story, 'page');
    assert.equal(events!.at(-1)!.what, 'allocated');
    assert.match(events!.at(-1)!.places[0]!.text, /^uvmalloc at uvm\.c/);
  });

  it('of a leaf whose page was freed says by whom', async () => {
    const { lead } = await told(42);
    assert.match(lead, /freewalk went to panic for the entry for 0x3fffffe000 in .* \(level 0, index 510\)/);
    assert.match(lead, /written .* by mappages.*called by proc_pagetable/);
  });

  it('of a page that is not mapped says what the walk had read', async () => {
    const { story, lead } = await told(17);
    assert.match(
      lead,
      /^At vm\.c:\d+, uvmunmap went to panic, as walk had returned 0\. The last entry that it had read is the entry for 0x0 in the table of pid 2 init \(level 2, index 0\), which is 0: nothing is mapped there\.$/m,
    );
    const { walk } = sectionOf(story, 'entry');
    assert.equal(walk!.steps.length, 1);
    assert.deepEqual(walk!.steps[0]!.decides, ['V']);
  });

  it('of a table that frees its leaves has the device that the leaf leads to', async () => {
    const { lead, text } = await told(8, 'ls');
    assert.match(lead, /kfree went to panic for the entry for 0xc000000 in the table of pid 3 ls, kpagetable/);
    assert.match(lead, /written .* by mappages.*called by kpt_make/);
    assert.match(lead, /which maps PA 0xc000000 \(.*\): PLIC\.$/m);
    assert.match(text, /It maps PA 0xc000000 .*: PLIC/);
  });

  it('of an entry that has lost its page has the exception behind the panic, and the line that spoilt the entry', async () => {
    const { lead, story, text } = await told(36, 'ls');
    assert.match(lead, /^load page fault at 0x[0-9a-f]+ \(supervisor mode\)/);
    assert.match(
      lead,
      /The address was made of the entry for 0x3000 in the table of pid 2 sh .*which maps PA 0x0 \(V R.*\): neither RAM nor a device\.$/m,
    );
    const guilty = `cow.c:${lineOf('kernel/cow.c', /\*pte = \(\*pte & flags\)/)}`;
    assert.match(
      lead,
      new RegExp(
        `The entry was written .* by uvmcopy at ${guilty}, called by fork.*: 0x[0-9a-f]+ \\(PA 0x8[0-9a-f]+, V R W - U.* → `,
      ),
    );
    assert.doesNotMatch(text, /illegal instruction/);
    // No entry decides about what is no address at all.
    assert.match(lead, /is not an Sv39 address/);
    assert.equal(sectionOf(story, 'trap').walk, undefined);
  });

  it('of a program that dies of other code than its own has who overwrote it', async () => {
    const { lead, text } = await told(31, 'forktest');
    assert.match(lead, /^illegal instruction \(user mode, pid 1 \(init\)\)/);
    assert.match(lead, /The instruction was written last by memset.*called by kfree/);
    assert.match(lead, /The page at PA 0x[0-9a-f]+ was freed .* by uvmunmap .*\(pid 2.*and not allocated since/);
    assert.match(text, /freed by uvmunmap/);
  });

  it('of a fault has the bit that decides, and the line that made it so', async () => {
    const session = current();
    await session.boot({ kernel: kernelWithBug(11), harts: 1, filters: ['kernel-trap'] });
    await session.stopped();
    const { lead, story } = await storyOf(session);
    assert.match(lead, /^load page fault at 0x\w+ \(supervisor mode\): V R X are set; U=1/);
    const line = lineOf('kernel/kpt.c', /\*mirror = \*user;/);
    assert.match(lead, new RegExp(`The entry was written .* by kpt_mirror at kpt.c:${line}, called by exec .*: 0 → `));
    assert.match(lead, /It was raised by memmove at string\.c:\d+, called by copyin at kpt\.c:\d+$/);
    assert.deepEqual(sectionOf(story, 'trap').walk!.steps.at(-1)!.decides, ['U']);
  });

  it('of a program that is ended by its fault has the fault, and none where it ends by itself', async () => {
    const session = current();
    await session.boot({ filters: ['process-exit'] });
    await session.written('$ ');
    await session.type('pagefault guard');
    assert.match((await session.stopped()).description!, /exits with status -1/);
    const { lead, story, text } = await storyOf(session);
    // The kernel's own registers say nothing of it.
    assert.match(text, /the address came from a\d, not from the stack pointer/);
    assert.match(lead, /^load page fault at 0x1fff \(user mode, pid 3 \(pagefault\)\): V R W are set; U=0/);
    assert.match(
      lead,
      /The entry was written .* by uvmclear at uvm\.c:\d+, called by exec .*V R W - U - - -\) → .*V R W - - - - -\)/,
    );
    assert.match(lead, /It was raised by guard_page at pagefault\.c:\d+$/);
    assert.deepEqual(sectionOf(story, 'trap').walk!.steps.at(-1)!.decides, ['U']);
    const from = session.console.length;
    await session.continueRequest({ threadId: 1 });
    await session.written('$ ', from);
    await session.type('echo');
    assert.match((await session.stopped()).description!, /exits with status 0/);
    assert.deepEqual(await session.ask('xv6.story', {}), {});
  });

  it('of an address that was loaded from a freed page has that page, and else not where it lay', async () => {
    const session = current();
    await session.boot({ kernel: kernelWithBug(31), filters: ['process-exit'] });
    await session.written('$ ');
    await session.type('forktest');
    await session.stopped();
    const { lead } = await storyOf(session);
    assert.match(lead, /^load page fault at 0x9c9c9c9c9c9c9c9c \(user mode/);
    const [, page] = /loaded from PA 0x(\w+)\w{3}, where 0x9c9c9c9c9c9c9c9c was/.exec(lead)!;
    assert.match(lead, new RegExp(`The page at PA 0x${page}000 was freed .*and not allocated since`));
  });

  it('of a fault that its handler has not resolved has the other page that it mapped instead', async () => {
    const session = current();
    await session.boot({ kernel: plantedKernel('LAZY'), functions: ['page_in'], filters: ['unresolved'], harts: 1 });
    await session.written('$ ');
    await session.type('labtests grow');
    for (let call = 0; call < 2; call++) {
      await session.stopped();
      const frameId = (await session.stack())[0]!.id;
      await session.evaluateRequest({ expression: 'va = va - 4096', context: 'repl', frameId });
      if (call > 0) await session.setFunctionBreakpointsRequest({ breakpoints: [] });
      await session.continueRequest({ threadId: 1 });
    }
    assert.match((await session.stopped()).description!, /^store page fault at .* not resolved/);
    const { lead } = await storyOf(session);
    assert.match(
      lead,
      /Its handler then wrote the entry for 0x(\w+)000, and none for 0x\w+, by mappages.*, called by page_in at lazy\.c:\d+: 0 → .*\), .* later/,
    );
  });

  it('of a list of free pages led astray has who wrote into one of them', async () => {
    const session = current();
    await session.boot({ functions: ['filestat'], filters: ['kernel-trap'], harts: 1 });
    await session.written('$ ');
    await session.type('ls');
    await session.stopped();
    await session.setFunctionBreakpointsRequest({ breakpoints: [{ name: 'memmove' }] });
    await session.goOn();
    const [frame, caller] = await session.stack();
    assert.deepEqual([frame!.name, caller!.name], ['memmove', 'copyout']);
    await session.evaluateRequest({ expression: '$a0 = kmem.freelist', context: 'repl', frameId: frame!.id });
    await session.setFunctionBreakpointsRequest({ breakpoints: [] });
    const from = session.console.length;
    await session.continueRequest({ threadId: 1 });
    await session.written('$ ', from);
    // Takes more pages than ls has left on the list.
    await session.type('forktest');
    assert.match((await session.stopped()).description!, /^load page fault at 0x\w+ \(supervisor mode\)/);
    const { lead } = await storyOf(session);
    assert.match(lead, /\nThe address was loaded from kmem\.freelist, and that had been read from PA 0x8\w+000\.\n/);
    assert.match(
      lead,
      /\nWhat lay there was written last by memmove.*, called by copyout at copy\.c:\d+, for pid 3 ls, /,
    );
  });

  it('of a call of kfree that fails does not say that it has freed the page', async () => {
    const session = current();
    await session.boot({ functions: ['kfree'], harts: 1 });
    await session.stopped();
    const frameId = (await session.stack())[0]!.id;
    await session.evaluateRequest({ expression: '$a0 = $a0 + 8', context: 'repl', frameId });
    await session.setFunctionBreakpointsRequest({ breakpoints: [] });
    assert.match((await session.goOn()).description!, /^panic: kfree/);
    const { text } = await storyOf(session);
    assert.doesNotMatch(text, /freed/);
  });

  it('of an address beyond the heap has where it was used', async () => {
    const session = current();
    await session.boot({ filters: ['process-exit'] });
    await session.written('$ ');
    await session.type('pagefault beyond');
    await session.stopped();
    const { lead, text } = await storyOf(session);
    assert.doesNotMatch(lead, /loaded from/);
    assert.match(lead, /It was raised by beyond_heap at pagefault\.c:\d+$/);
    assert.match(text, /The address was loaded from PA 0x\w+, where 0x3000 was/);
  });

  it('is told in the debug console, and its numbers lead there', async () => {
    const session = current();
    const { threadId } = await symptom(3);
    const before = await session.places(threadId!);
    const { result } = (await session.evaluateRequest({ expression: '$why', context: 'repl' })).body;
    assert.match(result, /^panic: mappages: remap\nAt vm\.c:\d+, mappages went to panic/);
    assert.deepEqual(await session.places(threadId!), before);
    assert.match(session.console, /panic: mappages: remap|booting/);
    const number = /0 → 0x\w+ \(PA .* by mappages .*\$go\((\d+)\)/.exec(result)![1]!;
    await session.evaluateRequest({ expression: `$go(${number})`, context: 'repl' });
    await session.stopped();
    const [place] = await session.places(threadId!);
    assert.equal(place, `mappages kernel/vm.c:${lineOf('kernel/vm.c', /\*pte = PA2PTE\(pa \+ offset\)/)}`);
    await assert.rejects(session.evaluateRequest({ expression: '$why', context: 'watch' }), /in the debug console/);
  });

  it('leaves the machine to whoever asks for something meanwhile, and then goes on', async () => {
    const session = current();
    const { threadId } = await symptom(14, 'ls');
    const here = await session.places(threadId!);
    const stories: Story[] = [];
    session.on('xv6.story', ({ body }: { body: Story }) => stories.push(body));
    const replaced: unknown[] = [];
    session.on(
      'xv6.consoleOutput',
      ({ body }: { body: { replaces?: boolean } }) => body.replaces && replaced.push(body),
    );
    await session.ask('xv6.attachConsole', {});
    await session.ask('xv6.story', {});
    for (let times = 0; times < 20; times++) {
      await new Promise((resolve) => setTimeout(resolve, 70 + times));
      assert.deepEqual(await session.places(threadId!), here);
    }
    const end = Date.now() + 20_000;
    while (stories.at(-1)?.past !== 'told' && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 10));
    assert.equal(stories.at(-1)!.past, 'told');
    assert.deepEqual(replaced, [], 'the console was the same all the time');
    // It is told again at once, as long as the stop lasts.
    assert.equal((await session.ask('xv6.story', {})).story!.past, 'told');
  });

  it('ends when the machine is to go on', async () => {
    const session = current();
    await symptom(3);
    await session.ask('xv6.story', {});
    await session.customRequest('stepBack', { threadId: 1 });
    const { description } = await session.stopped();
    assert.match(description!, /before the present$/);
  });

  it('is none where there is nothing to tell', async () => {
    const session = current();
    await session.boot({ functions: ['sys_write'] });
    await session.stopped();
    assert.deepEqual(await session.ask('xv6.story', {}), {});
    const { result } = (await session.evaluateRequest({ expression: '$why', context: 'repl' })).body;
    assert.match(result, /nothing more to be told of this stop/);
  });

  it('does not look at the past if it is not asked to', async () => {
    const session = current();
    await symptom(3);
    const { story } = await session.ask('xv6.story', { past: false });
    assert.equal(story!.past, 'not asked');
    assert.ok(story!.lines.length > 0);
  });
});
