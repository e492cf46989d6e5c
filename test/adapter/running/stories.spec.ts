/** What lies behind a stop: xv6.story, and $why in the debug console. Panics of planted bugs lead to the guilty line without a question. */
import { strict as assert } from 'node:assert';
import type { StopStory } from '../../../debug-adapter/protocol';
import { kernelWithBug, lineOf, sessions, type Stop } from '../support';

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

  const told = (line?: string, bug = 0, more = {}): Promise<{ stop: Stop; story: StopStory }> =>
    symptom(bug, line, more).then(async (stop) => ({ stop, story: await current().ask('xv6.story', {}) }));
  const textOf = ({ lines }: StopStory): string => lines.map(({ text }) => text).join('\n');
  const vm = (text: RegExp): string => `vm.c:${lineOf('kernel/vm.c', text)}`;

  it('of a page that is mapped twice has the entry that was there, and who wrote it', async () => {
    const { story } = await told(undefined, 3);
    assert.equal(story.title, 'panic: mappages: remap');
    const [decision, writer] = story.lines;
    assert.match(
      decision!.text,
      new RegExp(
        `^At ${vm(/^    if \(\*pte & PTE_V\)$/)}, mappages went to panic for the entry for 0x3fffffd000 in the table of pid 1.*` +
          'which maps PA 0x[0-9a-f]+ \\(V R W',
      ),
    );
    const first = `kpt.c:${lineOf('kernel/kpt.c', /^  if \(mappages\(table, stack, PGSIZE/)}`;
    assert.match(
      writer!.text,
      new RegExp(`^That entry was written last by mappages.*called by kpt_make at ${first}\\.$`),
    );
    assert.match(writer!.ago!, /s ago$/);
    const { walk } = story;
    assert.deepEqual(
      walk!.steps.map(({ level }) => level),
      [2, 1, 0],
    );
    assert.equal(walk!.va, '0x3fffffd000');
    assert.match(walk!.steps[2]!.meaning, /^leaf/);
  });

  it('of a leaf that is left has its address, its maker and its page', async () => {
    const { story } = await told('ls', 14);
    const text = textOf(story);
    assert.match(text, /freewalk went to panic for the entry for 0x3000 in the table of pid 3 ls \(level 0, index 3\)/);
    assert.match(text, /written last by mappages.*called by uvmalloc.*for pid 3 ls/);
    assert.match(text, /was allocated by uvmalloc/);
    // Its page is in use: nobody has freed it since.
    assert.doesNotMatch(text.slice(text.lastIndexOf('was allocated')), /was freed/);
  });

  it('of a leaf whose page was freed says by whom, last', async () => {
    const { story } = await told(undefined, 42);
    const text = textOf(story);
    assert.match(text, /freewalk went to panic for the entry for 0x3fffffe000 in .* \(level 0, index 510\)/);
    assert.match(text, /written last by mappages.*called by proc_pagetable/);
  });

  it('of a page that is not mapped says what the walk had read', async () => {
    const { story } = await told(undefined, 17);
    const [decision] = story.lines;
    assert.match(
      decision!.text,
      /uvmunmap went to panic, as walk had returned 0\. The last entry that it had read is the entry for 0x0 in the table of pid 2 init \(level 2, index 0\), which is 0: nothing is mapped there\.$/,
    );
    assert.match(story.walk!.steps[0]!.meaning, /V=0/);
    assert.equal(story.walk!.steps.length, 1);
  });

  it('of a table that frees its leaves has the device that the leaf leads to', async () => {
    const { story } = await told('ls', 8);
    const text = textOf(story);
    assert.match(text, /kfree went to panic for the entry for 0xc000000 in the table of pid 3 ls, kpagetable/);
    assert.match(text, /written last by mappages.*called by kpt_make/);
    assert.match(text, /PA 0xc000000 is no RAM: .*plic.* answers there/i);
  });

  it('of an entry that has lost its page has the exception behind the panic, and the line that spoilt the entry', async () => {
    const { story } = await told('ls', 36);
    const text = textOf(story);
    assert.match(text, /^The kernel was handling this: load page fault at 0x[0-9a-f]+ \(supervisor mode\)/);
    assert.match(
      text,
      /The address was made of the entry for 0x3000 in the table of pid 2 sh .*which maps PA 0x0 \(V R/,
    );
    const guilty = `cow.c:${lineOf('kernel/cow.c', /\*pte = \(\*pte & flags\)/)}`;
    assert.match(text, new RegExp(`That entry was written last by uvmcopy\\S* at ${guilty}, called by fork`));
    assert.match(text, /Before, it mapped PA 0x8[0-9a-f]+ \(V R W - U/);
    assert.doesNotMatch(text, /illegal instruction|went to panic/);
  });

  it('of a program that dies of other code than its own has who overwrote it', async () => {
    const { story } = await told('forktest', 31);
    const text = textOf(story);
    assert.match(text, /^The kernel was handling this: illegal instruction \(user mode, pid 1 \(init\)\)/);
    assert.match(text, /The instruction was written last by memset.*called by kfree/);
    assert.match(text, /was freed by uvmunmap.*for pid 2/);
  });

  it('is told in the debug console, and its numbers lead there', async () => {
    const session = current();
    const { threadId } = await symptom(3);
    const before = await session.places(threadId!);
    const { result } = (await session.evaluateRequest({ expression: '$why', context: 'repl' })).body;
    assert.match(result, /^panic: mappages: remap\nAt vm\.c:\d+, mappages went to panic/);
    assert.deepEqual(await session.places(threadId!), before);
    assert.match(session.console, /panic: mappages: remap|booting/);
    const number = /written last by .*\$go\((\d+)\)/.exec(result)![1]!;
    await session.evaluateRequest({ expression: `$go(${number})`, context: 'repl' });
    await session.stopped();
    const [place] = await session.places(threadId!);
    assert.equal(place, `mappages kernel/vm.c:${lineOf('kernel/vm.c', /\*pte = PA2PTE\(pa \+ offset\)/)}`);
    await assert.rejects(session.evaluateRequest({ expression: '$why', context: 'watch' }), /in the debug console/);
  });

  it('that nobody has asked for ends when the machine is to go on', async () => {
    const session = current();
    await symptom(3);
    const story = session.ask('xv6.story', { unasked: true });
    const going = session.customRequest('stepBack', { threadId: 1 });
    assert.equal((await story).title, 'panic: mappages: remap');
    await going;
    await session.stopped();
  });

  it('is short where there is nothing to tell', async () => {
    const session = current();
    await session.boot({ functions: ['sys_write'] });
    await session.stopped();
    assert.deepEqual((await session.ask('xv6.story', {})).lines, []);
    const { result } = (await session.evaluateRequest({ expression: '$why', context: 'repl' })).body;
    assert.match(result, /nothing more to be told of this stop/);
  });
});
