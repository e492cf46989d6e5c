/** Queries over time, as the debug console and the editor's menus ask them. */
import { strict as assert } from 'node:assert';
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { QueryAnswer } from '../../../debug-adapter/protocol';
import { plantedKernel } from '../planted';
import { lineOf, sessions, type TestSession } from '../support';

describe('queries over time', function () {
  this.timeout(120_000);
  const current = sessions();

  /** Runs `ls` with a stop where it exits: what it did is known. */
  async function afterLs(): Promise<TestSession> {
    const session = current();
    await session.boot({ harts: 1 });
    await session.written('$ ');
    await session.setFilters('process-exit');
    await session.type('ls');
    await session.stopped();
    return session;
  }

  async function query(session: TestSession, text: string, most?: number): Promise<QueryAnswer> {
    const [frame] = await session.stack();
    return session.ask('xv6.query', { query: text, frameId: frame!.id, ...(most !== undefined && { most }) });
  }

  it('finds every call of a function, with arguments, result, caller and process', async () => {
    const session = await afterLs();
    const hash = await session.value('$instret');
    const { title, rows } = await query(session, '$calls(walk, va == 0x3fffffe000)', 5);
    assert.match(title, /^5 calls of walk; the latest last; /);
    assert.equal(rows.length, 5);
    for (const { what, parts, process, place, hart } of rows) {
      assert.match(what, /^walk\(pagetable = 0x8\w+, va = 0x3fffffe000, alloc = [01]\) = 0x8\w+$/);
      assert.deepEqual(
        parts.map(({ name }) => name),
        ['pagetable', 'va', 'alloc', 'result'],
      );
      assert.match(process ?? '', /^pid \d \w+$/);
      assert.match(place ?? '', /^(mappages|uvmunmap) at vm\.c:\d+$/);
      assert.equal(hart, 0);
    }
    // The machine is back, and the stop is what it was.
    assert.equal(await session.value('$instret'), hash);
    assert.match((await session.stack())[0]!.name, /exit/);
  });

  it('goes to a row, where the arguments are what the table said', async () => {
    const session = await afterLs();
    const { rows } = await query(session, '$calls(exec)');
    const row = rows.at(-1)!;
    assert.match(row.what, /^exec\(path = 0x\w+ "\/ls", argv = 0x\w+\) = 1$/);
    await session.ask('xv6.goTo', { instant: row.instant, hart: row.hart!, description: row.what });
    const stop = await session.stopped();
    assert.ok(stop.description!.startsWith(row.what), stop.description);
    assert.match((await session.places(stop.threadId!))[0]!, /^exec kernel\/exec\.c/);
    assert.match(await session.value('path'), /"\/ls"/);
  });

  it('filters calls by their result, which also a later stretch of the past may have', async () => {
    const session = await afterLs();
    const all = (await query(session, '$calls(sys_read)', 1000)).rows;
    const wanted = all.filter(({ parts }) => parts.at(-1)?.name === 'result' && parts.at(-1)?.value === '1');
    assert.ok(wanted.length > 1 && wanted.length < all.length, JSON.stringify(all.map(({ what }) => what)));
    const { rows } = await query(session, '$calls(sys_read, $result == 1)', 1000);
    assert.deepEqual(
      rows.map(({ instant }) => instant),
      wanted.map(({ instant }) => instant),
    );
  });

  it('counts as many calls as a breakpoint is hit', async () => {
    const session = current();
    await session.boot({ harts: 1, functions: ['kalloc'] });
    for (let hit = 1; hit < 40; hit++) {
      await session.stopped();
      await session.continueRequest({ threadId: 1 });
    }
    await session.stopped();
    const { rows, title } = await query(session, '$calls(kalloc)', 1000);
    assert.equal(rows.length, 39, 'the fortieth has not begun');
    assert.equal(title, '39 calls of kalloc; the latest last');
    const results = rows.map(({ parts }) => parts[0]!.value);
    assert.equal(new Set(results).size, 39, 'each page is another one');
  });

  it('finds the writes of a place with the values before and after, and a condition on them', async () => {
    const session = await afterLs();
    const all = (await query(session, '$writes(proc[1].state)', 1000)).rows.map(({ what }) => what);
    assert.match(all.at(-1)!, /^proc\[1\]\.state: RUNNING → SLEEPING$/);
    for (const [index, what] of all.slice(1).entries()) {
      assert.equal(
        /: (\w+) →/.exec(what)![1],
        /→ (\w+)$/.exec(all[index]!)![1],
        'each begins where the last one ended',
      );
    }
    const slept = await query(session, '$writes(proc[1].state, $new == SLEEPING)', 1000);
    assert.deepEqual(
      slept.rows.map(({ what }) => what),
      all.filter((what) => what.endsWith('→ SLEEPING')),
    );
    const { instant, hart, line } = slept.rows.at(-1)!;
    assert.equal(line, lineOf('kernel/sched.c', /->state = SLEEPING/));
    await session.ask('xv6.goTo', { instant, hart: hart! });
    await session.stopped();
    // About to write.
    assert.equal(await session.value('proc[1].state'), 'RUNNING');
    await session.step('next');
    assert.equal(await session.value('proc[1].state'), 'SLEEPING');
  });

  it('finds traps by what they are about to write, and switches of the page table', async () => {
    const session = await afterLs();
    const { rows } = await query(session, '$traps($scause == 8 && $a7 == 7)');
    assert.equal(rows.length, 2, 'sh and ls; init was executed by the kernel itself');
    for (const { what, parts } of rows) {
      assert.equal(what, 'system call from user mode');
      assert.deepEqual(parts[0], { name: 'cause', value: 'system call from user mode' });
    }
    const switches = (await query(session, '$satp()', 7)).rows;
    assert.equal(switches.length, 7);
    for (const [index, { what }] of switches.slice(1).entries())
      assert.equal(what.split(' → ')[0], switches[index]!.what.split(' → ')[1]);
  });

  it('finds every run of a line', async () => {
    const session = await afterLs();
    const line = lineOf('kernel/exec.c', /proc_freepagetable\(old_table/);
    const { rows } = await query(session, `$lines(exec.c:${line})`);
    assert.ok(rows.length >= 3, String(rows.length));
    for (const row of rows) assert.equal(row.line, line);
    // All programs have code at the addresses of this line.
    const inSh = (await query(session, '$lines(ls.c:1)').catch(() => undefined))?.rows;
    assert.equal(inSh, undefined, 'a line without code');
    const ran = (await query(session, `$lines(ls.c:${lineOf('user/ls.c', /return list\("\."\)/)})`)).rows;
    assert.deepEqual(
      ran.map(({ process }) => process),
      ['pid 3 ls'],
    );
  });

  it('finds when a condition became true, by what it reads', async () => {
    const session = await afterLs();
    const { rows } = await query(session, '$when(proc[1].state == SLEEPING && proc[1].pid == 2)', 1000);
    const writes = (await query(session, '$writes(proc[1].state, $new == SLEEPING)', 1000)).rows;
    assert.deepEqual(
      rows.map(({ instant }) => instant),
      writes.map(({ instant }) => instant),
    );
    // A pointer leads elsewhere when it is written: that is seen, too.
    const pointed = await query(session, '$when(cpus[0].proc->pid == 3)', 1000);
    const runs = await query(session, '$writes(cpus[0].proc, $new == &proc[2])', 1000);
    assert.ok(pointed.rows.length > 0);
    assert.deepEqual(
      pointed.rows.map(({ instant }) => instant),
      runs.rows.map(({ instant }) => instant),
    );
    assert.match((await query(session, '$when(NPROC_THAT_IS_NOT == 1)').catch(String)).toString(), /NPROC_THAT_IS_NOT/);
    await assert.rejects(query(session, '$when($satp == 0)'), /\$satp cannot be watched/);
    assert.match(
      (await query(session, '$when(1 == 1)')).title,
      /^No times at which .* became true; true from the beginning/,
    );
  });

  it('tells the life of a page', async () => {
    const session = await afterLs();
    const frames = await session.stack();
    const user = frames.at(-1)!;
    const { rows } = await session.ask('xv6.query', { query: '$page(main)', frameId: user.id });
    const tale = rows.map(({ what, process }) => `${what.replace(/ in .*/, '')} (${process})`);
    const last = tale.slice(tale.findLastIndex((text) => text.startsWith('allocated')));
    assert.deepEqual(last, ['allocated (pid 3 sh)', 'mapped at 0x0, V R - X U - - -, (pid 3 sh)']);
    assert.match(rows.at(-1)!.what, /in a table with its root at 0x|in the table of pid 3/);
    assert.match(rows.at(-1)!.place!, /^mappages.* at vm\.c:\d+, called by uvmalloc at uvm\.c:\d+$/);
    assert.match(rows.at(-2)!.place!, /^uvmalloc at uvm\.c:\d+$/);
    // A page that exec freed: by the line that unmapped it.
    const freed = (await query(session, '$calls(kfree)', 1000)).rows.filter(({ place }) =>
      place!.startsWith('uvmunmap'),
    );
    const page = freed.at(-1)!.parts[0]!.value.split(' ')[0]!;
    const life = (await query(session, `$page(${page})`)).rows;
    const end = life.findLastIndex(({ what }) => what === 'freed');
    assert.match(life[end]!.place!, /^uvmunmap at vm\.c:\d+$/);
    assert.match(life[end - 1]!.what, /^mapped at 0x\w+, V R/);
    assert.match(life[end + 1]!.what, /^unmapped at 0x/);
    const table = await session.ask('xv6.query', { query: '$page($pte(main))', frameId: user.id });
    assert.deepEqual(
      table.rows.map(({ instant }) => instant),
      rows.map(({ instant }) => instant),
      'by its entry',
    );
    await assert.rejects(query(session, '$page(0)'), /leads to no page of memory/);
  });

  it('tells a call of kfree that only counts from one that frees the page', async () => {
    const session = current();
    await session.boot({ harts: 1, kernel: plantedKernel('COW'), filters: ['process-exit'] });
    await session.written('$ ');
    await session.type('ls');
    await session.stopped();
    // The text of sh, which its child had as well until it became ls.
    const calls = (await query(session, '$calls(kfree)', 1000)).rows;
    const given = calls.map(({ parts }) => parts[0]!.value.split(' ')[0]!);
    const whats = async (page: string): Promise<string[]> =>
      (await query(session, `$page(${page})`)).rows.map(({ what }) => what.replace(/ at 0x.*/, ''));
    const lives = await Promise.all([...new Set(given.slice(-12))].map(whats));
    const kept = 'given to the allocator, which left it as it was';
    const shared = lives.find((life) => life.includes(kept));
    assert.ok(shared, lives.join('; '));
    const life = shared.slice(shared.lastIndexOf('allocated'));
    assert.ok(life.filter((what) => what === 'freed').length <= 1, life.join(', '));
    assert.ok(!life.includes('freed') || life.indexOf('freed') > life.indexOf(kept), life.join(', '));
    assert.ok(
      lives.some((life) => life.at(-2) === 'freed' && life.at(-1) === 'unmapped'),
      lives.join('; '),
    );
  });

  it('tells the life of a page of an allocator that the launch configuration names', async () => {
    const session = current();
    const allocators = [{ allocate: 'superalloc', free: 'superfree', size: '2M' }];
    await session.boot({ harts: 1, kernel: plantedKernel('SUPER'), allocators });
    await session.written('$ ');
    const from = await session.type('labtests super');
    await session.written('labtests super: OK\n$ ', from);
    await session.pauseRequest({ threadId: 1 });
    await session.stopped();
    const { rows: calls } = await query(session, '$calls(superalloc, $result != 0)', 1);
    const superpage = calls[0]!.parts.find(({ name }) => name === 'result')!.value.split(' ')[0]!;
    // Its second page; the rest of its life is that of all of it.
    const { rows } = await query(session, `$page(${superpage} + 4096)`);
    const life = rows.map(({ what, place }) => `${what} ${place}`);
    assert.ok(
      life.some((text) => /^allocated .* at \w+\.c:\d+/.test(text)),
      life.join('; '),
    );
    const { rows: frees } = await query(session, '$calls(superfree)', 1);
    const freed = frees[0]!.parts[0]!.value.split(' ')[0]!;
    const last = (await query(session, `$page(${freed} + 4096)`)).rows.map(({ what }) => what);
    assert.ok(last.includes('freed'), last.join('; '));
  });

  it('finds who wrote a block of the disk', async () => {
    const session = current();
    await session.boot({ harts: 1 });
    await session.written('$ ');
    const from = await session.type('echo a > b');
    await session.written('\n$ ', from);
    await session.pauseRequest({ threadId: 1 });
    await session.stopped();
    const all = await session.ask('xv6.query', { query: '$calls(virtio_disk_rw, write == 1)' });
    assert.ok(all.rows.length > 2);
    // The first block of the log is written at both ends of a commit.
    await session.ask('xv6.goTo', { instant: all.rows.at(-1)!.instant });
    await session.stopped();
    const block = await session.value('b->blockno');
    await session.ask('xv6.goTo', { instant: 'present' });
    await session.stopped();
    const { title, rows } = await session.ask('xv6.query', { query: `$disk(${block})` });
    assert.match(title, new RegExp(`^\\d+ writes of disk block ${block}`));
    assert.equal(rows.at(-1)!.instant, all.rows.at(-1)!.instant);
    assert.match(rows.at(-1)!.place!, /^\w+ at \w+\.c:\d+$/);
    assert.ok(rows.length < all.rows.length);
  });

  it('is a table in the debug console, with numbers to go by', async () => {
    const session = await afterLs();
    const [frame] = await session.stack();
    const evaluate = async (expression: string): Promise<DebugProtocol.EvaluateResponse['body']> =>
      (await session.evaluateRequest({ expression, context: 'repl', frameId: frame!.id })).body;
    const { result, variablesReference } = await evaluate('$calls(exec)');
    assert.equal(result, '3 calls of exec; the latest last');
    const rows = await session.children(variablesReference);
    assert.deepEqual(
      rows.map(({ name }) => name),
      ['#1', '#2', '#3'],
    );
    assert.match(
      rows[2]!.value,
      /^[\d.]+ m?s ago +exec\(path = .*"\/ls".*\) = 1 +sys_exec at sysfile\.c:\d+ +pid 3 sh, hart 0$/,
    );
    const members = await session.children(rows[2]!.variablesReference);
    assert.equal(members.at(-1)!.value, '$go(3)');
    assert.ok(rows[2]!.valueLocationReference! > 0);
    await assert.rejects(session.value('$calls(exec)'), /asked in the debug console/);
    await assert.rejects(evaluate('$calls(nothing_of_the_kind)'), /There is no function nothing_of_the_kind/);
    await assert.rejects(evaluate('$calls()'), /It is \$calls\(function, condition\)/);
    await assert.rejects(evaluate('$go(77)'), /There is no answer #77/);
    assert.match((await evaluate('$calls(exec, nobody == 3)')).result, /could not be evaluated 3 times \(.*nobody/);
    assert.match((await evaluate('$go(2)')).result, /^Going to #2: exec\(/);
    const stop = await session.stopped();
    assert.match(stop.description!, /^exec\(path = .*"\/sh"/);
  });

  it('can be cancelled at any moment, and then has what it has found', async () => {
    const session = await afterLs();
    const progress = session.waitForEvent('progressStart') as Promise<DebugProtocol.ProgressStartEvent>;
    const asked = query(session, '$traps($a7 == 12345678)');
    const { progressId, cancellable } = (await progress).body;
    assert.equal(cancellable, true);
    const cancelled = session.customRequest('cancel', { progressId });
    const { title } = await asked;
    await cancelled;
    assert.match(title, /^No traps; cancelled before the whole past was looked through$/);
    assert.match((await session.stack())[0]!.name, /exit/);
  });
});
